"""Mutation testing of the trusted core, one module at a time, with the tests that are there to hold it.

`python -m ops.mutate [module ...]` mutates copies under mutants/, never the tree. `--keep` counts what the last run
left there. `--list` names survivors. Every other outcome than killed is counted under its own name, none as a kill.
"""

import json
import os
import shutil
import subprocess
import sys
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parent.parent
WORK = ROOT / "mutants"
OUTCOMES = {1: "killed", 3: "killed", 0: "survived", 5: "no tests", 33: "no tests", None: "not run"}
TIMEOUTS = {36, 24, 152, 255, -24, -9}  # -9: ended the hard way, when the limit of seconds was not heeded


def plan() -> dict[str, list[str]]:
    """Module -> its tests, from pyproject's [tool.scm.mutation]."""
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    table: dict[str, list[str]] = tool["scm"]["mutation"]
    return table


def prepare(module: str, tests: list[str]) -> Path:
    """A copy of the project whose mutmut settings name this one module and its tests."""
    place = WORK / module.replace("/", ".")
    shutil.rmtree(place, ignore_errors=True)
    skip = shutil.ignore_patterns("__pycache__", "*.pyc")
    for folder in ("scmanager", "tests"):
        shutil.copytree(ROOT / folder, place / folder, ignore=skip)
    settings = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    head, _, _ = settings.partition("[tool.mutmut]")
    own = {"only_mutate": [f"scmanager/{module}.py"], "pytest_add_cli_args_test_selection": tests}
    base = tomllib.loads(settings)["tool"]["mutmut"]
    lines = [f"{key} = {json.dumps(value)}" for key, value in (base | own).items()]
    (place / "pyproject.toml").write_text(head + "[tool.mutmut]\n" + "\n".join(lines) + "\n", encoding="utf-8")
    return place


def run(place: Path) -> int:
    """mutmut in the copy; its own code."""
    mutmut = Path(sys.executable).with_name("mutmut")
    environment = os.environ | {"SCM_FIXED": "1", "SCM_QUICK": "1", "PYTHONUTF8": "1"}
    with (place / "mutmut.log").open("wb") as log:
        return subprocess.run(
            [str(mutmut), "run", "--max-children", os.environ.get("SCM_MUTATORS", "1")],
            cwd=place, env=environment, stdout=log, stderr=subprocess.STDOUT, check=False,
        ).returncode  # fmt: skip


def outcomes(module: str) -> dict[str, str]:
    """Mutant -> what became of it."""
    meta = WORK / module.replace("/", ".") / "mutants" / "scmanager" / f"{module}.py.meta"
    if not meta.exists():
        return {}
    codes = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
    return {name: "timeout" if code in TIMEOUTS else OUTCOMES.get(code, "odd") for name, code in codes.items()}


def row(module: str) -> str:
    """One line of docs/quality.md."""
    count = Counter(outcomes(module).values())
    other = ", ".join(
        f"{number} {name}" for name, number in sorted(count.items()) if name not in {"killed", "survived"}
    )
    return f"| {module} | {count.total()} | {count['killed']} | {count['survived']} | {other or '-'} |"


def main(arguments: list[str]) -> int:
    """Run, then print one row a module."""
    table = plan()
    named = [each for each in arguments if not each.startswith("--")] or list(table)
    for module in named:
        if "--keep" not in arguments:
            code = run(prepare(module, table[module]))
            if code:
                print(f"{module}: mutmut ended with {code}, see {(WORK / module.replace('/', '.') / 'mutmut.log')}")
        print(row(module), flush=True)
        if "--list" in arguments:
            print(*(f"  {name}: {what}" for name, what in outcomes(module).items() if what != "killed"), sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
