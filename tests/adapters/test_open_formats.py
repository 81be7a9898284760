"""Open formats: what spreadsheets and strangers' programs read, and archives that strangers made."""

import contextlib
import csv
import io
import os
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from scmanager.adapters.open_formats import (
    BOM,
    ArchiveDamaged,
    FileMade,
    cell,
    csv_lines,
    json_lines,
    opened,
    zipped,
)

_TEXT = st.text(st.characters(exclude_categories=("Cs",)), max_size=30)
_CELLS = st.one_of(st.none(), st.booleans(), st.integers(), st.binary(max_size=8), _TEXT, st.lists(_TEXT, max_size=3))


@given(st.lists(st.tuples(_CELLS, _CELLS), max_size=5), st.booleans())
def test_a_sheet_has_a_cell_for_each_value_and_none_that_is_run(rows: list[tuple[object, ...]], bom: bool) -> None:
    data = b"".join(csv_lines(("a", "b"), rows, bom=bom))
    assert data.startswith(BOM) is bom
    read = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert read[0] == ["a", "b"]
    assert len(read) == len(rows) + 1
    for given_row, row in zip(rows, read[1:], strict=True):
        for value, spelt in zip(given_row, row, strict=True):
            number = isinstance(value, int) and not isinstance(value, bool)
            assert number or spelt.lstrip()[:1] not in set("=+-@＝＋－＠"), spelt
            assert spelt in (str(value), cell(value))


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n1", "  =1", "＝1", "=", "\ufeff=1"]
)
def test_text_that_a_spreadsheet_would_run_gets_an_apostrophe(text: str) -> None:
    assert cell(text) == f"'{text}"


def test_what_is_no_text_stays_as_it_is() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert [cell(each) for each in (-5, True, None, b"\x0f", moment, ["=x", "y"], "plain", "'=")] == [
        "-5", "true", "", "0f", "2026-01-02T03:04:05Z", '["=x","y"]', "plain", "'=",
    ]  # fmt: skip


@given(st.lists(st.tuples(_CELLS), max_size=4))
def test_json_lines_are_one_object_a_row(rows: list[tuple[object, ...]]) -> None:
    lines = b"".join(json_lines(("x",), rows)).splitlines()
    assert [list(msgspec.json.decode(line)) for line in lines] == [["x"]] * len(rows)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,5}", fullmatch=True), st.lists(st.binary(max_size=40)), max_size=4))
def test_an_archive_grows_piece_by_piece_and_is_whole_for_others(files: dict[str, list[bytes]]) -> None:
    made: list[FileMade] = []
    data = b"".join(zipped(files.items(), made))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == {
            name: b"".join(pieces) for name, pieces in files.items()
        }
    assert [(each.name, each.size) for each in made] == [(n, sum(map(len, p))) for n, p in files.items()]


def test_an_archive_needs_no_more_memory_than_a_few_pieces() -> None:
    """What is made is handed on while it is made: 64 MiB that do not shrink pass in pieces of less than one."""
    block = os.urandom(1 << 20)
    sizes = [len(piece) for piece in zipped([("x", (block for _ in range(64)))])]
    assert sum(sizes) > 64 << 20
    assert max(sizes) < 2 << 20


def read(path: Path, bytes_max: int = 1000) -> list[bytes]:
    with opened(path) as archive:
        return [b"".join(archive.pieces(name, bytes_max)) for name in archive.names]


def test_a_file_that_swells_is_left_when_it_is_too_large(tmp_path: Path) -> None:
    path = tmp_path / "bomb.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("x", bytes(50 << 20))
    assert path.stat().st_size < 100_000
    with pytest.raises(ArchiveDamaged, match="too large"):
        read(path)


@given(st.binary(max_size=300), st.integers(0, 10_000), st.integers(0, 255))
@example(bytes(5), 9886, 2)
def test_noise_and_changed_archives_are_damaged_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, noise: bytes, at: int, value: int
) -> None:
    path = tmp_path_factory.getbasetemp() / "noise.zip"
    path.write_bytes(noise)
    with pytest.raises(ArchiveDamaged):
        read(path)
    data = bytearray(b"".join(zipped([("a", [b"x" * 200]), ("b", [noise])])))
    data[at % len(data)] = value
    path.write_bytes(data)
    with contextlib.suppress(ArchiveDamaged):
        assert len(read(path)) <= 2


def test_an_error_of_whoever_reads_an_archive_is_his_own(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"".join(zipped([("a", [b"x"])])))
    with pytest.raises(KeyError, match="mine"), opened(path):
        raise KeyError("mine")
