"""Recovery sheets: whether an organisation's sheet was printed and read back is kept in `recovery.json`.

Until it was, one command a day says so, and the first one after a sheet was made. The sheet itself is for paper;
confirming deletes the file.
"""

import contextlib
import secrets
import time
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from scmanager.adapters import recovery_sheet
from scmanager.adapters.private_files import parse_json, read_private, write_private
from scmanager.cli.output import JsonFlag, remark, say, say_json
from scmanager.cli.session import session_of
from scmanager.errors import Refused, Untrusted

FILE_NAME = "recovery.json"
REMINDED = "recovery.reminded"
"""An empty file; its time is that of the last reminder."""
REMIND_S = 86_400


class RecoveryFileDamaged(Untrusted):
    """recovery.json cannot be read."""

    code = "recovery-file-damaged"
    hint = "Delete it if every recovery sheet is safely on paper."


class NothingToConfirm(Refused):
    """No recovery sheet waits to be confirmed."""

    code = "recovery-nothing-to-confirm"
    hint = "A sheet is made with each organisation: scm org found TITLE --handle NAME."


class GroupDiffers(Refused):
    """Key {key}, group {group} of the sheet reads otherwise."""

    code = "recovery-group-differs"
    hint = "Look at the printed page of that key again, and repeat: scm recovery confirm."


class SheetMissing(Refused):
    """The sheet {sheet} is not here any more, and what was typed is not its key."""

    code = "recovery-key-differs"
    hint = "Type all fourteen groups of one page of the printed sheet."


class Sheet(msgspec.Struct, frozen=True):
    """One organisation's recovery sheet."""

    organisation: str
    """Its title when it was founded."""
    space: str
    file: str
    public_keys: tuple[str, ...]
    confirmed: bool = False


def sheets(folder: Path) -> list[Sheet]:
    """All sheets of a data folder. Raises RecoveryFileDamaged."""
    raw = read_private(folder / FILE_NAME)
    return [] if raw is None else parse_json(raw, list[Sheet], RecoveryFileDamaged())


def remember(folder: Path, sheet: Sheet) -> None:
    """Add a sheet, or replace what was known of it. An earlier one of the space holds until it is superseded."""
    others = [each for each in sheets(folder) if (each.space, each.file) != (sheet.space, sheet.file)]
    write_private(folder / FILE_NAME, msgspec.json.encode([*others, sheet]) + b"\n")


def supersede(folder: Path, space: str, file: str) -> None:
    """The seat was taken: of this space's sheets only the new one counts from now on."""
    left = [each for each in sheets(folder) if each.space != space or each.file == file]
    if len(left) < len(sheets(folder)):
        write_private(folder / FILE_NAME, msgspec.json.encode(left) + b"\n")


def new_sheet(folder: Path, title: str, space: str, file: str) -> Sheet:
    """What a sheet that was just written says of itself."""
    seeds = recovery_sheet.parse((folder / file).read_text(encoding="utf-8"))
    keys = recovery_sheet.RecoveryKeys(seeds, len(seeds) // 2 + 1).public_keys
    return Sheet(title, space, file, tuple(key.hex() for key in keys))


def remind(folder: Path) -> None:
    """Once a day and sheet, until it is confirmed: more often it would drown what was asked for."""
    waiting, told = [each for each in sheets(folder) if not each.confirmed], folder / REMINDED
    if not waiting:
        return
    with contextlib.suppress(OSError):  # No file yet, or a folder that nobody may write.
        last_s = told.stat().st_mtime
        if 0 <= time.time() - last_s < REMIND_S and last_s >= (folder / FILE_NAME).stat().st_mtime:
            return
    with contextlib.suppress(OSError):
        told.touch(mode=0o600)
    for sheet in waiting:
        remark(
            f"The recovery sheet of {sheet.organisation} is not confirmed: print {folder / sheet.file},"
            " then run: scm recovery confirm"
        )


def confirm(
    context: typer.Context,
    keep: Annotated[bool, typer.Option("--keep", help="Do not delete the file afterwards.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Type a group back from the printed recovery sheet; then the file is deleted and the reminder ends."""
    folder = session_of(context).folder
    waiting = [each for each in sheets(folder) if not each.confirmed]
    if not waiting:
        raise NothingToConfirm
    for sheet in waiting:
        path = folder / sheet.file
        if path.exists():
            _compare_a_group(sheet, path)
        else:
            _compare_the_key(sheet)
        remember(folder, msgspec.structs.replace(sheet, confirmed=True))
        if not keep:
            path.unlink(missing_ok=True)
        if not as_json:
            say(f"Confirmed. The sheet of {sheet.organisation} is on paper" + ("." if keep else ", and only there."))
    if as_json:
        say_json({"confirmed": [sheet.space for sheet in waiting]})


def _compare_a_group(sheet: Sheet, path: Path) -> None:
    seeds = recovery_sheet.parse(path.read_text(encoding="utf-8"))
    key, group = secrets.randbelow(len(seeds)), secrets.randbelow(recovery_sheet.GROUPS)
    typed = typer.prompt(f"{sheet.organisation}: key {key + 1} of {len(seeds)}, group {group + 1}", err=True)
    if _squeezed(typed) != recovery_sheet.encode_seed(seeds[key])[group]:
        raise GroupDiffers(key=key + 1, group=group + 1)


def _compare_the_key(sheet: Sheet) -> None:
    typed = typer.prompt(f"{sheet.organisation}: all fourteen groups of one page", err=True)
    (seed, *_) = recovery_sheet.parse(typed)
    public = recovery_sheet.RecoveryKeys([seed], 1).public_keys[0].hex()
    if public not in sheet.public_keys:
        raise SheetMissing(sheet=sheet.file)


def _squeezed(typed: str) -> str:
    return "".join(typed.split()).upper().translate(recovery_sheet.LOOKALIKES)
