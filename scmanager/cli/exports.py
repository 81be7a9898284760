"""Exports: everything a member may see, in open formats, and back in.

    scm export nova.zip         an archive; or a folder: scm export nova/
    scm import nova.zip         the archive, its folder, or one entries.jsonl of it

What comes in is verified like any space file: there is no other door.
"""

import contextlib
import re
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from scmanager.adapters.open_formats import Archive, opened
from scmanager.adapters.private_files import PrivateFileFailed, private_folder, write_pieces
from scmanager.adapters.space_file import FileUnreadable
from scmanager.adapters.space_reading import FILE_BYTES_MAX
from scmanager.cli import names
from scmanager.cli.client import Client
from scmanager.cli.output import JsonFlag, progress, remark, say_json, say_result, say_table, short
from scmanager.cli.running import asked
from scmanager.cli.session import Session, session_of
from scmanager.cli.targets import TargetTaken
from scmanager.cli.through import LONG_S
from scmanager.errors import Refused

FILE_SUFFIX = ".zip"
OURS = re.compile(r"export\.json|README\.txt|(?:org|personal|author)-[0-9a-f]{12}/(?:tables/)?[a-z_.]+")
ENTRIES = re.compile(r"(?:org|personal|author)-[0-9a-f]{12}/entries\.jsonl")
TABLES_BYTES_MAX = 1 << 40


class NothingExported(Refused):
    """{path} holds no spaces."""

    code = "import-no-spaces"
    hint = "Name what scm export made: the archive, its folder, or an entries.jsonl in it."


def export(
    context: typer.Context,
    target: Annotated[Path, typer.Argument(metavar="DIR|FILE.zip", help="What to write; it must not be there yet.")],
    org: Annotated[
        list[str] | None, typer.Option("--org", metavar="ORG", help="Only these organisations, by tag, title or id.")
    ] = None,
    personal: Annotated[bool, typer.Option("--personal", help="Only your own space, or with --org also.")] = False,
    bom: Annotated[bool, typer.Option("--bom", help="CSV with a byte order mark, for older spreadsheets.")] = False,
    without_csv: Annotated[bool, typer.Option("--without-csv", help="JSON Lines only.")] = False,
    without_keys: Annotated[
        bool, typer.Option("--without-keys", help="Without the keys that let your other machines take it in.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write everything you may see in open formats: JSON Lines and CSV, in clear, with a README.

    Every entry is in it verbatim too: scm import takes the archive in on another machine of yours.
    """
    session, path = session_of(context), target.expanduser().absolute()
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise TargetTaken(path=str(path), how="")
    asked_for: dict[str, Any] = {"space": _spaces(session, org, personal=personal)}
    asked_for |= {"bom": str(bom).lower(), "csv": str(not without_csv).lower(), "keys": str(not without_keys).lower()}
    with asked(session) as api:
        size = _file(api, path, asked_for) if path.suffix == FILE_SUFFIX else _folder(api, path, asked_for)
    say_result({"file" if path.is_file() else "folder": str(path), "bytes": size}, as_json=as_json)
    remark("It is in clear, names and notes too. Erasing does not reach it: delete it when it has served.")


def _spaces(session: Session, orgs: list[str] | None, *, personal: bool) -> list[str]:
    """Ids of the spaces that are meant; none for all."""
    if not orgs and not personal:
        return []
    with session.open() as place:
        found = [names.organisation(place, each).id for each in orgs or ()]
        found += [place.personal_space()] if personal else []
    return [each.hex() for each in found]


def _file(api: Client, path: Path, asked_for: dict[str, Any]) -> int:
    with (
        api.download("GET", "/export", LONG_S, params=asked_for) as (size, pieces),
        progress("Exporting", size, in_bytes=True) as advance,
    ):

        def counted() -> Iterator[bytes]:
            for piece in pieces:
                yield piece
                advance(len(piece))

        return write_pieces(path, counted())


def _folder(api: Client, path: Path, asked_for: dict[str, Any]) -> int:
    """Taken out of the archive beside its place, and renamed when it is whole."""
    parent = private_folder(path.parent)
    staging = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".new", dir=parent))
    archive = parent / f".{path.name}.{secrets.token_hex(8)}{FILE_SUFFIX}"
    try:
        _file(api, archive, asked_for)
        size = 0
        with opened(archive) as held:
            for name in held.names:
                if OURS.fullmatch(name):
                    private_folder((staging / name).parent)
                    size += write_pieces(staging / name, held.pieces(name, TABLES_BYTES_MAX))
        with contextlib.suppress(OSError):
            path.rmdir()  # It is empty.
        staging.rename(path)
    except OSError as error:
        raise PrivateFileFailed(path=str(path), act="written", reason=error.strerror) from error
    finally:
        archive.unlink(missing_ok=True)
        shutil.rmtree(staging, ignore_errors=True)
    return size


# Taking in


def is_export(path: Path) -> bool:
    """Whether a file or folder claims to come from an export: anything else is a list of ships."""
    with contextlib.suppress(OSError):
        if path.is_dir():
            return True
        with path.open("rb") as file:
            beginning = file.read(64)
        return beginning.startswith((b"PK\x03\x04", b'{"format":"scm-space/1"'))
    return False


def take_in(context: typer.Context, path: Path, *, as_json: bool) -> None:
    """Check what an export holds from end to end, space by space, and take in what is new."""
    told = []
    with session_of(context).open() as place, space_files(path) as files:
        for file in files:
            with progress("Checking the entries", None):
                told.append(place.import_space(file))
    if not told:
        raise NothingExported(path=str(path))
    if as_json:
        say_json(told)
        return
    say_table(
        ("space", "logs", "new entries", "closed", "you act"),
        [
            (short(each["space"]), str(each["logs"]), str(each["entries"]), str(each["closed"]),
             "yes" if each["acts"] else "")
            for each in told
        ],
        "",
    )  # fmt: skip
    if any(each["closed"] for each in told):
        remark("Closed entries have no key here: they open on machines that act in the space when it is exported.")


@contextlib.contextmanager
def space_files(path: Path) -> Iterator[Iterator[Path]]:
    """The space files in an archive, in a folder, or the one that was named."""
    with contextlib.ExitStack() as files:
        if path.is_dir():
            yield iter(sorted(path.glob("*/entries.jsonl")) or sorted(path.glob("entries.jsonl")))
            return
        try:
            with path.open("rb") as file:
                zipped = file.read(4) == b"PK\x03\x04"
            if not zipped:
                yield iter([path])
                return
            held = files.enter_context(opened(path))
        except OSError as error:
            raise FileUnreadable(path=str(path), reason=error.strerror or type(error).__name__) from error
        yield _taken_out(held, Path(files.enter_context(tempfile.TemporaryDirectory(prefix="scm-import-"))))


def _taken_out(held: Archive, place: Path) -> Iterator[Path]:
    """One at a time: an archive may hold many."""
    for number, name in enumerate(each for each in held.names if ENTRIES.fullmatch(each)):
        file = place / f"{number}.jsonl"
        write_pieces(file, held.pieces(name, FILE_BYTES_MAX))
        yield file
        file.unlink()
