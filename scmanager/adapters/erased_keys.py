"""What this machine remembers of destroyed keys, outside the data folder: so that a restored vault loses them again.

One file a vault, `<its wrapping key's name>.erased` in the state folder: 64 hex digits a line, only appended to.
Ids are hashes of random keys: they say nothing about anybody. A line that a power cut tore is none.
"""

import os
import re
from collections.abc import Iterable
from pathlib import Path

from scmanager.adapters.private_files import PrivateFileFailed, private_folder

_ID = re.compile(rb"[0-9a-f]{64}")


def remember_erased(state: Path, vault: str, key_ids: Iterable[bytes]) -> None:
    """Durable when this returns; call it before the keys go. Raises PrivateFileFailed."""
    path = _path(private_folder(state), vault)
    # The line end in front: whatever a power cut left is a line of its own.
    lines = b"".join(b"\n" + key_id.hex().encode() for key_id in key_ids)
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
    try:
        with os.fdopen(os.open(path, flags, 0o600), "ab") as file:
            file.write(lines)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise PrivateFileFailed(path=str(path), act="written", reason=error.strerror) from error


def erased_here(state: Path, vault: str) -> frozenset[bytes]:
    """Ids of the keys that were destroyed in this vault, or in one it was restored from."""
    path = _path(state, vault)
    try:
        with path.open("rb") as file:
            lines = [line.strip() for line in file]
    except FileNotFoundError:
        return frozenset()
    except OSError as error:
        raise PrivateFileFailed(path=str(path), act="read", reason=error.strerror) from error
    return frozenset(bytes.fromhex(line.decode()) for line in lines if _ID.fullmatch(line))


def _path(state: Path, vault: str) -> Path:
    return state / f"{vault}.erased"
