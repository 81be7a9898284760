"""A log's tree kept in files: the hashes of each level of tiles one after another, so that no proof reads the log.

Derived, and trusted by nobody: who reads leads every hash back to a signed root (`tile_tree`), and has the files
written anew when that fails. What stands at an offset is the same whoever writes it, so several processes may grow
them at once, and none has to be durable.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from scmanager.eventstore.file_faults import FileUnusable
from scmanager.eventstore.merkle import HASH_BYTES, root_of
from scmanager.eventstore.tiles import WIDTH, TilePath, parse_tile

_TILE_BYTES = WIDTH * HASH_BYTES


class KeptTree:
    """The levels in a folder, made if it is not there. Raises FileUnusable wherever the disk fails."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise _unusable(folder, error) from error

    @property
    def size(self) -> int:
        """How many leaf hashes are here."""
        return self._count(0)

    def read(self, path: TilePath) -> bytes:
        """A tile; fewer bytes where fewer are here."""
        return self._piece(path.level or 0, path.index * _TILE_BYTES, path.width * HASH_BYTES)

    def write(self, first: int, leaf_hashes: Iterable[bytes]) -> None:
        """Leaf hashes from index `first` on, which is not beyond the size, and what they make in the levels above.

        What a process that was killed left out there is made as well.
        """
        level, count, fresh = 0, first, b"".join(leaf_hashes)
        while fresh:
            self._put(level, count * HASH_BYTES, fresh)
            end = count + len(fresh) // HASH_BYTES
            above = min(count // WIDTH, self._count(level + 1))
            fresh = b"".join(self._root(level, index) for index in range(above, end // WIDTH))
            level, count = level + 1, above

    def clear(self) -> None:
        """Forget all of it."""
        try:
            for path in self._folder.glob("level-*"):
                path.unlink()
        except OSError as error:
            raise _unusable(self._folder, error) from error

    def _root(self, level: int, index: int) -> bytes:
        return root_of(parse_tile(self._piece(level, index * _TILE_BYTES, _TILE_BYTES)))

    def _path(self, level: int) -> Path:
        return self._folder / f"level-{level}"

    def _count(self, level: int) -> int:
        try:
            return self._path(level).stat().st_size // HASH_BYTES
        except FileNotFoundError:
            return 0
        except OSError as error:
            raise _unusable(self._path(level), error) from error

    def _piece(self, level: int, offset: int, length: int) -> bytes:
        try:
            with self._path(level).open("rb", buffering=0) as file:
                file.seek(offset)
                return file.read(length)
        except FileNotFoundError:
            return b""
        except OSError as error:
            raise _unusable(self._path(level), error) from error

    def _put(self, level: int, offset: int, data: bytes) -> None:
        flags = os.O_WRONLY | os.O_CREAT | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
        try:
            with os.fdopen(os.open(self._path(level), flags, 0o600), "wb") as file:
                file.seek(offset)
                file.write(data)
        except OSError as error:
            raise _unusable(self._path(level), error) from error


def _unusable(path: Path, error: OSError) -> FileUnusable:
    return FileUnusable(path=str(path), reason=error.strerror or type(error).__name__)
