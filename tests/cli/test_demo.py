"""The demo: made by the ways people use, checked by three queries, and nothing is left behind."""

import shlex
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scmanager.adapters.folder_lock import FolderLock
from scmanager.adapters.hangar_files import read_hangar
from scmanager.api.listening import listen
from scmanager.cli import demo, demo_content
from scmanager.cli.demo_life import last_saturday
from tests.cli.conftest import Scm


def test_every_ship_list_of_the_demo_is_understood_in_full() -> None:
    content = demo_content.load()
    people = [content.founder, *(person for each in content.organisations for person in each.people)]
    assert len({person.handle for person in people}) == len(people) == 25
    for person in people:
        read = read_hangar(demo_content.ship_list(person.handle))
        assert read.ships
        assert not read.unrecognised
        assert not read.notes


@pytest.mark.services
@pytest.mark.slow
def test_the_demo_is_made_checked_and_stays_in_its_folder(scm: Scm, tmp_path: Path) -> None:
    folder = tmp_path / "a"
    told = scm("demo", "--data", folder, "--check")
    assert told.code == 0, told.err
    assert "three queries answered" in told.out
    pasted = [shlex.split(line) for line in told.err.splitlines() if " query " in line]
    assert [scm(*each[1:]).code for each in pasted] == [0, 0, 0], "what it says to ask can be asked"
    roster = scm("member", "list", "--org", "NOVA", "--all", "--json").json
    assert {each["standing"] for each in roster} == {"joined", "recorded", "invited", "removed"}
    roles = {each["role"]["name"] if each["role"] else None for each in roster}
    assert roles == {"founder", "Officer", "Member", "Recruit", None}
    assert {each["name"] for each in roster} >= {"春の風 (Haru)", "نوري الطيّار"}
    assert {each["readiness"] for each in scm("ship", "list", "--org", "NOVA", "--json").json} == {
        "ready", "damaged", "lost", "in-claim",
    }  # fmt: skip
    _has_flown_and_agreed(scm)
    entries = scm("log", "verify", "--deep", "--json").json["entries"]
    assert entries > 300
    assert not (folder / "node.json").exists()
    assert scm("demo", "--data", folder).code == 0
    assert scm("log", "verify", "--json").json["entries"] == entries, "made once"


@pytest.mark.slow
def test_a_demo_without_a_folder_says_that_it_goes_again(scm: Scm) -> None:
    told = scm("demo")
    assert "temporary folder" in told.out
    assert "--data" in told.err


@pytest.mark.slow
def test_a_demo_that_was_broken_off_is_made_anew(scm: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    with monkeypatch.context() as interrupted:
        interrupted.setattr(demo.Stage, "organise", _ctrl_c)
        assert scm("demo", "--data", folder).error == "stopped"
    assert len(scm("org", "list", "--json").json) == 1, "half of it"
    with FolderLock(folder / "node.lock"):
        assert scm("demo", "--data", folder).error == "folder-in-use", "while another makes it"
    told = scm("demo", "--data", folder)
    assert told.code == 0, told.err
    assert "made anew" in told.err
    assert len(scm("org", "list", "--json").json) == 2
    assert "made anew" not in scm("demo", "--data", folder).err


def test_a_port_that_is_taken_is_told_before_a_demo_is_made(
    scm: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with listen(0) as taken:
        monkeypatch.setenv("SCM_PORT", str(taken.getsockname()[1]))
        refused = scm("demo", "--data", tmp_path / "a", "--serve")
    assert refused.error == "port-taken"
    assert not (tmp_path / "a" / "events.db").exists(), "nothing was made, and the next try makes it"


def test_a_folder_with_other_things_is_left_alone(scm: Scm, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "diary").touch()
    told = scm("demo", "--data", tmp_path / "a")
    assert (told.code, told.error) == (1, "demo-folder-taken")
    assert [each.name for each in (tmp_path / "a").iterdir()] == ["diary"]


def test_a_real_organisation_is_no_demo(nova: Scm, tmp_path: Path) -> None:
    assert nova("demo", "--data", tmp_path / "a", "--check").error == "demo-folder-taken"
    assert [row["title"] for row in nova("org", "list", "--json").json] == ["Nova Halcyon"]


def _ctrl_c(*_: object) -> None:
    raise KeyboardInterrupt


def _has_flown_and_agreed(scm: Scm) -> None:
    flown = scm("operation", "show", "Lantern over Hurston", "--org", "NOVA")
    assert "completed" in flown.out
    report = scm("document", "show", "Lantern over Hurston", "--kind", "report", "--org", "NOVA")
    assert "Next time: name a reserve gunner" in report.out
    about = ("Gate Watch, Saturday patrol", "--kind", "briefing", "--org", "NOVA")
    lines = scm("document", "show", *about).out.splitlines()
    assert (lines[0][-26:], lines[-1][:9]) == ("a quarter of an hour before."[-26:], "The scout")
    authors = {each["by"]["id"] for each in scm("document", "history", *about, "--json").json}
    assert len(authors) == 2, "of two who wrote at the same time both are told of"
    planned = scm("operation", "show", "Gate Watch, Saturday patrol", "--org", "NOVA").out
    assert {line.split(":")[0] for line in planned.splitlines()} >= {"crew", "waiting", "tentative", "reserve"}
    treaties = scm("treaty", "list", "--org", "NOVA", "--json").json
    assert {(each["title"], each["phase"]) for each in treaties} == {
        ("Salvage compact", "in-force"), ("Truce of Daymar", "expiring"),
    }  # fmt: skip


@pytest.mark.parametrize("second", [0, 1, 86_399, 86_400, 6 * 86_400])
def test_the_last_saturday_is_never_in_the_future_and_always_a_saturday(second: int) -> None:
    midnight = datetime(2955, 11, 29, tzinfo=UTC)
    assert midnight.weekday() == 5
    assert last_saturday(int(midnight.timestamp()) + second) == midnight.timestamp()
