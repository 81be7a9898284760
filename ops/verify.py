"""One command a job: `check` is fast and needs no services, `test` is everything but long soaks.

Each step prints its name and time; the first that fails ends the run with its exit code.
"""

import os
import subprocess
import sys
import time
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
FULL = (
    *STATIC,
    ("licences", [sys.executable, "-m", "ops.licences"]),
    ("tests", [*PYTEST, "--durations=15", "--cov", "--cov-report="]),
    ("coverage", [sys.executable, "-m", "coverage", "report", "--fail-under=85", "--skip-covered", "--precision=1"]),
    (
        "coverage of eventstore and domain",
        [
            sys.executable, "-m", "coverage", "report", "--fail-under=95", "--skip-covered", "--precision=1",
            "--include=scmanager/eventstore/*,scmanager/domain/*",
        ],
    ),
)  # fmt: skip


def main(job: str) -> int:
    """Run the steps of a job."""
    compiled_once = {"PYTHONDONTWRITEBYTECODE": ""}  # Else each process that a test starts compiles it all anew.
    environment = os.environ | {"PYTHONUTF8": "1"} | compiled_once
    if job == "check":
        environment["SCM_QUICK"] = "1"
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
