"""Undo on the command line: the last thing, an event by its digits, a preview, what changed since."""

import pytest

from tests.cli.conftest import Scm


@pytest.mark.slow
def test_the_last_thing_is_undone_after_a_look(nova: Scm) -> None:
    nova("fleet", "form", "First")
    nova("fleet", "rename", "First", "North")
    (renamed,) = nova("log", "show", "--type", "fleet.renamed", "--json").json
    assert "fleet.rename" in nova("undo", "last", "--preview").out
    assert nova("fleet", "list", "--json").json[0]["title"] == "North"
    told = nova("undo", "--yes", "--json").json
    assert (told["event"], len(told["said"])) == (renamed["id"], 1)
    assert nova("fleet", "list", "--json").json[0]["title"] == "First"
    changed = nova("undo", renamed["id"][:12], "--yes")
    assert changed.error == "undo-changed-since"
    assert "fleet.renamed/1" in changed.err
    nova("fleet", "rename", "First", "South")
    assert nova("undo", renamed["id"][:12], "--yes", "--anyway").code == 0
    assert nova("fleet", "list", "--json").json[0]["title"] == "First"


@pytest.mark.slow
def test_a_second_undo_goes_one_further_back_and_the_undo_of_an_undo_says_that_it_is_a_redo(nova: Scm) -> None:
    nova("fleet", "form", "First")
    nova("fleet", "rename", "First", "North")
    assert "redo" not in nova("undo", "--yes").err
    (_, undo) = sorted(nova("log", "show", "--type", "fleet.renamed", "--json").json, key=lambda each: each["seq"])
    looked = nova("undo", undo["id"][:12], "--preview")
    assert "redo" in looked.err
    told = nova("undo", undo["id"][:12], "--yes")
    assert "this is a redo: fleet.renamed/1" in told.err
    assert nova("fleet", "list", "--json").json[0]["title"] == "North"
    assert nova("undo", "--yes").code == 0
    assert nova("undo", "--yes").code == 0
    assert [each["title"] for each in nova("fleet", "list", "--json").json if not each["disbanded"]] == []


def test_in_an_empty_folder_there_is_nothing_to_undo_yet(scm: Scm) -> None:
    scm("init")
    told = scm("undo")
    assert (told.code, told.error) == (1, "undo-nothing")
    assert "scm org found" in told.err


def test_what_cannot_be_undone_says_why_and_nothing_is_asked(nova: Scm) -> None:
    founded = nova("log", "show", "--type", "organisation.founded", "--json").json[0]
    told = nova("undo", founded["id"][:12])
    assert told.error == "undo-impossible"
    assert "scm org archive" in told.err
    assert nova("undo", "ffff0000").error == "name-unknown"
