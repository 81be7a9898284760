"""Space files: what is written can be read again, however large its parts, and nonsense costs little."""

import base64
from pathlib import Path

import pytest

from scmanager.adapters import space_file
from scmanager.adapters.space_file import SpaceFileDamaged, parse_space, read_bytes, write_space
from scmanager.eventstore.entry import PART_BYTES_MAX
from scmanager.eventstore.log_copy import LogCopy
from scmanager.eventstore.verification import SignedNote

SPACE = b"s" * 32
NOTE = SignedNote(5, b"r" * 32, b"g" * 64)


def test_a_log_of_the_largest_entries_can_be_read_by_whoever_gets_the_file(tmp_path: Path) -> None:
    """A member may sign fifteen parts of a mebibyte in each entry: nobody's export may break on that."""
    part = bytes(PART_BYTES_MAX)
    copy = LogCopy([b"e" * 200] * 5, [dict.fromkeys(range(1, 16), part)] * 5, NOTE)
    write_space(tmp_path / "large.scm", SPACE, [copy], None)
    (read,) = parse_space(read_bytes(tmp_path / "large.scm")).logs
    assert (list(read.entries), list(read.held)) == (list(copy.entries), list(copy.held))


def test_a_long_log_stands_in_several_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space_file, "ENTRIES_A_LINE", 3)
    copy = LogCopy([b"%0200d" % number for number in range(7)], [{0: b"part"}] * 7, NOTE)
    write_space(tmp_path / "long.scm", SPACE, [copy, copy], None)
    data = read_bytes(tmp_path / "long.scm")
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


def test_heads_without_entries_are_refused() -> None:
    note = b'{"size":1,"root":"%b","signature":"%b"}\n' % (base64.b64encode(bytes(32)), base64.b64encode(bytes(64)))
    with pytest.raises(SpaceFileDamaged):
        parse_space(header(2) + note * 2)
