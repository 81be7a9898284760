"""Everything of some spaces in open formats, as one ZIP archive that grows while it is read.

Each space has a folder: `entries.jsonl` is a space file, verbatim and signed (adapters/space_file.py), and comes in
elsewhere through the same door as any other; `events.jsonl` says what they say; `tables` has what the read models
show, as JSON Lines and as CSV. `export.json` stands last: what there is, how large, with which hash.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec

from scmanager import __version__
from scmanager.adapters.open_formats import FileMade, csv_lines, json_lines, zipped
from scmanager.adapters.space_reading import whole_space
from scmanager.application.telling import tell
from scmanager.projections.reading import Picture, picture
from scmanager.runtime import Node
from scmanager.spaces.opening import once

README = """\
This is an export of SC Manager {release}, made {made_at}. Everything in it is in clear: whoever has it reads it,
erased words of later days too. Keep it as you keep a backup, and delete it when it has served.

export.json            what is in here: spaces, files with their sizes and SHA-256
SPACE/entries.jsonl    every entry as it was signed, base64, with the notes that prove it{keys}
                       To take it in elsewhere: scm import FILE (this archive, its folder, or this file alone).
SPACE/events.jsonl     the same entries opened, one JSON object a line. "schema" is the event's type and version;
                       "payload" is what its author wrote (docs/events.md lists the fields; byte strings are base64);
                       "words" are personal words, or why there are none; "valid" says whether it counts, "reason"
                       why not. In order of arrival; sorted by hlc, log, seq, id they stand in the order of the fold.
SPACE/tables/*.jsonl   what the read models show, one row a line: ids are lower-case hex, moments UTC
{csv}
"""
CSV = """\
SPACE/tables/*.csv     the same rows for spreadsheets: UTF-8{bom}, comma, quotes doubled, CRLF; lists as JSON.
                       Text that begins with = + - or @ has an apostrophe in front, so that no spreadsheet runs it:
                       what is exact is the .jsonl beside it."""
WITH_KEYS = ",\n                       and with the space's keys, sealed to the devices that act in it"


class Wanted(msgspec.Struct, frozen=True):
    """What an export shall have in it."""

    csv: bool = True
    bom: bool = False
    """Before each CSV file: some spreadsheets read UTF-8 as UTF-8 only then."""
    keys: bool = True
    """The spaces' keys, sealed to the devices that act there: without them nobody can take the entries in."""


def export(node: Node, conninfo: str, schema: str, spaces: Sequence[bytes], wanted: Wanted) -> Iterator[bytes]:
    """The archive's bytes. Raises NoSuchSpace, TablesUnread while they are read."""
    node.own_logs.remember()
    made: list[FileMade] = []
    with ExitStack() as opened:
        tables = opened.enter_context(picture(conninfo, schema))
        yield from zipped(_files(node, tables, spaces, wanted, made), made)


Files = Iterator[tuple[str, Iterator[bytes]]]


def _files(node: Node, tables: Picture, spaces: Sequence[bytes], wanted: Wanted, made: list[FileMade]) -> Files:
    made_at = datetime.fromtimestamp(node.now_us() // 1_000_000, UTC).isoformat().replace("+00:00", "Z")
    with node.shelf.lock:
        until, kinds = node.shelf.pos, [node.shelf.space(space).kind for space in spaces]
    yield "README.txt", iter([_readme(made_at, wanted)])
    folders = [f"{kind}-{space.hex()[:12]}" for kind, space in zip(kinds, spaces, strict=True)]
    for space, folder in zip(spaces, folders, strict=True):
        yield from _files_of(node, tables, space, folder, until, wanted)
    told = {
        "format": "scm-export/1", "release": __version__, "made_at": made_at,
        "spaces": [
            {"id": space.hex(), "kind": kind, "folder": folder}
            for space, kind, folder in zip(spaces, kinds, folders, strict=True)
        ],
        "events_to": until, "tables_to": tables.position(),
        "files": [{"name": each.name, "bytes": each.size, "sha256": each.sha256.hex()} for each in made],
    }  # fmt: skip
    yield "export.json", iter([msgspec.json.format(msgspec.json.encode(told), indent=2) + b"\n"])


def _files_of(node: Node, tables: Picture, space: bytes, folder: str, until: int, wanted: Wanted) -> Files:
    readers = partial(node.readers, space) if wanted.keys else None
    entries = whole_space(node.store, node.vault, space, readers)
    yield f"{folder}/entries.jsonl", entries
    told = tell(node.shelf, node.store, once(node.vault.held), space, until)
    yield f"{folder}/events.jsonl", (msgspec.json.encode(each) + b"\n" for each in told)
    for table in tables.tables(space):
        name = f"{folder}/tables/{table.model}.{table.table}"
        yield f"{name}.jsonl", json_lines(table.columns, table.rows())
        if wanted.csv:
            yield f"{name}.csv", csv_lines(table.columns, table.rows(), bom=wanted.bom)


def _readme(made_at: str, wanted: Wanted) -> bytes:
    csv = CSV.format(bom=" with a byte order mark" if wanted.bom else "") if wanted.csv else ""
    facts: dict[str, Any] = {"keys": WITH_KEYS if wanted.keys else "", "csv": csv}
    return README.format(release=__version__, made_at=made_at, **facts).encode()
