"""Files for everybody: written whole or not at all, and durable once `sync_folder` returned for their folder."""

import os
import secrets
from pathlib import Path

from scmanager.adapters.private_files import PrivateFileFailed

READABLE = 0o644


def write_public(path: Path, data: bytes) -> None:
    """Write the whole file, and its folders where they are not there; replaces what is there.

    Its name is durable after `private_files.sync_folder` of its folder. Raises PrivateFileFailed.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0)
            with os.fdopen(os.open(fresh, flags, READABLE), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise PrivateFileFailed(path=str(path), act="written", reason=reason) from error
