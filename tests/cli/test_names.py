"""Which thing a name means: the slot of the operation that is named, and the living before what is gone."""

import pytest

from scmanager.application.every_verb import VERBS
from scmanager.cli.calling import NameAmbiguous, Named, pick
from scmanager.forensics.gone import AFTERWARDS, ALL_ALIKE, BRING_BACK, WITH_TEMPLATES
from tests.cli.conftest import Scm

DAY = ("2955-11-30T20:00", "2955-11-30T22:00")


def one_with_a_pilot(scm: Scm, title: str) -> str:
    """An operation with one ship slot and one pilot: its id."""
    operation: str = scm("operation", "plan", title, *DAY, "--json").json["operation"]
    assert scm("operation", "add-ship-slot", operation, "Gunship").code == 0
    told = scm("operation", "add-crew-slots", operation, "pilot", "--aboard", "Gunship")
    assert told.code == 0, told.err
    return operation


def test_slots_and_squads_are_those_of_the_operation_that_is_named(nova: Scm) -> None:
    for title in ("Jumptown", "Outpost night"):
        one_with_a_pilot(nova, title)
        assert nova("operation", "form-squad", title, "Red").code == 0
        assert nova("operation", "sign-up", title).code == 0
    assert nova("operation", "take-slot", "Jumptown", "pilot").code == 0
    assert nova("operation", "add-crew-slots", "Outpost night", "gunner", "--squad", "Red").code == 0
    taken = [
        nova("operation", "show", title, "--json").json["slots"][1]["who"] for title in ("Jumptown", "Outpost night")
    ]
    assert [[each["name"] for each in who] for who in taken] == [["Vesper"], []]
    assert nova("operation", "take-slot", "Outpost night", "gunner").code == 0
    assert nova("operation", "take-slot", "Jumptown", "gunner").error == "name-unknown"


def test_one_thing_under_two_names_is_listed_once() -> None:
    twice, other = Named(b"a" * 16, ("gunner 1", "gunner")), Named(b"b" * 16, ("gunner",))
    assert pick("slot", "gunner", [twice, twice]) == twice
    with pytest.raises(NameAmbiguous) as told:
        pick("slot", "gunner", [twice, twice, other])
    assert str(told.value).count("(") == 2


def test_whoever_is_here_comes_before_whoever_was_removed(nova: Scm) -> None:
    gone, here = (nova("member", "record", "Ayla", "--json").json["member"] for _ in range(2))
    assert nova("member", "remove", gone, "inactive").code == 0
    assert nova("member", "note", "Ayla", "steady", "--json").json["member"] == here
    told = nova("erase", "Ayla", "--yes")  # What cannot be undone is not guessed.
    assert told.error == "name-ambiguous"
    assert f"Ayla ({gone[:12]}) (removed)" in told.err
    assert f"Ayla ({here[:12]})" in told.err


def test_a_ship_that_was_removed_is_meant_when_it_is_brought_back(nova: Scm) -> None:
    gone, here = (nova("ship", "add", "DRAK_Corsair", "--json").json["ship"] for _ in range(2))
    nova("ship", "remove", gone, "sold")
    assert nova("ship", "name", "DRAK_Corsair", "Rosinante", "--json").json["ship"] == here
    assert nova("ship", "restore", "DRAK_Corsair", "--json").json["ship"] == gone


def test_a_ship_that_only_ones_own_hangar_calls_so_is_told_with_how_to_name_it(nova: Scm) -> None:
    own = nova("ship", "add", "DRAK_Cutlass_Black", "--personal", "--nickname", "Magpie", "--json").json["ship"]
    before = nova("ship", "set-readiness", "Magpie", "damaged")
    assert (before.error, "--personal" in before.err, own[:12] in before.err) == ("name-unknown", True, False)
    assert nova("hangar", "share").code == 0
    told = nova("ship", "set-readiness", "Magpie", "damaged")
    assert (told.error, f"here it is {own[:12]}." in told.err) == ("name-unknown", True)
    assert nova("ship", "set-readiness", "Magpie", "damaged", "--personal").code == 0
    assert nova("ship", "set-readiness", own[:12], "damaged").code == 0
    assert "--personal" not in nova("ship", "set-readiness", "Wasp", "damaged").err


@pytest.mark.slow
def test_a_withdrawn_role_and_a_cancelled_operation_give_way(nova: Scm) -> None:
    gone, here = (nova("role", "define", "Guest", 9 - each, "--json").json["role"] for each in range(2))
    assert nova("role", "withdraw", gone).code == 0
    assert nova("role", "change", "Guest", "Guest", 7, "--json").json["role"] == here
    first, second = (nova("operation", "plan", "Jumptown", *DAY, "--json").json["operation"] for _ in range(2))
    assert nova("operation", "cancel", first, "servers").code == 0
    assert nova("operation", "sign-up", "Jumptown", "--json").json["operation"] == second
    assert nova("operation", "show", "Jumptown").code == 0
    assert nova("operation", "cancel", second, "servers").code == 0
    told = nova("operation", "show", "Jumptown")
    assert told.error == "name-ambiguous"
    assert told.err.count("(cancelled)") == 2


def test_a_template_and_its_copy_are_told_apart_by_what_the_verb_takes(nova: Scm) -> None:
    nova("operation", "plan", "Outpost night", *DAY)
    nova("operation", "save-template", "Outpost night", "Outpost night")
    told = nova("operation", "copy", "Outpost night", "2955-12-07T19:00")
    assert told.error == "name-ambiguous"
    assert told.err.count("(template)") == 1
    assert nova("operation", "repeat", "Outpost night", "week", 1).code == 0


def test_what_is_over_by_the_clock_gives_way_but_not_where_one_says_how_it_went(nova: Scm) -> None:
    past = nova("operation", "plan", "Jumptown", "2020-01-01T20:00", "2020-01-01T22:00", "--json").json["operation"]
    nova("operation", "plan", "Jumptown", *DAY)
    assert nova("operation", "sign-up", "Jumptown", "--json").json["operation"] != past
    assert nova("operation", "complete", "Jumptown", "success").error == "name-ambiguous"


@pytest.mark.parametrize("called", ["Cafe\u0301", "Caf\u00e9", "CAFE\u0301"])
def test_a_letter_and_its_accent_are_one_however_they_are_written(called: str) -> None:
    composed = Named(b"a" * 16, ("Caf\u00e9",))
    assert pick("member", called, [composed]) == composed


def test_every_verb_that_is_named_here_is_one() -> None:
    assert set(VERBS) >= BRING_BACK | ALL_ALIKE | AFTERWARDS | WITH_TEMPLATES
