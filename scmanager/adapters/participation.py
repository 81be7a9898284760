"""On which day this installation tells of its use, and that day's salt: 48 bytes in the data folder.

One day, drawn at random, of each 28 (ADR 23). The day is drawn once; its salt is made once, and overwritten in its
place when the day is over: then the window is spent, as it is with a file that is not whole.
"""

import os
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final

from scmanager.adapters.private_files import PrivateFileFailed, write_private
from scmanager.domain.statistics_published import EVERY_DAYS

FILE_NAME: Final = "statistics-day"
SALT_BYTES: Final = 32
_NO_SALT: Final = bytes(SALT_BYTES)
_SIZE: Final = 16 + SALT_BYTES


class Participation:
    """Of one data folder. One thread at a time."""

    def __init__(self, folder: Path, below: Callable[[int], int] = secrets.randbelow) -> None:
        self._path, self._below = folder / FILE_NAME, below
        self._held: tuple[int, int, bytes] | None = None

    def salt(self, today: int) -> bytes | None:
        """Today's salt if this is the day, else None. `today`: days since 1970. Raises PrivateFileFailed."""
        window, (held, day, salt) = today // EVERY_DAYS, self._read(today)
        if window > held:
            held, day, salt = window, window * EVERY_DAYS + self._below(EVERY_DAYS), _NO_SALT
            self._write(held, day, salt)
        self.forget(today)
        if day != today or window != held:  # A clock that was put back spends nothing twice.
            return None
        if salt == _NO_SALT:
            salt = secrets.token_bytes(SALT_BYTES)
            self._write(held, day, salt)
        return salt

    def forget(self, today: int) -> None:
        """Overwrite a salt whose day is over. Raises PrivateFileFailed."""
        if self._read(today)[1] < today:
            self.give_up(today)

    def give_up(self, today: int) -> None:
        """Overwrite the salt, if there is one: its window tells of nothing more. Raises PrivateFileFailed."""
        window, _, salt = self._read(today)
        if salt != _NO_SALT:
            self._write(window, _before(window), _NO_SALT)

    def _read(self, today: int) -> tuple[int, int, bytes]:
        if self._held is not None:
            return self._held
        try:
            data = self._path.read_bytes()
        except FileNotFoundError:
            return -1, -1, _NO_SALT
        except OSError as error:
            raise PrivateFileFailed(path=str(self._path), act="read", reason=error.strerror) from error
        if len(data) != _SIZE:
            spent = today // EVERY_DAYS
            self._write(spent, _before(spent), _NO_SALT)
        else:
            self._held = int.from_bytes(data[:8], "big"), int.from_bytes(data[8:16], "big"), data[16:]
        return self._held or (-1, -1, _NO_SALT)

    def _write(self, window: int, day: int, salt: bytes) -> None:
        """In its place: what stood there is overwritten."""
        data = window.to_bytes(8, "big") + day.to_bytes(8, "big") + salt
        try:
            if not self._path.exists() or self._path.stat().st_size != _SIZE:
                write_private(self._path, data)
            else:
                with self._path.open("r+b") as file:
                    file.write(data)
                    file.flush()
                    os.fsync(file.fileno())
        except OSError as error:
            raise PrivateFileFailed(path=str(self._path), act="written", reason=error.strerror) from error
        self._held = window, day, salt


def _before(window: int) -> int:
    """A day that is none of this window."""
    return window * EVERY_DAYS - 1
