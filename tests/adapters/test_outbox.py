"""The outbox: batches that never change, room for so much, and nothing left of what consent ended for."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from scmanager.adapters import outbox as module
from scmanager.adapters.outbox import BATCH_REPORTS_MAX, FILE_NAME, KEPT_S, Outbox, OutboxFailed

YES, OTHER, NOW = b"y" * 32, b"o" * 32, 1_800_000_000


@pytest.fixture
def outbox(tmp_path: Path) -> Iterator[Outbox]:
    made = Outbox(tmp_path)
    yield made
    made.close()


def put(outbox: Outbox, *bodies: str, consent: bytes = YES, name: bytes | None = None, at_s: int = NOW) -> None:
    for body in bodies:
        assert outbox.put("errors", "error-reports", consent, json.dumps(body).encode(), at_s, name)


def reports(body: bytes) -> list[str]:
    found: list[str] = json.loads(body)["reports"]
    return found


def test_no_file_is_made_by_looking(outbox: Outbox, tmp_path: Path) -> None:
    assert (outbox.waiting(), outbox.sent(), outbox.dropped(), outbox.told(b"x")) == ([], [], {}, 0)
    assert outbox.keep_only({YES}, NOW) == 0
    assert list(tmp_path.iterdir()) == []


def test_a_batch_is_the_same_bytes_until_its_receipt_came(outbox: Outbox, tmp_path: Path) -> None:
    put(outbox, "one", "two")
    first = outbox.batch("errors")
    assert first is not None
    assert (reports(first.body), first.count, len(first.id)) == (["one", "two"], 2, 16)
    put(outbox, "three")
    assert outbox.batch("errors") == first
    outbox.close()
    assert Outbox(tmp_path).batch("errors") == first
    outbox.done(first, b'{"first":1}', NOW)
    second = outbox.batch("errors")
    assert second is not None
    assert reports(second.body) == ["three"]
    assert second.id != first.id
    outbox.done(second, b"{}", NOW + 1)
    assert outbox.batch("errors") is None
    assert [(row["body"], row["answer"], row["count"]) for row in outbox.sent()] == [
        (first.body, b'{"first":1}', 2), (second.body, b"{}", 1),
    ]  # fmt: skip


def test_what_waits_is_shown_word_for_word(outbox: Outbox) -> None:
    put(outbox, "one")
    batch = outbox.batch("errors")
    put(outbox, "two")
    fixed, loose = outbox.waiting()
    assert fixed == batch
    assert (loose.id, reports(loose.body)) == (b"", ["two"])


def test_reports_on_another_ground_never_share_a_batch(outbox: Outbox) -> None:
    put(outbox, "one")
    put(outbox, "two", consent=OTHER)
    put(outbox, *(["many"] * BATCH_REPORTS_MAX))
    counts = []
    while batch := outbox.batch("errors"):
        counts.append(batch.count)
        outbox.done(batch, b"{}", NOW)
    assert counts == [1, 1, BATCH_REPORTS_MAX]


def test_consent_that_ended_takes_its_reports_along_also_from_a_batch(outbox: Outbox, tmp_path: Path) -> None:
    put(outbox, "told in confidence")
    assert outbox.batch("errors") is not None
    put(outbox, "told in confidence too")
    put(outbox, "this one stays", consent=OTHER)
    assert outbox.keep_only({OTHER}, NOW) == 2
    (left,) = outbox.waiting()
    assert reports(left.body) == ["this one stays"]
    assert b"in confidence" not in (tmp_path / FILE_NAME).read_bytes()


def test_a_name_holds_the_newest_alone_but_not_in_a_batch(outbox: Outbox) -> None:
    put(outbox, "old", name=b"n")
    put(outbox, "new", name=b"n")
    assert outbox.named("errors", b"n") == b'"new"'
    batch = outbox.batch("errors")
    assert batch is not None
    assert reports(batch.body) == ["new"]
    assert outbox.named("errors", b"n") is None
    put(outbox, "newer", name=b"n")
    assert outbox.batch("errors") == batch


def test_there_is_room_for_so_much_and_the_rest_is_counted(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "REPORTS_MAX", 3)
    put(outbox, "one", "two", "three")
    assert not outbox.put("errors", "error-reports", YES, b'"four"', NOW, None, (b"x", 4))
    assert (outbox.dropped(), outbox.told(b"x")) == ({"errors": 1}, 0)


def test_how_much_is_told_is_kept_with_the_report(outbox: Outbox) -> None:
    assert outbox.put("audit", "audit-reports", YES, b"{}", NOW, None, (b"series", 3))
    assert outbox.told(b"series") == 3
    outbox.keep_only({YES}, NOW + 3 * KEPT_S)
    assert outbox.told(b"series") == 0


def test_what_is_too_old_goes(outbox: Outbox) -> None:
    put(outbox, "old", at_s=NOW - KEPT_S - 1)
    put(outbox, "new")
    assert outbox.keep_only({YES}, NOW) == 1
    (left,) = outbox.waiting()
    assert reports(left.body) == ["new"]


def test_a_batch_does_not_change_and_goes_whole_with_its_newest_report(outbox: Outbox) -> None:
    put(outbox, "old", at_s=NOW - KEPT_S + 10)
    put(outbox, "new")
    batch = outbox.batch("errors")
    assert outbox.keep_only({YES}, NOW + 20) == 0
    assert outbox.batch("errors") == batch
    assert outbox.keep_only({YES}, NOW + KEPT_S + 1) == 2
    assert outbox.batch("errors") is None


def test_the_last_receipts_are_kept_and_no_more(outbox: Outbox, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SENT_MAX", 2)
    for number in range(4):
        put(outbox, str(number))
        batch = outbox.batch("errors")
        assert batch is not None
        outbox.done(batch, b"{}", NOW + number)
    assert [reports(row["body"]) for row in outbox.sent()] == [["2"], ["3"]]


def test_a_file_that_is_none_is_an_error_that_says_so(tmp_path: Path) -> None:
    (tmp_path / FILE_NAME).write_bytes(b"noise" * 1000)
    outbox = Outbox(tmp_path)
    with pytest.raises(OutboxFailed):
        outbox.put("errors", "error-reports", YES, b"{}", NOW)
    with pytest.raises(OutboxFailed):
        outbox.waiting()


@pytest.mark.skipif(os.name == "nt", reason="Windows has no modes")
def test_it_is_for_its_owners_eyes_only(outbox: Outbox, tmp_path: Path) -> None:
    put(outbox, "one")
    assert (tmp_path / FILE_NAME).stat().st_mode & 0o777 == 0o600


KILLED = """
import os, signal, sys
from pathlib import Path
from scmanager.adapters.outbox import Outbox
outbox = Outbox(Path(sys.argv[1]))
number = 0
while True:
    outbox.put("errors", "error-reports", b"y" * 32, b'"%d"' % number, 1_800_000_000, None, (b"n", number + 1))
    if number % 5 == 4:
        outbox.batch("errors")
    print(number, flush=True)
    number += 1
"""


def test_what_was_put_outlives_a_kill(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    ) as process:  # fmt: skip
        assert process.stdout is not None
        while int(process.stdout.readline()) < 12:
            pass
        process.send_signal(signal.SIGKILL)
        last = max([12, *(int(line) for line in process.stdout.read().split())])
    outbox = Outbox(tmp_path)
    batch = outbox.batch("errors")
    assert batch is not None
    assert reports(batch.body) == ["0", "1", "2", "3", "4"]
    found = sum(each.count for each in outbox.waiting())
    assert found in (last + 1, last + 2)
    assert outbox.told(b"n") == found
    with sqlite3.connect(tmp_path / FILE_NAME) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    db.close()
    outbox.close()
