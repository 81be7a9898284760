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


def test_what_cannot_be_undone_says_why_and_nothing_is_asked(nova: Scm) -> None:
    founded = nova("log", "show", "--type", "organisation.founded", "--json").json[0]
    told = nova("undo", founded["id"][:12])
    assert told.error == "undo-impossible"
    assert "scm org archive" in told.err
    assert nova("undo", "ffff0000").error == "name-unknown"
