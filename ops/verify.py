"""One command a job: `check` is fast and needs no services, `test` is everything but long soaks.

Each step prints its name and time; the first that fails ends the run with its exit code.

What the tests write lies in memory where there is room: every command of every test waits for the disk otherwise,
several times and longer than it works. SCM_TEST_FOLDER names another place, such as /tmp for a run on the disk.
"""

import contextlib
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

BIN = Path(sys.executable).parent

PYTEST = [sys.executable, "-m", "pytest", "--no-header", "-n", "2", "--dist", "worksteal"]

STATIC = (
    ("format", [BIN / "ruff", "format", "--check", "."]),
    ("lint", [BIN / "ruff", "check", "."]),
    ("types", [BIN / "mypy"]),
    ("imports", [BIN / "lint-imports"]),
)
FAST = (
    *STATIC,
    ("fast tests", [*PYTEST, "-m", "not services and not slow"]),
)
FOLLOWED = ("api", "application", "cli", "domain", "eventstore", "master_ledger")
"""Folders of tests in which coverage follows what runs, and is enough; it takes a third of their time."""

FULL = (
    *STATIC,
    ("licences", [sys.executable, "-m", "ops.licences"]),
    (
        "tests that coverage follows",
        [*PYTEST, "--durations=10", "--cov", "--cov-report=", *(f"tests/{each}" for each in FOLLOWED)],
    ),
    ("coverage", [sys.executable, "-m", "coverage", "report", "--fail-under=85", "--skip-covered", "--precision=1"]),
    (
        "coverage of eventstore and domain",
        [
            sys.executable, "-m", "coverage", "report", "--fail-under=95", "--skip-covered", "--precision=1",
            "--include=scmanager/eventstore/*,scmanager/domain/*",
        ],
    ),
    ("all other tests", [*PYTEST, "--durations=10", *(f"--ignore=tests/{each}" for each in FOLLOWED)]),
)  # fmt: skip

MEMORY_FREE_BYTES_MIN = 4 << 30
"""A whole run takes one to two."""


@contextlib.contextmanager
def temporary_folder() -> Iterator[str]:
    """A folder for all that the tests write, as open to every account as /tmp is; gone afterwards."""
    memory = Path("/dev/shm")  # noqa: S108 - for a folder of random name
    roomy = memory.is_dir() and shutil.disk_usage(memory).free >= MEMORY_FREE_BYTES_MIN
    parent = os.environ.get("SCM_TEST_FOLDER") or (memory if roomy else tempfile.gettempdir())
    with tempfile.TemporaryDirectory(prefix="scm-tests-", dir=parent, ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o1777)
        yield folder


def main(job: str) -> int:
    """Run the steps of a job."""
    with temporary_folder() as folder:
        compiled_once = {"PYTHONDONTWRITEBYTECODE": ""}  # Else each process that a test starts compiles it all anew.
        environment = os.environ | {"PYTHONUTF8": "1", "TMPDIR": folder} | compiled_once
        return run(job, environment | ({"SCM_QUICK": "1"} if job == "check" else {}))


def run(job: str, environment: Mapping[str, str]) -> int:
    """Its steps, one after the other; the exit code."""
    for name, command in {"check": FAST, "test": FULL}[job]:
        began = time.monotonic()
        print(f"== {name}", flush=True)
        code = subprocess.run([str(part) for part in command], env=environment, check=False).returncode
        if code:
            print(f"!! {name} failed (exit {code})")
            return code
        print(f"   {name}: {time.monotonic() - began:.1f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
