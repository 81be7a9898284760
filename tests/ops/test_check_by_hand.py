"""The page that shows how to check one event with `openssl` and `sha256sum`: run as it stands."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from scmanager.eventstore.evidence import Bundle
from tests.golden.logs import WholeLog, author, clear, org
from tests.ops.test_verify_bundle import HOSTILE
from tests.support.evidence import log_shown, resealed

PAGE = Path(__file__).parent.parent.parent / "docs" / "check-by-hand.md"
MISSING = [each for each in ("sh", "openssl", "sha256sum", "base64", "awk", "od") if not shutil.which(each)]
pytestmark = pytest.mark.skipif(bool(MISSING), reason=f"NOT CHECKED: the page needs {', '.join(MISSING)}")


def by_hand(data: bytes, folder: Path) -> tuple[int, str]:
    """The page's commands on this bundle: exit code and what they print."""
    folder.mkdir()
    (folder / "bundle").write_bytes(data)
    script = "\n".join(re.findall(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
    done = subprocess.run(["sh"], input=script, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    return done.returncode, done.stdout + done.stderr


@pytest.mark.parametrize(
    ("log", "seqs", "number"),
    [(author(), [0, 3], 3), (author(), [0], 0), (org(), [0, 1, 5], 5), (author(), [0, 1, 2, 3, 4, 5], 5)],
    ids=["in clear", "its beginning", "sealed", "all"],
)
def test_an_event_that_was_signed_is_found_to_be(log: WholeLog, seqs: list[int], number: int, tmp_path: Path) -> None:
    code, told = by_hand(Bundle((log_shown(log, seqs),)).to_bytes(), tmp_path / "x")
    assert code == 0, told
    head = log.own.head
    assert f"log {head.log.hex()} of space {head.space.hex()}, entry {number}" in told
    assert told.endswith(f"entry {number} stands under the head of {head.size} entries that the log's key signed\n")
    assert ("its first part is the one that it names" in told) == (number > 0)


@pytest.mark.parametrize("word", ["entry 0", "entry 3", "part 0", "hash", "note"])
def test_a_changed_byte_of_any_line_is_found(word: str, tmp_path: Path) -> None:
    lines = Bundle((log_shown(author(), [0, 3]),)).to_bytes().splitlines(keepends=True)
    at = next(n for n, line in enumerate(lines) if line.startswith(word.encode()))
    line = lines[at]
    place = len(line) - 9
    lines[at] = line[:place] + (b"A" if line[place : place + 1] != b"A" else b"B") + line[place + 1 :]
    code, told = by_hand(resealed(b"".join(lines)), tmp_path / "x")
    assert code != 0, told


@pytest.mark.parametrize(
    "name",
    ["an entry removed", "an entry moved", "two entries swapped", "an entry inserted", "an entry of another log",
     "an entry with another proof", "a note of another log", "a hash too many", "a hash too few", "one log twice"],
)  # fmt: skip
def test_what_both_verifiers_refuse_is_refused_by_hand(name: str, tmp_path: Path) -> None:
    code, told = by_hand(HOSTILE[name]().to_bytes(), tmp_path / "x")
    assert code != 0, told


def test_a_clear_entry_can_be_read(tmp_path: Path) -> None:
    assert clear("signed", {"n": 2}).key is None
    code, told = by_hand(Bundle((log_shown(author(), [0, 3]),)).to_bytes(), tmp_path / "x")
    assert code == 0, told
    assert b'"type":"golden.signed/1"' in (tmp_path / "x" / "part").read_bytes()
