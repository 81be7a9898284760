"""Work that came to nothing is shown, with what to do, and said again."""

from pathlib import Path

import pytest

from tests.cli.conftest import Scm


def test_when_everything_counts_the_list_says_so(nova: Scm) -> None:
    told = nova("event", "void")
    assert (told.code, "Everything you wrote counts" in told.out + told.err) == (0, True)
    assert nova("event", "void", "--json").json == []
    assert nova("event", "reissue", "--json").json["reissued"] == 0


@pytest.mark.slow
def test_work_hit_by_a_new_role_is_told_at_import_shown_and_said_again(nova: Scm, tmp_path: Path) -> None:
    invitation, request, space = tmp_path / "invitation", tmp_path / "request", tmp_path / "space"
    for title in ("Scribe", "Clerk"):
        nova("role", "define", title, 4, "--rights", "member.invite", "--rights", "member.represent")
    nova("init", at="b")
    nova("member", "invite", "-o", invitation)
    nova("space", "request", invitation, "-o", request, at="b")
    nova("member", "admit", request, "--role", "Scribe")
    nova("space", "export", "-o", space)
    nova("space", "import", space, at="b")
    nova("member", "join", "--handle", "Bo", at="b")
    nova("space", "export", "-o", space, at="b")
    nova("space", "import", space)
    nova("member", "record", "Grace", at="b")
    nova("member", "set-role", "Bo", "Clerk")
    nova("space", "export", "-o", space)
    told = nova("space", "import", space, at="b")
    assert "scm event void" in told.err
    (row,) = nova("event", "void", "--json", at="b").json
    assert (row["type"], row["reason"], row["this machine"]) == ("member.recorded/1", "cut-by-removal", True)
    assert "member.recorded/1" in nova("event", "void", at="b").out
    again = nova("event", "reissue", "--event", row["event"][:12], "--json", at="b")
    assert (again.json["reissued"], again.json["left"]) == (1, 0)
    assert nova("event", "reissue", "--event", row["event"], at="b").error == "event-not-reissuable"
    assert "Grace" in nova("member", "list", at="b").out


@pytest.mark.slow
def test_who_was_removed_is_told_so_and_what_of_theirs_does_not_count(nova: Scm, tmp_path: Path) -> None:
    invitation, request, space = tmp_path / "invitation", tmp_path / "request", tmp_path / "space"
    nova("role", "define", "Scribe", 4, "--rights", "member.represent")
    nova("init", at="b")
    nova("member", "invite", "-o", invitation)
    nova("space", "request", invitation, "-o", request, at="b")
    nova("member", "admit", request, "--role", "Scribe")
    nova("space", "export", "-o", space)
    nova("space", "import", space, at="b")
    nova("member", "join", "--handle", "Bo", at="b")
    nova("space", "export", "-o", space, at="b")
    nova("space", "import", space)
    assert nova("member", "remove", "Bo", "inactive").code == 0
    nova("member", "record", "Grace", at="b")
    nova("space", "export", "-o", space)
    told = nova("space", "import", space, at="b").err
    assert "Of what you wrote 1 do not count any more. Look at it: scm event void" in told
    (row,) = nova("event", "void", "--json", at="b").json
    assert (row["type"], row["this machine"]) == ("member.recorded/1", True)
    listed = nova("event", "void", at="b")
    assert "member.recorded/1" in listed.out
    assert "You do not act in Nova Halcyon any more" in listed.err
    assert "scm event reissue" not in listed.err
    assert "You do not act" not in nova("event", "void").err
