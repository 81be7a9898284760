"""What a process loads: each library costs every start time, and a node memory for as long as it runs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cli.conftest import Scm

DRAWING = {"rich", "pygments"}
OPTIONS = {"pydantic", "pydantic_core"}
"""Typer reads options with it."""
API = {"graphql", "starlette", "strawberry", "uvicorn", "websockets"}
NODE = {"eventsourcing", "psycopg"}
OTHERS = {"fastapi", "httpx", "keyring"}


def loaded(times: str) -> set[str]:
    """Packages, from what `-X importtime` wrote."""
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in times.splitlines() if "|" in line}


def of_command(*arguments: str) -> set[str]:
    command = [sys.executable, "-X", "importtime", "-m", "scmanager", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return loaded(done.stderr)


def test_a_command_without_options_loads_what_it_needs(tmp_path: Path) -> None:
    found = of_command("--data", str(tmp_path), "version")
    assert "typer" in found
    assert not found & (DRAWING | OPTIONS | API | NODE | OTHERS)


def test_what_serves_a_node_is_free_of_what_only_a_terminal_needs() -> None:
    serving = "import scmanager.serving, scmanager.api.app, scmanager.api.serving; scmanager.api.app.served()"
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-c", serving], capture_output=True, text=True, check=True
    )
    found = loaded(done.stderr)
    assert API - {"websockets"} <= found
    assert not found & (DRAWING | OPTIONS | OTHERS | {"eventsourcing", "typer"})


@pytest.mark.services
def test_a_running_node_has_loaded_nothing_that_it_does_not_use(scm: Scm, tmp_path: Path) -> None:
    assert scm("init").code == 0
    command = [sys.executable, "-X", "importtime", "-m", "scmanager", "--data", str(tmp_path / "a"), "up"]
    environment = os.environ | {"SCM_STATE": str(tmp_path / "a.state"), "SCM_PORT": "0"}
    with (
        (tmp_path / "times").open("w+") as times,
        subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=times, text=True) as process,
    ):
        assert process.stdout is not None
        assert "runs" in process.stdout.readline()
        process.terminate()
        assert process.wait(60) == 0
        times.seek(0)
        found = loaded(times.read())
    assert found >= API | NODE
    assert not found & (DRAWING | OPTIONS | OTHERS)
