"""The vault: errors counted by shape, release and day; a rising one is one bug record; breaches of terms are kept."""

from collections.abc import Iterator
from hashlib import sha3_256
from pathlib import Path

import msgspec
import pytest

from scmanager.adapters import vault_book
from scmanager.adapters.vault_book import FILE_NAME, TERMS_DAYS, UNSEEN_DAYS, VaultBook, beyond, breaches, shapes
from scmanager.application import vault
from scmanager.application.reports import ERRORS
from scmanager.application.sequencing import Reports, Sequencer
from scmanager.application.vault import Bug, Shape, Terms
from scmanager.domain.audit_types import AuditType
from scmanager.domain.event import Event
from scmanager.domain.intake import RISING_REPORTS, BugOpened, ErrorCounted, Frame, is_rising
from scmanager.eventstore.memory import MemoryStore
from scmanager.master_ledger import reports as wire
from tests.application.test_sequencing import begun
from tests.support.intake import CONSENT, reported

DAY_US = vault.DAY_US
FRAMES = (Frame("scmanager.runtime", "open_node"), Frame("scmanager.eventstore.sqlite", "<module>"))


def error(name: str = "StoreBusy", version: str = "0.1.0", count: int = 1) -> ErrorCounted:
    return ErrorCounted(CONSENT, name, FRAMES, version, 1, 2, count)


class Server:
    """A log on one's own clock, and the vault that follows it."""

    def __init__(self, folder: Path) -> None:
        self.store, self.now_us, self.folder = MemoryStore(), 5 * DAY_US, folder
        self.sequencer: Sequencer = begun(self.store)
        self.sequencer._clock_us = lambda: self.now_us
        self.sequencer.start()
        self.book, self._sent = VaultBook(folder), 0

    def take(self, *events: Event) -> None:
        for each in events:
            self._sent += 1
            self.sequencer.submit(Reports(self._sent.to_bytes(16, "big"), (each,))).result(20)

    def look(self) -> list[BugOpened]:
        """The bug records that are opened now."""
        vault.follow(self.store, self.book, self.now_us)
        opened = vault.bugs(self.book, self.now_us)
        for each in opened:
            self.sequencer.submit(each).result(20)
        vault.follow(self.store, self.book, self.now_us)
        return [event for each in opened for event in each.events if isinstance(event, BugOpened)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    made = Server(tmp_path)
    yield made
    made.sequencer.stop()
    made.book.close()


def test_a_shape_that_is_reported_often_enough_becomes_one_bug_record(server: Server) -> None:
    server.take(*[error()] * (RISING_REPORTS - 1))
    assert server.look() == []
    server.take(error())
    (bug,) = server.look()
    assert (bug.error, bug.frames, bug.version, bug.reports, bug.before) == ("StoreBusy", FRAMES, "0.1.0", 10, 0)
    assert bug.at == 5 * DAY_US // 10**6
    server.take(*[error()] * 50)
    assert server.look() == []
    server.now_us += DAY_US
    server.take(*[error()] * 500)
    assert server.look() == [], "opened once"


def test_the_id_of_a_bug_record_follows_from_what_it_is_about(server: Server) -> None:
    assert vault.follow(server.store, server.book, server.now_us) == 0, "nothing was reported"
    server.take(*[error()] * RISING_REPORTS, *[error(version="0.2.0")] * RISING_REPORTS)
    assert vault.follow(server.store, server.book, server.now_us) == 2 * RISING_REPORTS
    shape = vault.fingerprint(error())
    assert shape == hashed("scm/error/1", msgspec.json.encode(("StoreBusy", FRAMES)))
    assert {each.id for each in vault.bugs(server.book, server.now_us)} == {
        hashed("scm/bug/1", shape, version)[:16] for version in (b"0.1.0", b"0.2.0")
    }
    assert len(server.look()) == 2
    assert vault.follow(server.store, server.book, server.now_us) == 0, "nothing came since"


def hashed(tag: str, *fields: bytes) -> bytes:
    return sha3_256(tag.encode() + b"\n" + b"".join(fields)).digest()


def test_pages_of_the_log_are_counted_together(server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault, "PAGE_ROWS", 3)
    server.take(*[error()] * 7)
    assert vault.follow(server.store, server.book, server.now_us) == 7


def test_a_number_that_one_reporter_writes_is_worth_one(server: Server) -> None:
    server.take(error(count=2**53 - 1), error(count=2**53 - 1))
    assert server.look() == []
    (shape,) = shapes(server.folder)
    assert (shape["reports"], shape["errors"]) == (2, 2**53 - 1)


def test_what_was_as_frequent_before_does_not_rise() -> None:
    assert not is_rising(9, 0)
    assert is_rising(10, 0)
    assert not is_rising(29, 10)
    assert is_rising(30, 10)


def test_other_releases_and_other_shapes_are_counted_apart(server: Server) -> None:
    for number in range(5):
        server.take(error(version=f"0.{number}.0"), error(name=f"Error{number}"))
    assert server.look() == []
    assert len(shapes(server.folder)) == 10


def test_yesterday_counts_as_yesterday(server: Server) -> None:
    server.take(*[error()] * 8)
    server.look()
    server.now_us += DAY_US
    server.take(*[error()] * 20)
    assert server.look() == [], "8, then 20"
    server.take(*[error()] * 4)
    (bug,) = server.look()
    assert (bug.reports, bug.before) == (24, 8)


def shape_of(name: str, day: int = 5, version: str = "0.1.0") -> Shape:
    return Shape(name.encode().ljust(32), name, FRAMES, version, day, 1)


@pytest.fixture
def book(tmp_path: Path) -> Iterator[VaultBook]:
    made = VaultBook(tmp_path)
    yield made
    made.close()


def test_what_a_day_brings_of_new_shapes_is_bounded_and_the_rest_is_counted(
    book: VaultBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_book, "FRESH_DAY_MAX", 20)
    book.enter([shape_of(f"E{number % 15}", version=f"0.{number}") for number in range(30)], 30)
    book.enter([shape_of("E1", version="0.1")] * 3, 33)
    assert len(shapes(tmp_path)) == 20
    assert sum(int(str(each["reports"])) for each in shapes(tmp_path)) == 23
    assert beyond(tmp_path) == [{"day_s": 5 * 86_400, "reports": 10, "terms": 0}]
    book.enter([shape_of("later", day=6)], 34)
    assert len(shapes(tmp_path)) == 21


def test_what_nobody_reports_any_more_goes_unless_it_is_a_bug(book: VaultBook, tmp_path: Path) -> None:
    book.enter([shape_of("once"), shape_of("bug"), shape_of("often"), Bug(b"bug".ljust(32), "0.1.0", 5 * 86_400)], 4)
    for day in range(6, 5 + UNSEEN_DAYS):
        book.enter([shape_of("new", day=day)], 5)
    book.enter([shape_of("often", day=9), shape_of("new", day=5 + UNSEEN_DAYS)], 6)
    assert {each["error"] for each in shapes(tmp_path)} == {"once", "bug", "often", "new"}
    book.enter([shape_of("new", day=6 + UNSEEN_DAYS)], 7)
    assert {each["error"] for each in shapes(tmp_path)} == {"bug", "often", "new"}


def test_a_clock_that_was_ahead_once_takes_nothing_along_and_holds_nothing_up(server: Server) -> None:
    server.take(*[error("Old")] * 8)
    server.look()
    server.now_us += 300 * DAY_US
    server.take(error("Jump"), *reported(1, type=AuditType.TOS_VIOLATION))
    server.look()
    server.now_us -= 300 * DAY_US
    assert {each["error"] for each in shapes(server.folder)} == {"Old", "Jump"}
    server.take(*[error("KeyError")] * 60)
    (bug,) = server.look()
    assert (bug.error, bug.reports) == ("KeyError", 60)
    server.now_us += DAY_US
    server.take(error("Later"), error("Old"))
    server.look()
    assert ("Old", 9) in {(each["error"], each["reports"]) for each in shapes(server.folder)}


def test_shapes_that_are_kept_alive_are_bounded_in_all(
    book: VaultBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_book, "SHAPES_MAX", 25)
    for day in range(5, 9):
        book.enter([shape_of(f"E{number}", day) for number in range((day - 4) * 10)], day)
    assert len(shapes(tmp_path)) == 25
    assert {each["reports"] for each in beyond(tmp_path)} == {5, 15}


def test_strangers_open_no_more_bug_records_than_a_day_has_room_for(
    book: VaultBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_book, "BUGS_DAY_MAX", 3)
    book.enter([shape_of(f"E{number}") for number in range(5)] * 10 + [shape_of("E4")] * 5, 55)
    found = [shape for shape, _ in book.rising(5)]
    assert [shape.count for shape in found] == [15, 10, 10]
    book.enter([Bug(found[0].fingerprint, "0.1.0", 5 * 86_400 + 7), Bug(b"other", "0.1.0", 4 * 86_400)], 57)
    assert len(book.rising(5)) == 2


def test_a_look_reads_what_rises_and_nothing_else(book: VaultBook) -> None:
    book.enter([shape_of(f"E{number}") for number in range(2_000)] + [shape_of("rises")] * 10, 1)
    steps = 0

    def step() -> None:
        nonlocal steps
        steps += 1

    book._database.set_progress_handler(step, 100)
    assert [shape.error for shape, _ in book.rising(5)] == ["rises"]
    assert steps < 10, "hundreds of instructions of SQLite, however many shapes there are"


def test_a_book_that_is_lost_or_broken_is_made_anew_and_opens_nothing_twice(server: Server) -> None:
    server.take(*[error()] * 12)
    assert len(server.look()) == 1
    before = shapes(server.folder)
    for harm in ("lost", "broken"):
        server.book.close()
        for path in server.folder.glob(f"{FILE_NAME}*"):
            path.unlink()
        if harm == "broken":
            (server.folder / FILE_NAME).write_bytes(b"noise" * 1000)
        server.book = VaultBook(server.folder)
        assert server.look() == []
        assert shapes(server.folder) == before


def test_a_book_that_is_further_than_its_store_is_made_anew(server: Server, tmp_path: Path) -> None:
    server.take(*[error("Later")] * 3)
    server.look()
    earlier = Server(tmp_path)
    earlier.take(error())
    earlier.look()
    assert [each["error"] for each in shapes(tmp_path)] == ["StoreBusy"]
    earlier.sequencer.stop()
    earlier.book.close()


def test_breaches_of_terms_are_kept_with_their_place(server: Server) -> None:
    server.take(*reported(3), *reported(2, type=AuditType.TOS_VIOLATION))
    server.look()
    newest, older = breaches(server.folder)
    assert [(each["index"], each["region"], each["count"]) for each in (older, newest)] == [
        (4, "DE", 3),
        (5, "DE", 3),
    ]
    (row,) = server.store.read(server.sequencer.head.log, 0, 5, 1)
    from scmanager.eventstore.entry import parse

    assert parse(row.data).id == newest["event"]


def breach(number: int, day: int = 5) -> Terms:
    return Terms(number.to_bytes(64, "big"), bytes(32), number, day * 86_400, "0.1.0", "DE", 1, bytes(32), day)


def test_breaches_are_bounded_a_day_and_go_after_a_time_and_what_is_beyond_is_counted(
    book: VaultBook, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_book, "TERMS_DAY_MAX", 20)
    book.enter([breach(number) for number in range(30)] + [breach(3)], 31)
    book.enter([breach(number, day=6) for number in range(100, 110)], 41)
    assert (len(breaches(tmp_path)), len({each["event"] for each in breaches(tmp_path)})) == (30, 30)
    assert beyond(tmp_path) == [{"day_s": 5 * 86_400, "reports": 0, "terms": 10}]
    for day in range(7, 6 + TERMS_DAYS):
        book.enter([shape_of("any", day=day)], 42)
    assert len(breaches(tmp_path)) == 30
    book.enter([shape_of("any", day=6 + TERMS_DAYS)], 43)
    assert {each["index"] for each in breaches(tmp_path)} == set(range(100, 110)), "with whatever a day brings first"
    book.enter([breach(200, day=7 + TERMS_DAYS)], 44)
    assert {each["index"] for each in breaches(tmp_path)} == {200}


def test_a_book_of_an_earlier_release_is_made_anew(server: Server) -> None:
    server.take(*reported(1, type=AuditType.TOS_VIOLATION))
    server.look()
    server.book._database.executescript("PRAGMA user_version=0; ALTER TABLE terms DROP COLUMN payload;")
    server.book.close()
    server.book = VaultBook(server.folder)
    server.look()
    assert len(breaches(server.folder)) == 1


def test_a_fingerprint_is_the_one_that_its_reporter_has() -> None:
    frames = tuple(wire.Frame(each.module, each.function) for each in FRAMES)
    said = wire.ErrorReport("StoreBusy", frames, "0.1.0", 1, 2, 1)
    body = msgspec.json.encode(wire.Batch(bytes(16), CONSENT, (said,)))
    (taken,) = ERRORS.read(body).reports.events
    assert isinstance(taken, ErrorCounted)
    assert vault.fingerprint(taken) == said.fingerprint
