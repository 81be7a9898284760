"""Writes the golden files anew: `python -m tests.golden.make`. A commit that changes them says why.

Bytes are hex. Where one run of bytes repeats, a case has rows [hex, how often] instead. Payloads of events are the
JSON text itself.
"""

import json
import re
from pathlib import Path
from typing import Any

from tests import tiny_verifier
from tests.golden import event_cases, folding, hostile
from tests.golden.logs import LOGS, WholeLog

FILES = Path(__file__).parent / "files"
EVENTS = Path(__file__).parent / "events"
_RUN = re.compile(rb"(.{1,8}?)\1{31,}", re.DOTALL)


def pack(data: bytes) -> Any:
    """Hex, or rows of [hex, count] when a short piece comes 32 times and more."""
    rows: list[list[Any]] = []
    at = 0
    for run in _RUN.finditer(data):
        if run.start() > at:
            rows.append([data[at : run.start()].hex(), 1])
        rows.append([run[1].hex(), len(run[0]) // len(run[1])])
        at = run.end()
    if not rows:
        return data.hex()
    return [*rows, [data[at:].hex(), 1]] if at < len(data) else rows


def unpack(packed: Any) -> bytes:
    if isinstance(packed, str):
        return bytes.fromhex(packed)
    return b"".join(bytes.fromhex(piece) * count for piece, count in packed)


def describe(log: WholeLog) -> dict[str, Any]:
    """A whole log and the verdict on it."""
    verdict, parts = tiny_verifier.verify(log.entries, log.parts, log.note, log.keys)
    return {
        "entries": [data.hex() for data in log.entries],
        "parts": [{str(number): stored.hex() for number, stored in held.items()} for held in log.parts],
        "note": log.note.decode(),
        "keys": {key_id.hex(): key.hex() for key_id, key in log.keys.items()},
        "verdict": verdict,
        "opened": parts,
    }


def entry_verdict(data: bytes) -> str:
    try:
        tiny_verifier.parse(data)
    except tiny_verifier.Bad as bad:
        return str(bad)
    return "well formed"


def content_verdict(plain: bytes) -> str:
    return "well formed" if tiny_verifier.content(plain) else "malformed"


def everything() -> dict[str, str]:
    """File name -> its text."""
    files: dict[str, Any] = {f"log-{name}": describe(build()) for name, build in LOGS.items()}
    files["hostile-logs"] = {name: describe(log) for name, log in hostile.whole_logs()}
    files["hostile-entries"] = {
        name: {"bytes": pack(data), "verdict": entry_verdict(data)} for name, data in hostile.entries()
    }
    files["hostile-contents"] = {
        name: {"bytes": pack(data), "verdict": content_verdict(data)} for name, data in hostile.contents()
    }
    return texts(files)


def every_event() -> dict[str, str]:
    """File name -> its text."""
    return texts(event_cases.everything())


def texts(files: dict[str, Any]) -> dict[str, str]:
    return {f"{name}.json": json.dumps(value, indent=1, ensure_ascii=True) + "\n" for name, value in files.items()}


def main() -> None:
    for folder, made in ((FILES, everything()), (EVENTS, every_event())):
        folder.mkdir(exist_ok=True)
        for old in folder.glob("*.json"):
            if old.name not in made:
                old.unlink()
        for name, text in made.items():
            (folder / name).write_text(text, encoding="ascii", newline="\n")
    folding.FILE.write_text(folding.renewed(), encoding="ascii", newline="\n")


if __name__ == "__main__":
    main()
