"""One command a job: `check` is fast and needs no services, `test` is everything but long soaks.

Each step prints its name and time; the first that fails ends the run with its exit code. `check` runs its steps in
lanes beside each other, for two cores, and shows what a step said when it is over.
"""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

BIN = Path(sys.executable).parent

STATIC = (
    ("format", [BIN / "ruff", "format", "--check", "."]),
    ("lint", [BIN / "ruff", "check", "."]),
    ("types", [BIN / "mypy"]),
    ("imports", [BIN / "lint-imports"]),
)
QUICK = [sys.executable, "-m", "pytest", "-m", "not services and not slow", "--no-header"]
CORE = ["tests/contracts", "tests/domain", "tests/eventstore", "tests/properties"]
LANES = (
    STATIC,
    (("fast tests of the core", [*QUICK, *CORE]),),
    (("all other fast tests", [*QUICK, *(f"--ignore={folder}" for folder in CORE)]),),
)
FULL = (
    *STATIC,
    ("licences", [sys.executable, "-m", "ops.licences"]),
    ("tests", [sys.executable, "-m", "coverage", "run", "-m", "pytest", "--no-header", "--durations=15"]),
    ("coverage data", [sys.executable, "-m", "coverage", "combine", "--quiet"]),
    ("coverage", [sys.executable, "-m", "coverage", "report", "--fail-under=85", "--skip-covered", "--precision=1"]),
    (
        "coverage of eventstore and domain",
        [
            sys.executable, "-m", "coverage", "report", "--fail-under=95", "--skip-covered", "--precision=1",
            "--include=scmanager/eventstore/*,scmanager/domain/*",
        ],
    ),
)  # fmt: skip


Step = tuple[str, Sequence[str | Path]]


def check(environment: Mapping[str, str]) -> int:
    """The lanes beside each other; each stops at its first failure."""
    with ThreadPoolExecutor(len(LANES)) as pool:
        codes = list(pool.map(lambda lane: in_turn(lane, environment, quietly=True), LANES))
    return next((code for code in codes if code), 0)


def in_turn(steps: Sequence[Step], environment: Mapping[str, str], *, quietly: bool) -> int:
    """One step after the other; the code of the first that fails. Quietly: what it says is shown at its end."""
    for name, command in steps:
        began = time.monotonic()
        if not quietly:
            print(f"== {name}", flush=True)
        into = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT} if quietly else {}
        ran = subprocess.run([str(part) for part in command], env=environment, check=False, **into)
        said = (ran.stdout or b"").decode("utf-8", "replace")
        print(
            f"{said}!! {name} failed (exit {ran.returncode})" if ran.returncode else _passed(name, began), flush=True
        )
        if ran.returncode:
            return ran.returncode
    return 0


def _passed(name: str, began: float) -> str:
    return f"   {name}: {time.monotonic() - began:.1f} s"


def main(job: str) -> int:
    """Run the steps of a job."""
    environment = os.environ | {"PYTHONUTF8": "1"}
    if job == "check":
        return check(environment | {"SCM_QUICK": "1"})
    environment |= {"COVERAGE_PROCESS_START": "pyproject.toml"}
    for old in Path().glob(".coverage*"):
        old.unlink()
    return in_turn(FULL, environment, quietly=False)


if __name__ == "__main__":
    if sys.argv[1:] not in (["check"], ["test"]):
        sys.exit("check or test")
    sys.exit(main(sys.argv[1]))
