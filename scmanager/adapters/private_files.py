"""Files for one pair of eyes: written whole or not at all, readable by their owner only, durable before we return.

Windows has no modes and no folder sync: there a file is as private as the user's profile, and as durable as the
rename that the file system journals.
"""

import contextlib
import os
import secrets
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec
import platformdirs

from scmanager.errors import Conflict, Misconfigured, Unavailable, Untrusted

T = TypeVar("T")

SIZE_BYTES_MAX = 1 << 20
"""No file of ours of this kind comes near it, but where another bound is given; whatever is larger is not ours."""


class PrivateFileFailed(Unavailable):
    """The file {path} cannot be {act}: {reason}."""

    code = "private-file-failed"
    hint = (
        "Check that the disk is not full and that the folder belongs to the user who runs this program."
        " Or name others: --data (SCM_DATA) for the data, SCM_STATE for what stays on this machine."
    )


class PrivateFileExists(Conflict):
    """The file {path} is there already."""

    code = "private-file-exists"
    hint = "Open what is there; it is never overwritten."


class StateInsideData(Misconfigured):
    """The state folder {state} lies inside the data folder {folder}."""

    code = "state-inside-data"
    hint = "Choose a state folder elsewhere: what it holds must not travel with a copy or a backup of the data."


def state_folder(*, ghost: Path | None = None) -> Path:
    """Where this user's machine keeps what must not travel with the data: wrapping keys and folder marks.

    Ghost mode leaves no residue on the machine, so there it lies beside the data folder `ghost`.
    """
    if ghost is not None:
        data = ghost.absolute()
        return data.with_name(f"{data.name}.state")
    return Path(platformdirs.user_state_dir("sc-manager", appauthor=False)) / "state"


def keep_apart(folder: Path, state: Path) -> None:
    """Raises StateInsideData when a backup of `folder` would take `state` along."""
    if state.resolve().is_relative_to(folder.resolve()):
        raise StateInsideData(folder=str(folder), state=str(state))


def private_folder(path: Path) -> Path:
    """Make the folder, closed to others, if it is not there. Raises PrivateFileFailed."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise _failed(path, "made", error) from error
    return path


def write_private(path: Path, data: bytes, *, replace: bool = True) -> None:
    """Write the whole file, for its owner only; when this returns it survives a power cut.

    Raises PrivateFileExists when `replace` is false and the file is there, PrivateFileFailed.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    try:
        try:
            _write_synced(fresh, (data,))
            _move(fresh, path, replace=replace)
        finally:
            fresh.unlink(missing_ok=True)
        sync_folder(path.parent)
    except FileExistsError as error:
        raise PrivateFileExists(path=str(path)) from error
    except OSError as error:
        raise _failed(path, "written", error) from error


def write_pieces(path: Path, pieces: Iterable[bytes]) -> int:
    """The same for what is too large for memory; the size in bytes. Replaces what is there. Raises PrivateFileFailed.

    Whatever the pieces raise goes through, and leaves nothing behind.
    """
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}.new")
    try:
        try:
            size = _write_synced(fresh, pieces)
            fresh.replace(path)
        finally:
            fresh.unlink(missing_ok=True)
        sync_folder(path.parent)
    except OSError as error:
        raise _failed(path, "written", error) from error
    return size


def forget_unfinished(folder: Path) -> None:
    """Remove what a killed process had begun to write. Only for who has the folder to himself."""
    with contextlib.suppress(OSError):
        for path in folder.glob(".*.new"):
            path.unlink(missing_ok=True)


def read_private(path: Path, size_max: int = SIZE_BYTES_MAX) -> bytes | None:
    """The file's bytes, cut off beyond size_max + 1; None when it is not there. Raises PrivateFileFailed."""
    try:
        with path.open("rb") as file:
            return file.read(size_max + 1)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _failed(path, "read", error) from error


def parse_json(raw: bytes, shape: type[T], refusal: Untrusted, size_max: int = SIZE_BYTES_MAX) -> T:
    """Strictly parse bytes that may be anybody's. Raises `refusal` and nothing else."""
    if len(raw) > size_max:
        raise refusal
    try:
        return msgspec.json.decode(raw, type=shape)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:  # The decoder leaks the latter two.
        raise refusal from error


def _write_synced(path: Path, pieces: Iterable[bytes]) -> int:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0) | getattr(os, "O_NOFOLLOW", 0)
    with os.fdopen(os.open(path, flags, 0o600), "wb") as file:
        for piece in pieces:
            file.write(piece)
        file.flush()
        os.fsync(file.fileno())
        return file.tell()


def _move(fresh: Path, path: Path, *, replace: bool) -> None:
    if replace:
        fresh.replace(path)
    elif sys.platform == "win32":
        fresh.rename(path)  # Refuses there when the target exists.
    else:
        _link(fresh, path)


def _link(fresh: Path, path: Path) -> None:
    try:
        path.hardlink_to(fresh)
    except FileExistsError:
        raise
    except OSError:  # A stick formatted as FAT knows no links; the folder's lock keeps others away meanwhile.
        if path.exists():
            raise FileExistsError(path) from None
        fresh.replace(path)


def _failed(path: Path, act: str, error: OSError) -> PrivateFileFailed:
    return PrivateFileFailed(path=str(path), act=act, reason=error.strerror or type(error).__name__)


if sys.platform == "win32":

    def sync_folder(folder: Path) -> None:
        """A folder cannot be opened for syncing there."""

else:

    def sync_folder(folder: Path) -> None:
        """Names in it survive a power cut when this returns."""
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
