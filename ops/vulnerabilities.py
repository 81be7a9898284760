"""Known vulnerabilities of what is locked to run this: `python -m ops.vulnerabilities`, `make audit`.

Exit codes: 0 none known, 1 some known, 75 not checked, because no source of vulnerabilities answered. Whoever calls
this must never take 75 for an answer.
"""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
NONE_KNOWN, SOME_KNOWN, NOT_CHECKED = 0, 1, 75
TIMEOUT_S = 15


class Finding(NamedTuple):
    """One vulnerability of one package."""

    package: str
    id: str
    fixed_in: str


def read(answer: str) -> tuple[int, list[Finding]] | None:
    """How many packages were looked up and what was found; None when this is no whole answer.

    A package that the source could not look up makes the answer no whole one.
    """
    try:
        packages = json.loads(answer)["dependencies"]
        if not packages or any("skip_reason" in each for each in packages):
            return None
        return len(packages), [
            Finding(
                f"{each['name']} {each['version']}", found["id"], ", ".join(found["fix_versions"]) or "no release"
            )
            for each in packages
            for found in each["vulns"]
        ]
    except (ValueError, TypeError, KeyError):
        return None


def audit(requirements: Path) -> subprocess.CompletedProcess[str]:
    """pip-audit over a hashed requirements file, without installing anything."""
    program = Path(sys.executable).with_name("pip-audit")
    return subprocess.run(
        [
            str(program), "--requirement", str(requirements), "--require-hashes", "--disable-pip", "--format=json",
            "--progress-spinner=off", f"--timeout={TIMEOUT_S}",
        ],
        capture_output=True, check=False, text=True, encoding="utf-8",
    )  # fmt: skip


def why_not(ran: subprocess.CompletedProcess[str]) -> str:
    """In one line. pip-audit itself counts a package that it could not look up as one without vulnerabilities."""
    if skipped := re.search(r'"skip_reason": "([^"]*)', ran.stdout):
        return skipped[1][:300]
    return (ran.stderr.strip().splitlines() or ["it said nothing"])[-1][:300]


def main(arguments: list[str]) -> int:
    """Audit requirements/base.txt, or the file that is named."""
    requirements = Path(arguments[0]) if arguments else ROOT / "requirements" / "base.txt"
    ran = audit(requirements)
    answer = read(ran.stdout)
    if answer is None:
        print(f"!! NOT CHECKED: no vulnerability source gave a whole answer ({why_not(ran)})")
        print("!! This says nothing about whether there are vulnerabilities. Try again with a network.")
        return NOT_CHECKED
    looked_up, findings = answer
    for finding in findings:
        print(f"!! {finding.package}: {finding.id}, fixed in {finding.fixed_in}")
    print(f"   {looked_up} packages looked up, {len(findings)} known vulnerabilities")
    return SOME_KNOWN if findings else NONE_KNOWN


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
