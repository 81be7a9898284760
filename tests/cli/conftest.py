"""A terminal for the tests: `scm("org", "list")` runs the real command line on a real folder."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scmanager.cli.entry import run
from tests.support.author import Author
from tests.support.forked import unmeasured
from tests.support.home import Home
from tests.support.processes import clear
from tests.support.quick_locks import quick_locks

__all__ = ["quick_locks"]

START_S = 90


class Answer(msgspec.Struct, frozen=True):
    """What came out of one command."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.out)

    @property
    def error(self) -> str:
        """The code of the error, if there was one."""
        line = next((line for line in self.err.splitlines() if ": " in line and " " not in line.split(": ")[0]), "")
        return line.partition(":")[0]


Scm = Callable[..., Answer]


@contextlib.contextmanager
def served(folder: Path, at: str, *, measured: bool = False) -> Iterator[subprocess.Popen[str]]:
    """`scm up` on the folder `at`, in a process of its own; whether coverage follows it takes twice as long if so."""
    known = os.environ if measured else unmeasured()
    environment = known | {"SCM_STATE": str(folder / f"{at}.state"), "SCM_PORT": "0"}
    with subprocess.Popen(
        [sys.executable, "-m", "scmanager", "--data", str(folder / at), "up"],
        env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    ) as process:  # fmt: skip
        try:
            end = time.monotonic() + START_S
            while not (folder / at / "node.json").exists():
                assert process.poll() is None, process.communicate()
                assert time.monotonic() < end, "it did not come up"
                time.sleep(0.1)
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                process.wait(60)


@pytest.fixture(autouse=True)
def cleared(tmp_path: Path) -> Iterator[None]:
    """Of each test's read models nothing stays: forty megabytes a node, where the tests write in memory."""
    yield
    clear(tmp_path)


@pytest.fixture
def scm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Scm:
    """Runs a command on the folder `at` (one machine each) and says what came of it."""
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.delenv("SCM_DATA", raising=False)
    monkeypatch.delenv("SCM_DEBUG", raising=False)

    def command(*arguments: object, at: str = "a") -> Answer:
        monkeypatch.setenv("SCM_STATE", str(tmp_path / f"{at}.state"))
        code = run(["--data", str(tmp_path / at), *(str(each) for each in arguments)])
        told = capsys.readouterr()
        return Answer(code, told.out, told.err)

    return command


@pytest.fixture
def nova(scm: Scm) -> Scm:
    """The same, where NOVA was founded already by Vesper."""
    assert scm("init").code == 0
    assert scm("org", "found", "Nova Halcyon", "--sid", "NOVA", "--handle", "Vesper").code == 0
    return scm


def _no_network(*_: object, **__: object) -> None:
    raise AssertionError("nothing here asks the network")


@pytest.fixture
def author(scm: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Author:
    """The author, on a machine without a network."""
    monkeypatch.delenv("SCM_PASSPHRASE", raising=False)
    monkeypatch.setattr(socket, "socket", _no_network)
    return Author(scm, tmp_path)


@pytest.fixture
def home(scm: Scm, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Home:
    monkeypatch.delenv("SCM_PASSPHRASE", raising=False)
    author = Author(scm, tmp_path)
    ledger = author.begin(author.serve())
    assert author.append("keys")[0].code == 0
    assert author.sign_update(ledger, "--key", author / "release").code == 0
    assert author.append("update")[0].code == 0
    (author / "nobody").write_text("quorum none\n", encoding="ascii")
    made = Home(author, ledger)
    made.publish()
    assert scm("init").code == 0
    return made
