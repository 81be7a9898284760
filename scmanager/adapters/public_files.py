"""Files for everybody: written whole or not at all, and durable once `sync_folders` returned for their folders."""

import os
import secrets
from collections.abc import Iterable
from pathlib import Path

from scmanager.adapters.private_files import PrivateFileFailed, sync_folder

READABLE = 0o644


def write_public(path: Path, data: bytes) -> None:
    """Write the whole file, and its folders where they are not there; replaces what is there.

    Its name is durable after `sync_folders` of its folder. Raises PrivateFileFailed.
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
        raise _failed(path, "written", error) from error


def read_public(path: Path, bytes_max: int) -> bytes | None:
    """A file's bytes, cut off beyond `bytes_max` + 1; None without one. Raises PrivateFileFailed."""
    try:
        with path.open("rb") as file:
            return file.read(bytes_max + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _failed(path, "read", error) from error


def make_folder(folder: Path) -> None:
    """Make it, with those above it. Raises PrivateFileFailed."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _failed(folder, "made", error) from error


def sync_folders(folders: Iterable[Path]) -> None:
    """The names in these folders are durable. Raises PrivateFileFailed."""
    for each in folders:
        try:
            sync_folder(each)
        except OSError as error:
            raise _failed(each, "written", error) from error


def _failed(path: Path, act: str, error: OSError) -> PrivateFileFailed:
    return PrivateFileFailed(path=str(path), act=act, reason=error.strerror or type(error).__name__)
