"""Where commands write: what is there is not overwritten, and a place that cannot be written to is told first."""

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from scmanager.adapters.private_files import PrivateFileFailed, write_private
from scmanager.adapters.space_file import SMALL_BYTES_MAX, SpaceHeader, decode
from scmanager.errors import Refused, Untrusted

BEGINNING_BYTES = 64


class TargetTaken(Refused):
    """{path} is there already{how}."""

    code = "target-taken"
    hint = "Name another one; nothing that is there is overwritten unasked."


ReplaceFlag = Annotated[bool, typer.Option("--replace", help="An earlier one of that name is replaced.")]


def check_target(path: Path) -> None:
    """Before anything is recorded: the file is not there, and can be made. Raises TargetTaken, PrivateFileFailed."""
    if path.exists() or path.is_symlink():
        raise TargetTaken(path=str(path), how="")
    tried = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tried")
    try:
        write_private(tried, b"")
    finally:
        tried.unlink(missing_ok=True)


def check_replaceable(
    path: Path, is_earlier: Callable[[bytes], bool], *, replace: bool, foreign: type[Refused] = TargetTaken
) -> None:
    """The same for what is written again and again: an earlier one is replaced by who says so.

    `is_earlier` sees how a file that is there begins. Raises TargetTaken, `foreign`, PrivateFileFailed.
    """
    if not (path.exists() or path.is_symlink()):
        check_target(path)
        return
    try:
        with path.open("rb") as held:
            if not is_earlier(held.read(BEGINNING_BYTES)):
                raise foreign(path=str(path), how="")
    except OSError as error:
        raise PrivateFileFailed(path=str(path), act="read", reason=error.strerror or type(error).__name__) from error
    if not replace:
        raise TargetTaken(path=str(path), how=", and --replace replaces it")


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
