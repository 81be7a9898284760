"""`scm audit diff`: what differs between two points of a history, or between what two machines hold of it."""

from pathlib import Path

from tests.cli.conftest import Scm
from tests.cli.test_audit_explain import carry, let_in
from tests.cli.test_audit_replay import files_in


def test_two_points_differ_by_what_was_said_between_them(nova: Scm, tmp_path: Path) -> None:
    nova("fleet", "form", "Home")
    nova("fleet", "rename", "Home", "Away")
    nova("member", "record", "Ayla")
    before = files_in(tmp_path)
    told = nova("audit", "diff", 6, "now", "--json").json
    assert files_in(tmp_path) == before
    assert not told["same"]
    changed = {(each["kind"], each["name"]): each for each in told["things"]}
    assert set(changed) == {("fleet", "Away"), ("member", "Ayla")}
    assert {"field": "title", "a": "Home", "b": "Away"} in changed["fleet", "Away"]["fields"]
    assert (changed["member", "Ayla"]["in_a"], changed["member", "Ayla"]["in_b"]) == (False, True)
    assert [(each["in"], each["type"]) for each in told["events"]] == [
        ("b", "fleet.renamed/1"), ("b", "member.recorded/1"),
    ]  # fmt: skip
    back = nova("audit", "diff", "now", 6, "--json").json
    assert {each["in"] for each in back["events"]} == {"a"}
    shown = nova("audit", "diff", 6, "now").out
    assert "fleet.renamed/1" in shown
    assert "member Ayla (only in b)" in shown
    same = nova("audit", "diff", 6, 6)
    assert "Nothing differs." in same.err
    assert nova("audit", "diff", 6, 6, "--json").json["same"]


def test_a_removal_that_came_shows_what_it_voided_and_what_stopped_counting(nova: Scm, tmp_path: Path) -> None:
    member = let_in(nova, tmp_path)
    assert nova("fleet", "form", "Bo's", at="b").code == 0
    nova("member", "remove", member, "conduct")
    nova("space", "export", "-o", tmp_path / "removed")
    told = nova("audit", "diff", "now", tmp_path / "removed", "--json", at="b").json
    assert [each["type"] for each in told["events"] if each["in"] == "a"] == ["fleet.formed/1"]
    removal = {"member.removed/1", "grant.removed/1"}
    assert removal <= {each["type"] for each in told["events"] if each["in"] == "b"}
    carry(nova, tmp_path, "b", "a")
    told = nova("audit", "diff", tmp_path / "removed", "now", "--json").json
    formed = next(each for each in told["events"] if each["type"] == "fleet.formed/1")
    assert (formed["in"], formed["a"], formed["b"]) == ("b", None, "cut-by-removal")
    assert told["things"] == []


def test_entries_that_are_judged_otherwise_are_told(nova: Scm, tmp_path: Path) -> None:
    member = let_in(nova, tmp_path)
    assert nova("fleet", "form", "Bo's", at="b").code == 0
    assert nova("space", "export", "-o", tmp_path / "early", at="b").code == 0
    nova("member", "remove", member, "conduct")
    assert nova("space", "export", "-o", tmp_path / "late").code == 0
    assert nova("space", "import", tmp_path / "late", at="b").code == 0
    told = nova("audit", "diff", tmp_path / "early", "now", "--json", at="b").json
    (void,) = [each for each in told["events"] if each["in"] == "both"]
    assert (void["type"], void["a"], void["b"]) == ("fleet.formed/1", "counts", "cut-by-removal")
    (gone,) = [each for each in told["things"] if each["kind"] == "fleet"]
    assert (gone["name"], gone["in_a"], gone["in_b"]) == ("Bo's", True, False)


def test_two_folders_of_one_log_that_went_on_apart_are_a_fork(nova: Scm, tmp_path: Path) -> None:
    database = tmp_path / "a" / "events.db"
    before = database.read_bytes()
    marks = {path: path.read_bytes() for path in (tmp_path / "a.state").glob("*.mark")}
    nova("fleet", "form", "One history")
    assert nova("space", "export", "-o", tmp_path / "one").code == 0
    database.write_bytes(before)
    for path, raw in marks.items():
        path.write_bytes(raw)
    nova("fleet", "form", "Another")
    told = nova("audit", "diff", tmp_path / "one", "now", "--json").json
    assert {each["name"] for each in told["things"]} == {"One history", "Another"}
    assert told["forked"] == [nova("audit", "replay", "--json").json["heads"][0]["log"]]
    assert "signed two histories" in nova("audit", "diff", tmp_path / "one", "now").err


def test_a_path_may_have_a_point_behind_it(nova: Scm, tmp_path: Path) -> None:
    nova("fleet", "form", "Home")
    nova("space", "export", "-o", tmp_path / "space")
    nova("fleet", "form", "Away")
    assert nova("audit", "diff", f"{tmp_path / 'space'}@5", 5, "--json").json["same"]
    assert not nova("audit", "diff", f"{tmp_path / 'space'}@5", tmp_path / "space", "--json").json["same"]


def test_what_holds_another_space_is_refused(nova: Scm, tmp_path: Path) -> None:
    nova("init", at="b")
    nova("org", "found", "Tallow", "--handle", "Bo", at="b")
    nova("space", "export", "-o", tmp_path / "other", at="b")
    assert nova("audit", "diff", "now", tmp_path / "other").error == "audit-other-space"
    assert nova("audit", "diff", "now", "nonsense").error == "audit-point-unclear"


def test_what_only_one_side_has_is_told_there_alone_and_in_plain_words(nova: Scm) -> None:
    nova("fleet", "form", "Home")
    last = nova("log", "show", "--limit", 1, "--json").json[0]["position"]
    nova("ship", "add", "Corsair", "--nickname", "Rocinante")
    (ship,) = nova("audit", "diff", last, "now", "--json").json["things"]
    told = {each["field"]: (each["a"], each["b"]) for each in ship["fields"]}
    assert {before for before, _ in told.values()} == {""}, "nothing is said of it where it is not"
    assert told["nickname"][1] == "Rocinante"
    assert told["brought"][1] == "owner Vesper, model DRAK_Corsair, source typed"
