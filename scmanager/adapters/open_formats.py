"""Open formats: JSON Lines, CSV and ZIP, written piece by piece, for programs that know nothing of us.

CSV is RFC 4180 in UTF-8. A spreadsheet takes a cell that begins with = + - @ for a formula and runs it: text that
begins so (after blanks, or in its wide form too) gets an apostrophe in front. Numbers stay as they are. What is exact
to the byte is the JSON Lines file beside it.
"""

import csv
import errno
import hashlib
import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import msgspec

from scmanager.errors import Untrusted

BOM = b"\xef\xbb\xbf"
"""What makes some spreadsheets read UTF-8 as UTF-8."""
PIECE_BYTES = 1 << 18
MEMBERS_MAX = 20_000
_FORMULA = re.compile(
    r"[\s\x00-\x1f\u00ad\u200b-\u200f\u2028-\u202f\u2060-\u206f\ufeff]*[=+\-@\uff1d\uff0b\uff0d\uff20]"
)
_BEFORE_ALL = "\t\r\n"
"""Where these stand in front, spreadsheets look at what follows."""


class ArchiveDamaged(Untrusted):
    """This is not a whole archive: {reason}."""

    code = "archive-damaged"
    hint = "Have it exported again, and compare the sizes of both files."


_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, EOFError, KeyError, ValueError, OverflowError,
    RuntimeError,
)  # fmt: skip
"""What the standard library raises at archives that are none."""


class FileMade(msgspec.Struct, frozen=True):
    """A file that was written into an archive."""

    name: str
    size: int
    sha256: bytes


def plain(value: Any) -> Any:
    """A database's value as JSON has it: bytes as lower-case hex, moments as UTC in ISO 8601."""
    if isinstance(value, bytes | memoryview):
        return bytes(value).hex()
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    if isinstance(value, list | tuple):
        return [plain(each) for each in value]
    return value


def json_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[bytes]:
    """One object a row."""
    for row in rows:
        named = {name: plain(value) for name, value in zip(columns, row, strict=True)}
        yield msgspec.json.encode(named) + b"\n"


def csv_lines(columns: Sequence[str], rows: Iterable[Sequence[Any]], *, bom: bool = False) -> Iterator[bytes]:
    """A heading and one line a row; lists as JSON, nothing as an empty cell."""
    sheet = io.StringIO(newline="")
    writer = csv.writer(sheet)
    writer.writerow(columns)
    yield (BOM if bom else b"") + _taken(sheet)
    for row in rows:
        writer.writerow([cell(value) for value in row])
        yield _taken(sheet)


def cell(value: Any) -> str:
    """A value as a spreadsheet may show it and will not run it."""
    spelt = plain(value)
    if spelt is None:
        return ""
    if isinstance(spelt, bool):
        return "true" if spelt else "false"
    if isinstance(spelt, int | float):
        return str(spelt)
    return harmless(spelt if isinstance(spelt, str) else msgspec.json.encode(spelt).decode())


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) or text[:1] in tuple(_BEFORE_ALL) else text


def zipped(files: Iterable[tuple[str, Iterable[bytes]]], made: list[FileMade] | None = None) -> Iterator[bytes]:
    """A ZIP archive of these files, as it grows; `made` is told of each that is finished."""
    sink = _Sink()
    with zipfile.ZipFile(cast("Any", sink), "w", zipfile.ZIP_DEFLATED, allowZip64=True) as archive:
        for name, pieces in files:
            size, digest = 0, hashlib.sha256()
            with archive.open(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), "w", force_zip64=True) as member:
                for piece in pieces:
                    member.write(piece)
                    size += len(piece)
                    digest.update(piece)
                    if len(sink.waiting) >= PIECE_BYTES:
                        yield sink.take()
            if made is not None:
                made.append(FileMade(name, size, digest.digest()))
    yield sink.take()


class _Sink:
    """Where an archive is written to that nobody can seek in."""

    def __init__(self) -> None:
        self.waiting = bytearray()

    def write(self, data: bytes) -> int:
        self.waiting += data
        return len(data)

    def flush(self) -> None:
        """Nothing is kept back."""

    def take(self) -> bytes:
        taken = bytes(self.waiting)
        self.waiting.clear()
        return taken


class Archive:
    """A foreign ZIP archive. Raises ArchiveDamaged and nothing else but for the file system's errors."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self.names = tuple(archive.namelist())

    def pieces(self, name: str, bytes_max: int) -> Iterator[bytes]:
        """A file's bytes, however small it claims to be: at most `bytes_max` of them."""
        size = 0
        with _told(), self._archive.open(name) as member:
            while piece := member.read(PIECE_BYTES):
                size += len(piece)
                if size > bytes_max:
                    raise ArchiveDamaged(reason=f"{name[:80]} is too large")
                yield piece


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Raises ArchiveDamaged."""
    with ExitStack() as files:
        with _told():
            archive = files.enter_context(zipfile.ZipFile(path))
        if len(archive.filelist) > MEMBERS_MAX:
            raise ArchiveDamaged(reason="it holds too many files")
        yield Archive(archive)


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise ArchiveDamaged(reason=str(error)[:200] or type(error).__name__) from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # A place before the file's beginning, where the archive says to read.
            raise
        raise ArchiveDamaged(reason="it points outside of itself") from error


def _taken(sheet: io.StringIO) -> bytes:
    text = sheet.getvalue()
    sheet.seek(0)
    sheet.truncate()
    return text.encode("utf-8", "replace")
