"""What things are called: names where lists name others, and what was meant by one that is unknown."""

import itertools
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.cli.calling import (
    ALIKE_SHOWN,
    COMPARED_MAX,
    NameAmbiguous,
    Named,
    NameUnknown,
    Register,
    alike,
    pick,
)
from tests.cli.conftest import Scm

ROSTER = [
    Named(bytes([number]) * 16, called)
    for number, called in enumerate((("Vesper", "Vesper Ilo"), ("Ayla",), ("Café",), ("高橋 健",), ("Дмитрий",), ()))
]


def test_a_name_stands_alone_and_the_id_beside_it_only_where_two_share_it() -> None:
    gone = Named(b"g" * 16, ("Ayla",), "removed")
    told = Register([*ROSTER, gone, Named(b"v" * 16, ("vesper",))])
    assert str(told.call(ROSTER[1].id)) == "Ayla"
    assert str(told.call(gone.id)) == "Ayla (removed)"
    assert str(told.call(ROSTER[0].id)) == "Vesper (000000000000)"
    assert str(told.call(b"x" * 16)) == (b"x" * 6).hex()
    assert told.call(gone.id).plain() == {"id": gone.id, "name": "Ayla", "gone": "removed"}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("Vespre", "Vesper"), ("ilo", "Vesper"), ("Alya", "Ayla"), ("Kafe", "Café"), ("cafe", "Café"),
        ("高僑 健", "高橋 健"), ("高", "高橋 健"), ("Дмитрй", "Дмитрий"),
    ],
)  # fmt: skip
def test_a_name_that_is_misspelt_is_asked_in_any_script(typed: str, meant: str) -> None:
    with pytest.raises(NameUnknown) as told:
        pick("member", typed, ROSTER)
    assert f"Did you mean {meant} (" in str(told.value)


def test_what_is_like_nothing_gets_the_names_there_are() -> None:
    with pytest.raises(NameUnknown) as told:
        pick("member", "Qwxz", ROSTER)
    assert "Known: Vesper (" in str(told.value)


def test_the_id_prefix_still_counts_and_several_are_still_asked() -> None:
    assert pick("member", "0505", ROSTER).names == ()
    with pytest.raises(NameAmbiguous):
        pick("member", "ayla", [*ROSTER, Named(b"z" * 16, ("AYLA",))])


@given(st.text(max_size=200), st.lists(st.text(max_size=90), max_size=30))
def test_whatever_is_typed_gets_few_of_the_names_there_are(typed: str, known: list[str]) -> None:
    found = alike(typed, known)
    assert len(found) <= ALIKE_SHOWN
    assert set(found) <= set(known)


def test_the_look_for_what_was_meant_is_bounded() -> None:
    names = (f"{number} of a long roster" * 20 for number in itertools.count())
    assert alike("Vespre" * 10_000, names) == []
    assert next(names).startswith(f"{COMPARED_MAX + 1} of")


def test_every_list_of_names_asks_what_was_meant(nova: Scm) -> None:
    nova("fleet", "form", "Home Fleet")
    nova("role", "define", "Officer", 3)
    nova("contact", "record", "Tallow")
    nova("operation", "plan", "Jumptown", "2955-11-30T20:00", "2h")
    for words in (
        ("fleet", "assign-lead", "Hoem Fleet", "Vesper"),
        ("role", "withdraw", "Oficer"),
        ("contact", "set-stance", "Talow", "friendly"),
        ("operation", "show", "Jumpton"),
        ("member", "note", "Vesprer", "x"),
    ):
        told = nova(*words)
        assert (told.error, "Did you mean" in told.err) == ("name-unknown", True), words


def test_what_is_gone_is_left_out_of_every_list_and_shown_with_all(nova: Scm) -> None:
    made = {
        "member": (("record", "Ayla"), ("remove", "Ayla", "inactive"), "removed"),
        "role": (("define", "Guest", 9), ("withdraw", "Guest"), "withdrawn"),
        "ship": (("add", "DRAK_Corsair"), ("remove", "DRAK_Corsair", "sold"), "removed"),
        "fleet": (("form", "Home"), ("disband", "Home"), "disbanded"),
        "squadron": (("form", "Red"), ("disband", "Red"), "disbanded"),
        "contact": (("record", "Tallow"), ("archive", "Tallow"), "archived"),
    }
    for thing, (begun, ended, word) in made.items():
        assert nova(thing, *begun).code == 0
        before = len(nova(thing, "list", "--json").json)
        assert nova(thing, *ended).code == 0, thing
        assert len(nova(thing, "list", "--json").json) == before - 1, thing
        told = nova(thing, "list")
        assert "1 more is gone; to see it: --all" in told.err, thing
        assert word not in told.out, thing
        assert word in [row["gone"] for row in nova(thing, "list", "--all", "--json").json], thing
        assert word in nova(thing, "list", "--all").out, thing


def test_a_ship_is_listed_with_its_nickname_and_how_long_claim_and_loan_last(nova: Scm) -> None:
    nova("member", "record", "Ayla")
    nova("ship", "add", "DRAK_Corsair")
    nova("ship", "name", "DRAK_Corsair", "Rosinante")
    assert nova("ship", "lend", "Rosinante", "Ayla", "--until", "3d").code == 0
    assert nova("ship", "set-readiness", "Rosinante", "in-claim", "--until", "2h").code == 0
    (ship,) = nova("ship", "list", "--json").json
    assert (ship["nickname"], ship["owner"]["name"], ship["lent_to"][0]["name"]) == ("Rosinante", "Vesper", "Ayla")
    assert ship["lent_until"][0] > ship["claim_until"] > time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    nova("ship", "add", "ANVL_Carrack", "--organisation")
    assert {row["owner"]["name"] for row in nova("ship", "list", "--json").json} == {"Vesper", "Nova Halcyon"}
    told = nova("ship", "list").out
    assert "Rosinante" in told
    assert "claim until" in told
    assert "fleet" not in told, "a column without a word in it"
