"""`erasures.json`: how much grace each erasure had on this device. A file: days of grace must outlive the process.

An earlier release kept the second in which each was first seen. What its clock had counted then counts here, once.
"""

from collections.abc import Callable, Iterator, MutableMapping
from pathlib import Path
from typing import Any

import msgspec

from scmanager.adapters.private_files import parse_json, read_private, write_private
from scmanager.application.erasure import GRACE_S, Grace
from scmanager.errors import Untrusted

FILE_NAME = "erasures.json"
SEEN_BYTES_MAX = 64 << 20
"""Some 700,000 erasures of 90 bytes. Each is kept for good: what it named may come again with an old file."""


class SeenFileDamaged(Untrusted):
    """The file that says how much grace each erasure had here is not whole."""

    code = "erasures-file-damaged"
    hint = "Delete erasures.json in the data folder; seven days of grace then begin anew for what waits."


class SeenFile(MutableMapping[str, Grace]):
    """By the erasure's id32 in hex. Raises SeenFileDamaged, PrivateFileFailed."""

    def __init__(self, folder: Path, now_s: Callable[[], int]) -> None:
        """`now_s`: the clock by which a file of an earlier release is taken over; it is written anew at once."""
        self._path = folder / FILE_NAME
        raw = read_private(self._path, SEEN_BYTES_MAX)
        found = {} if raw is None else parse_json(raw, dict[str, Grace | int], SeenFileDamaged(), SEEN_BYTES_MAX)
        self._seen = {name: _taken_over(each, now_s) for name, each in found.items()}
        if any(isinstance(each, int) for each in found.values()):
            self._write(self._seen)

    def __getitem__(self, key: str) -> Grace:
        return self._seen[key]

    def __setitem__(self, key: str, value: Grace) -> None:
        self._write(self._seen | {key: value})

    def update(self, *others: Any, **more: Grace) -> None:
        """All of them with one write."""
        self._write(self._seen | dict(*others, **more))

    def __delitem__(self, key: str) -> None:
        self._write({name: value for name, value in self._seen.items() if name != key})

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)

    def _write(self, seen: dict[str, Grace]) -> None:
        write_private(self._path, msgspec.json.encode(seen))
        self._seen = seen


def _taken_over(found: Grace | int, now_s: Callable[[], int]) -> Grace:
    if isinstance(found, Grace):
        return found
    now = now_s()
    return Grace(min(max(0, now - found), GRACE_S), now)
