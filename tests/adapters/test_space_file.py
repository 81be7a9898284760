"""Space files: what is written can be read again, however large its parts, and nonsense costs little."""

import base64
import os
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest

from scmanager.adapters import space_reading
from scmanager.adapters.space_file import (
    SMALL_BYTES_MAX,
    FileOfAnotherKind,
    FileUnreadable,
    SpaceFileDamaged,
    parse_hand_over,
    parse_invitation,
    parse_request,
    parse_signed_hand_over,
    read_bytes,
)
from scmanager.adapters.space_reading import RunTooLarge, read_space, write_space
from scmanager.eventstore.entry import PART_BYTES_MAX
from scmanager.eventstore.log_copy import LogCopy
from scmanager.eventstore.verification import SignedNote
from tests.support.space_files import parse_space, read_whole

SPACE = b"s" * 32
NOTE = SignedNote(5, b"r" * 32, b"g" * 64)


def test_a_log_of_the_largest_entries_can_be_read_by_whoever_gets_the_file(tmp_path: Path) -> None:
    """A member may sign fifteen parts of a mebibyte in each entry: nobody's export may break on that."""
    part = bytes(PART_BYTES_MAX)
    copy = LogCopy([b"e" * 200] * 5, [dict.fromkeys(range(1, 16), part)] * 5, NOTE)
    write_space(tmp_path / "large.scm", SPACE, [copy], None)
    (read,) = read_whole(tmp_path / "large.scm").logs
    assert (list(read.entries), list(read.held)) == (list(copy.entries), list(copy.held))


def test_a_long_log_stands_in_several_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space_reading, "ENTRIES_A_LINE", 3)
    copy = LogCopy([b"%0200d" % number for number in range(7)], [{0: b"part"}] * 7, NOTE)
    write_space(tmp_path / "long.scm", SPACE, [copy, copy], None)
    data = (tmp_path / "long.scm").read_bytes()
    assert data.count(b'{"entries"') == 6
    assert [list(read.entries) for read in parse_space(data).logs] == [list(copy.entries)] * 2


def header(logs: int) -> bytes:
    return b'{"format":"scm-space/1","space":"%b","logs":%d}\n' % (base64.b64encode(SPACE), logs)


@pytest.mark.parametrize(
    "row",
    [
        b'["",[]]',
        b'["AAAA",[]]',
        b'["' + base64.b64encode(bytes(70_000)) + b'",[]]',
        b'["' + base64.b64encode(bytes(200)) + b'",[' + b"null," * 16 + b"null]]",
    ],
    ids=["empty", "short", "long", "seventeen parts"],
)
def test_rows_that_are_no_entry_are_refused_before_they_add_up(row: bytes) -> None:
    line = b'{"entries":[' + b",".join([row] * 100) + b"]}\n"
    with pytest.raises(SpaceFileDamaged):
        parse_space(header(1) + line)


def test_a_line_with_more_rows_than_anybody_writes_is_refused() -> None:
    row = b'["' + base64.b64encode(bytes(200)) + b'",[]]'
    with pytest.raises(SpaceFileDamaged):
        parse_space(header(1) + b'{"entries":[' + b",".join([row] * 501) + b"]}\n")


def memory_of(act: Callable[[], object]) -> int:
    """The most bytes that lay in memory at once."""
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def large(path: Path, runs: int, *, ended: bool = True) -> Path:
    """A file of some 140 KiB a run, with nothing true in it."""
    row = b'["' + base64.b64encode(bytes(1000)) + b'",[]]'
    piece = b'{"entries":[' + b",".join([row] * 100) + b"]}\n"
    note = b'{"size":1,"root":"%b","signature":"%b"}\n' % (base64.b64encode(bytes(32)), base64.b64encode(bytes(64)))
    with path.open("wb") as file:
        file.write(header(runs))
        for _ in range(runs):
            file.write(piece + (note if ended else b""))
    return path


def test_however_large_a_file_is_one_run_at_a_time_lies_in_memory(tmp_path: Path) -> None:
    path = large(tmp_path / "large.scm", 300)
    assert path.stat().st_size > 38 << 20
    read: list[int] = []
    assert memory_of(lambda: read.extend(len(copy.entries) for copy in read_space(path).logs)) < 4 << 20
    assert read == [100] * 300


def test_a_run_that_never_ends_is_refused_before_it_fills_the_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space_reading, "RUN_BYTES_MAX", 2 << 20)

    def refused() -> None:
        with pytest.raises(RunTooLarge, match="50000 entries or 2 MiB"):
            read_space(large(tmp_path / "endless.scm", 300, ended=False))

    assert memory_of(refused) < 8 << 20


def test_a_run_of_more_entries_than_anybody_signs_at_once_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(space_reading, "RUN_ENTRIES_MAX", 99)
    with pytest.raises(RunTooLarge, match="99 entries"):
        read_space(large(tmp_path / "long.scm", 1))


def test_a_gibibyte_of_nothing_is_refused_within_a_line(tmp_path: Path) -> None:
    path = tmp_path / "hole.scm"
    path.write_bytes(header(1))
    os.truncate(path, 1 << 30)

    def refused() -> None:
        with pytest.raises(SpaceFileDamaged, match="a line is too long"):
            read_space(path)

    assert memory_of(refused) < 4 * space_reading.LINE_BYTES_MAX
    os.truncate(path, (1 << 30) + 1)
    with pytest.raises(FileUnreadable, match="larger than 1 GiB"):
        read_space(path)


def test_a_small_file_that_is_large_is_not_read_to_its_end(tmp_path: Path) -> None:
    path = tmp_path / "request.json"
    path.write_bytes(header(1))
    os.truncate(path, 1 << 30)
    for parse in (parse_invitation, parse_request, parse_hand_over, parse_signed_hand_over):
        with pytest.raises(FileOfAnotherKind, match="This is a space file"):
            parse(read_bytes(path))
    path.write_bytes(b" " * (SMALL_BYTES_MAX + 1))
    with pytest.raises(SpaceFileDamaged):
        parse_request(read_bytes(path))


def test_heads_without_entries_are_refused() -> None:
    note = b'{"size":1,"root":"%b","signature":"%b"}\n' % (base64.b64encode(bytes(32)), base64.b64encode(bytes(64)))
    with pytest.raises(SpaceFileDamaged):
        parse_space(header(2) + note * 2)
