"""Golden files: bytes and verdicts that no release may change. Both verifiers are held against every case."""

import json
from pathlib import Path
from typing import Any

import pytest

from scmanager.errors import Untrusted
from scmanager.eventstore import content, entry
from tests import tiny_verifier
from tests.golden import hostile, make
from tests.golden.logs import LOGS
from tests.support.verdicts import judge

HOSTILE = ("hostile-entries", "hostile-contents", "hostile-logs")


def committed(name: str) -> Any:
    return json.loads((make.FILES / f"{name}.json").read_text(encoding="ascii"))


def test_making_the_golden_files_again_gives_the_committed_bytes() -> None:
    files = {path.name: path.read_bytes() for path in make.FILES.glob("*.json")}
    assert files == {name: text.encode("ascii") for name, text in make.everything().items()}


@pytest.mark.parametrize("case", committed("hostile-entries").items(), ids=lambda case: case[0])
def test_an_entry_gets_its_verdict(case: tuple[str, dict[str, Any]]) -> None:
    data = make.unpack(case[1]["bytes"])
    try:
        entry.parse(data)
        verdict = "well formed"
    except entry.MalformedEntry:
        verdict = "malformed"
    assert verdict == case[1]["verdict"]
    assert make.entry_verdict(data) == verdict


@pytest.mark.parametrize("case", committed("hostile-contents").items(), ids=lambda case: case[0])
def test_a_part_0_gets_its_verdict(case: tuple[str, dict[str, Any]]) -> None:
    plain = make.unpack(case[1]["bytes"])
    verdict = "malformed" if content.read(plain) is None else "well formed"
    assert verdict == case[1]["verdict"]
    assert make.content_verdict(plain) == verdict


def logs() -> list[tuple[str, dict[str, Any]]]:
    return [*((name, committed(f"log-{name}")) for name in LOGS), *committed("hostile-logs").items()]


@pytest.mark.parametrize("case", logs(), ids=lambda case: case[0])
def test_a_log_gets_its_verdict(case: tuple[str, dict[str, Any]]) -> None:
    stored = case[1]
    entries = [bytes.fromhex(data) for data in stored["entries"]]
    parts = [{int(number): bytes.fromhex(data) for number, data in held.items()} for held in stored["parts"]]
    keys = {bytes.fromhex(key_id): bytes.fromhex(key) for key_id, key in stored["keys"].items()}
    note = stored["note"].encode()
    assert judge(entries, parts, note, keys) == (stored["verdict"], stored["opened"])
    assert tiny_verifier.verify(entries, parts, note, keys) == (stored["verdict"], stored["opened"])


def test_every_verdict_occurs() -> None:
    logs_seen = {case["verdict"] for case in committed("hostile-logs").values()}
    assert logs_seen == {"authentic", "chain", "part-missing", "part-wrong", "note"}
    for name in HOSTILE[:2]:
        assert {case["verdict"] for case in committed(name).values()} == {"well formed", "malformed"}


def test_no_two_cases_have_one_name() -> None:
    for cases in (list(hostile.entries()), list(hostile.contents())):
        assert len(dict(cases)) == len(cases)


def test_the_tiny_verifier_imports_nothing_of_ours() -> None:
    lines = Path(tiny_verifier.__file__).read_text(encoding="utf-8").splitlines()
    imports = [line for line in lines if line.lstrip().startswith(("import ", "from "))]
    assert not [line for line in imports if "scmanager" in line or "tests" in line or "msgspec" in line]


def test_a_hostile_entry_raises_nothing_but_untrusted() -> None:
    for _, data in hostile.entries():
        for cut in (data, data[:-1], data + b"}"):
            try:
                entry.parse(cut)
            except Untrusted:
                continue
