"""Forks from the command line: a log that signed two histories is shown with whose it is and its proof."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from scmanager.eventstore.fork import ForkProof
from tests.cli.conftest import Scm, served


@pytest.fixture(params=["alone", pytest.param("served", marks=pytest.mark.services)])
def rolled_back(request: pytest.FixtureRequest, nova: Scm, tmp_path: Path) -> Iterator[Scm]:
    """NOVA on a machine that was rolled back whole and went on; what it had said before lies in the file `first`."""
    kept = [tmp_path / "a" / "events.db", *(tmp_path / "a.state").glob("*.mark")]
    before = {path: path.read_bytes() for path in kept}
    assert nova("org", "rename", "First history").code == 0
    assert nova("space", "export", "-o", tmp_path / "first").code == 0
    for path, raw in before.items():
        path.write_bytes(raw)
    assert nova("org", "rename", "Second history").code == 0
    with served(tmp_path, "a") if request.param == "served" else contextlib.nullcontext():
        yield nova


@pytest.mark.slow
def test_a_fork_is_shown_with_whose_log_it_is_and_what_to_do(rolled_back: Scm, tmp_path: Path) -> None:
    empty = rolled_back("log", "forks")
    assert (empty.code, empty.out) == (0, "")
    assert "scm space import" in empty.err, "the next step"
    assert rolled_back("log", "forks", "--json").json == []
    assert "Look at it: scm log forks" in rolled_back("space", "import", tmp_path / "first").err
    shown = rolled_back("log", "forks", "--org", "NOVA")
    assert shown.code == 0
    assert "Vesper" in shown.out
    assert "scm device cut" in shown.err
    (fork,) = rolled_back("log", "forks", "--json").json
    assert fork["log"] == fork["space"], "the founder's own"
    newest = rolled_back("log", "show", "--type", "organisation.renamed", "--json").json
    assert {fork["index"]} == {each["seq"] for each in newest}, "both histories have an entry there"
    told = rolled_back("query", f'{{ forks(space: "{fork["space"]}") {{ log index proof }} }}')
    assert told.json["forks"] == [{key: fork[key] for key in ("log", "index", "proof")}]
    assert ForkProof.parse(fork["proof"].encode()).index == fork["index"]


def test_forks_of_an_organisation_that_is_not_here_are_not_guessed(nova: Scm) -> None:
    assert nova("log", "forks", "--org", "TALLOW").error == "name-unknown"
