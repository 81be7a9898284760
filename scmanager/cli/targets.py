"""Where commands write: what is there is not overwritten, and a place that cannot be written to is told first."""

import secrets
from pathlib import Path

from scmanager.adapters.private_files import write_private
from scmanager.adapters.space_file import SMALL_BYTES_MAX, SpaceHeader, decode
from scmanager.errors import Refused, Untrusted


class TargetTaken(Refused):
    """{path} is there already."""

    code = "target-taken"
    hint = "Name another one: what is there is never overwritten."


def check_target(path: Path) -> None:
    """Before anything is recorded: the file is not there, and can be made. Raises TargetTaken, PrivateFileFailed."""
    if path.exists() or path.is_symlink():
        raise TargetTaken(path=str(path))
    tried = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tried")
    try:
        write_private(tried, b"")
    finally:
        tried.unlink(missing_ok=True)


def check_space_target(path: Path, space: bytes) -> None:
    """The same; only an earlier file of the same space is replaced."""
    if not _holds(path, space):
        check_target(path)


def _holds(path: Path, space: bytes) -> bool:
    try:
        with path.open("rb") as file:
            header = decode(SpaceHeader, file.readline(SMALL_BYTES_MAX), "space file")
    except (OSError, Untrusted):
        return False
    return header.space == space
