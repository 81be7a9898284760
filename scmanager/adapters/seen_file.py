"""`erasures.json`: when this device first saw each erasure. A file: days of grace must outlive the process."""

from collections.abc import Iterator, MutableMapping
from pathlib import Path
from typing import Any

import msgspec

from scmanager.adapters.private_files import parse_json, read_private, write_private
from scmanager.errors import Untrusted

FILE_NAME = "erasures.json"


class SeenFileDamaged(Untrusted):
    """The file that says when this device first saw each erasure is not whole."""

    code = "erasures-file-damaged"
    hint = "Delete erasures.json in the data folder; seven days of grace then begin anew for what waits."


class SeenFile(MutableMapping[str, int]):
    """UTC seconds by the erasure's id32 in hex. Raises SeenFileDamaged, PrivateFileFailed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME
        raw = read_private(self._path)
        self._seen: dict[str, int] = {} if raw is None else parse_json(raw, dict[str, int], SeenFileDamaged())

    def __getitem__(self, key: str) -> int:
        return self._seen[key]

    def __setitem__(self, key: str, value: int) -> None:
        self._write(self._seen | {key: value})

    def update(self, *others: Any, **more: int) -> None:
        """All of them with one write."""
        self._write(self._seen | dict(*others, **more))

    def __delitem__(self, key: str) -> None:
        self._write({name: value for name, value in self._seen.items() if name != key})

    def __iter__(self) -> Iterator[str]:
        return iter(self._seen)

    def __len__(self) -> int:
        return len(self._seen)

    def _write(self, seen: dict[str, int]) -> None:
        write_private(self._path, msgspec.json.encode(seen))
        self._seen = seen
