"""Search on the command line: any spelling, the best match first, a hint when there is none."""

import pytest

from tests.cli.conftest import Scm


@pytest.mark.slow
def test_things_of_every_kind_are_found_by_a_part_of_their_name(nova: Scm) -> None:
    nova("member", "record", "Vélar")
    nova("fleet", "form", "Vela")
    nova("fleet", "form", "The Vela Watch")
    nova("contact", "record", "Anvela")
    rows = nova("search", "VELA", "--json").json
    assert [(row["name"], row["kind"], row["match"]) for row in rows] == [
        ("Vela", "fleet", "exact"),
        ("Vélar", "member", "prefix"),
        ("The Vela Watch", "fleet", "word"),
        ("Anvela", "contact", "substring"),
    ]
    assert rows[0]["in"] == "Nova Halcyon"
    assert len(nova("search", "vela", "--first", 2, "--json").json) == 2
    assert [row["name"] for row in nova("search", "vela", "--kind", "member", "--org", "NOVA", "--json").json] == [
        "Vélar"
    ]
    nova("fleet", "disband", "Vela")
    assert nova("search", "vela", "--kind", "fleet", "--json").json[0]["gone"] == "gone"


@pytest.mark.slow
def test_what_is_not_there_is_answered_with_a_hint(nova: Scm) -> None:
    told = nova("search", "zzz")
    assert (told.code, told.out) == (0, "")
    assert "A part of the name is enough" in told.err
    assert "scm member list" in told.err
    assert nova("search", "\u200b").error == "nothing-to-search"
