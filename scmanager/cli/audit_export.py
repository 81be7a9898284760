"""An audit's tables as Parquet files, for analyses with any tool: entries, verdicts, audit events."""

import secrets
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer

from scmanager import __version__
from scmanager.adapters.parquet_files import write_parquet
from scmanager.adapters.private_files import PrivateFileFailed, private_folder, write_private
from scmanager.application import audit_tables as tables
from scmanager.application.words import Words
from scmanager.cli.audit_sources import Evidence, FromOption, SpaceOption, evidence
from scmanager.cli.output import JsonFlag, progress, remark, say_json, say_table
from scmanager.cli.targets import ReplaceFlag, TargetTaken
from scmanager.domain.audit_event import AuditDetail
from scmanager.forensics.telling import Telling
from scmanager.spaces.space import Space

MANIFEST: Final = "audit.json"
FORMAT: Final = "scm-audit-export/1"
REVEALED = "Names and words are in it, in clear. Erasing does not reach it: delete it when it has served."
PART_0 = "It has no names and no prose, but who did what and when, by ids. Keep it as you keep the folder itself."

FILES: Final = frozenset({MANIFEST, "entries.parquet", "verdicts.parquet", "audit_events.parquet"})


class _Manifest(msgspec.Struct):
    """As far as it says whose folder this is."""

    format: str = ""


OutOption = Annotated[
    Path, typer.Option("-o", "--output", metavar="DIR", help="The folder to make; it must not be there yet.")
]


def export(
    context: typer.Context,
    output: OutOption,
    space: SpaceOption = None,
    source: FromOption = None,
    reveal: Annotated[
        bool, typer.Option("--reveal", help="With names and words, as far as they can be read here.")
    ] = False,
    replace: ReplaceFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Write entries, verdicts and audit events to Parquet files: for polars, DuckDB, pandas and the like.

    All spaces, unless one is named. docs/analyses.md says what the columns are, with three analyses.
    """
    target = output.expanduser().absolute()
    _check(target, replace=replace)
    with evidence(context, source) as read:
        spaces = [read.space(space)] if space is not None or not read.present.spaces() else read.present.spaces()
        staging = target.with_name(f".{target.name}.{secrets.token_hex(8)}.new")
        try:
            private_folder(staging)
            made = _write(read, spaces, staging, reveal=reveal)
            _place(staging, target)
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    rows = [{"file": name, "rows": count} for name, count in made.items()]
    if as_json:
        say_json({"folder": str(target), "revealed": reveal, "files": rows})
    else:
        say_table(("file", "rows"), [(str(each["file"]), str(each["rows"])) for each in rows], "")
    remark(REVEALED if reveal else PART_0)


def _check(target: Path, *, replace: bool) -> None:
    """Raises TargetTaken for what is there, unless it is an export of ours that may be replaced."""
    if not target.exists() and not target.is_symlink():
        return
    with suppress(OSError, ValueError, RecursionError):
        if msgspec.json.decode((target / MANIFEST).read_bytes(), type=_Manifest).format == FORMAT:
            others = sorted({each.name for each in target.iterdir()} - FILES)
            if others:
                raise TargetTaken(path=str(target), how=f", with files that are no part of an export ({others[0]})")
            if replace:
                return
            raise TargetTaken(path=str(target), how=": an audit export, which --replace replaces")
    raise TargetTaken(path=str(target), how="")


def _write(read: Evidence, spaces: list[Space], folder: Path, *, reveal: bool) -> dict[str, int]:
    tellers = {space.id: Telling(read.place(read.present), space) for space in spaces}
    words = Words(read.store, read.vault.held)

    def name_of(space: Space, member: bytes) -> str:
        return tellers[space.id].who(member).name

    def words_of(space: Space, opened: Any) -> list[str]:
        return tellers[space.id].words(opened)

    def detail(space: Space, wanted: Any) -> Any:
        return words.read(space, dict.fromkeys(wanted, AuditDetail))

    names, spoken, details = (name_of, words_of, detail) if reveal else (None, None, None)
    total = sum(sum(1 for _ in space.entries()) for space in spaces)
    with progress("Writing rows", total) as advance:
        entries = _rows(spaces, lambda space: tables.entries(read.store, space, names, spoken), advance)
        more = (tables.REVEALED, tables.DETAILS) if reveal else ({}, {})
        made = {
            "entries.parquet": write_parquet(folder / "entries.parquet", {**tables.ENTRIES, **more[0]}, entries),
            "verdicts.parquet": write_parquet(
                folder / "verdicts.parquet", tables.VERDICTS, _rows(spaces, tables.verdicts)
            ),
            "audit_events.parquet": write_parquet(
                folder / "audit_events.parquet", {**tables.AUDIT_EVENTS, **more[1]},
                _rows(spaces, lambda space: tables.audit_events(space, details)),
            ),
        }  # fmt: skip
    told = {
        "format": FORMAT, "release": __version__, "made_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
        "revealed": reveal, "position": read.store.last_pos(), "rows": made,
        "spaces": [
            {"id": space.id.hex(), "kind": space.kind, "frontier": space.frontier().hex()} for space in spaces
        ],
    }  # fmt: skip
    write_private(folder / MANIFEST, msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n")
    return made


def _rows(
    spaces: list[Space],
    of_space: Callable[[Space], Iterator[tables.Line]],
    advance: Callable[[int], None] = lambda _: None,
) -> Iterator[tables.Line]:
    for space in sorted(spaces, key=lambda each: each.id):
        for row in of_space(space):
            advance(1)
            yield row


def _place(staging: Path, target: Path) -> None:
    """Give the folder its name; an earlier one is taken away once the new one is whole."""
    earlier = staging.with_suffix(".old")
    try:
        if target.exists():
            target.rename(earlier)
        staging.rename(target)
        shutil.rmtree(earlier, ignore_errors=True)
    except OSError as error:
        raise PrivateFileFailed(path=str(target), act="written", reason=error.strerror) from error
