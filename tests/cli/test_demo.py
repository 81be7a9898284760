"""The demo: made by the ways people use, checked by three queries, and nothing is left behind."""

from pathlib import Path

import pytest

from scmanager.adapters.hangar_files import read_hangar
from scmanager.cli import demo_content
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
    roster = scm("member", "list", "--org", "NOVA", "--json").json
    assert {each["standing"] for each in roster} == {"joined", "recorded", "invited", "removed"}
    assert {each["role"] for each in roster} == {"founder", "Officer", "Member", "Recruit", ""}
    assert {each["name"] for each in roster} >= {"春の風 (Haru)", "نوري الطيّار"}
    assert {each["readiness"] for each in scm("ship", "list", "--org", "NOVA", "--json").json} == {
        "ready", "damaged", "lost", "in-claim",
    }  # fmt: skip
    entries = scm("log", "verify", "--deep", "--json").json["entries"]
    assert entries > 250
    assert not (folder / "node.json").exists()
    assert scm("demo", "--data", folder).code == 0
    assert scm("log", "verify", "--json").json["entries"] == entries, "made once"


@pytest.mark.slow
def test_a_demo_without_a_folder_says_that_it_goes_again(scm: Scm) -> None:
    told = scm("demo")
    assert "temporary folder" in told.out
    assert "--data" in told.err
