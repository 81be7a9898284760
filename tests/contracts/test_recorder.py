"""The recorder beside everything else that writes to a store."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import UUID, uuid4

import msgspec
import pytest
from eventsourcing.persistence import (
    DataError,
    IntegrityError,
    OperationalError,
    ProgrammingError,
    StoredEvent,
    Tracking,
)

from scmanager.eventstore import content, entry, parts, verification
from scmanager.eventstore.content import Shared
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.originators import MemoryOriginators, NameTaken, Noted, Originators, SqliteOriginators
from scmanager.eventstore.originators_postgres import PostgresOriginators
from scmanager.eventstore.own_log import Draft, OwnLog, Secret
from scmanager.eventstore.postgres import PostgresStore
from scmanager.eventstore.recorded import STORED
from scmanager.eventstore.recorder import TAIL, Recorder
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.store import Store
from tests.support.auditing import ESCALATED, ESCALATIONS, NOTED, REFUSED, TRAIL, AuditTrail
from tests.support.auditing import opened as at
from tests.support.forked import unmeasured
from tests.support.library import OWN_KEY, SPACE_KEY, found_log, recorder_on, voice_of

SHIP = UUID(int=7)


@pytest.fixture(params=["memory", "sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Store, Originators]]:
    if request.param == "memory":
        yield MemoryStore(), MemoryOriginators()
        return
    if request.param == "postgres":
        shared = PostgresStore(request.getfixturevalue("writer_dsn"))
        yield shared, PostgresOriginators(shared)
        shared.close()
        return
    store = SqliteStore(tmp_path / "store.db")
    yield store, SqliteOriginators(store)
    store.close()


def event(version: int, tag: str = "ship.moved/1", state: bytes = b'{"to":"Area18"}', of: UUID = SHIP) -> StoredEvent:
    return StoredEvent(of, version, tag, state)


def opened(store: Store, recorder: Recorder, pos: int) -> tuple[entry.Entry, Shared]:
    row = store.tail(pos - 1, 1)[0]
    one = entry.parse(row.data)
    plain = parts.unseal(SPACE_KEY.key, recorder._log.head.public, one.seq, 0, row.shared)
    shared = content.read(plain)
    assert shared is not None
    return one, shared


def draft(entity: UUID, tag: str, payload: bytes = b"{}", key: Secret | None = SPACE_KEY) -> Draft:
    shared = Shared(tag, bytes(32), bytes(16), b"", entity.bytes, (), msgspec.Raw(payload))
    return Draft(content.encode(shared), key)


def write(store: Store, log: OwnLog, *drafts: Draft) -> None:
    for each in drafts:
        log.add(each, log.hlc + 1)
    batch = log.commit()
    store.append(batch)
    log.committed(batch)


def admit(store: Store, elsewhere: Store, log: OwnLog) -> None:
    rows = elsewhere.read(log.head.log, 0, 0, 1000)
    held = elsewhere.parts(row.pos for row in rows)
    every = [
        ({0: row.shared} if row.shared else {}) | {n: data for (pos, n), data in held.items() if pos == row.pos}
        for row in rows
    ]
    note = elsewhere.note(log.head.log, 0, log.head.size)
    assert note
    start = verification.start_of(rows[0].data)
    store.admit(verification.verify(start, [row.data for row in rows], every, note))


def test_an_event_of_ours_is_written_as_what_it_is(place: tuple[Store, Originators]) -> None:
    store, originators = place
    recorder = recorder_on(store, originators)
    recorder.insert_events([event(1), event(2)], command=b"c" * 16, cause=b"e" * 32)
    first, shared = opened(store, recorder, 2)
    assert (shared.type, shared.entity, bytes(shared.payload)) == ("ship.moved/1", SHIP.bytes, b'{"to":"Area18"}')
    assert (shared.command, shared.cause, shared.saw) == (b"c" * 16, b"e" * 32, ())
    assert len(first.parts) == 1
    _, second = opened(store, recorder, 3)
    assert second.saw == (first.id32,)
    recorder.insert_events([event(3)])
    assert opened(store, recorder, 4)[1].saw == (opened(store, recorder, 3)[0].id32,)
    assert opened(store, recorder, 4)[1].command not in {b"c" * 16, bytes(16)}


def test_bytes_of_the_library_are_sealed_apart_and_can_be_erased(place: tuple[Store, Originators]) -> None:
    store, originators = place
    recorder = recorder_on(store, originators)
    recorder.insert_events([event(1, "some.module:Some.Class", b"\xff\x00")])
    assert recorder.select_events(SHIP) == [event(1, "some.module:Some.Class", b"\xff\x00")]
    _, shared = opened(store, recorder, 2)
    assert (shared.type, bytes(shared.payload)) == (STORED, b"{}")
    store.erase([OWN_KEY.id])
    assert recorder.select_events(SHIP) == [event(1, STORED, b"{}")]


def test_a_payload_that_nobody_could_read_is_refused(place: tuple[Store, Originators]) -> None:
    store, originators = place
    recorder = recorder_on(store, originators)
    for bad in (b"", b"[]", b'{"a": 1}', b'{"a":1.5}', b'{"a":1,"a":1}', b'{},"more":{}'):
        with pytest.raises(DataError):
            recorder.insert_events([event(1), event(2, state=bad)])
    assert store.last_pos() == 1
    assert recorder.insert_events([event(1)]) == [1]


def test_what_is_refused_leaves_neither_entries_nor_names_nor_tracking(place: tuple[Store, Originators]) -> None:
    store, originators = place
    recorder = recorder_on(store, originators)
    recorder.insert_events([event(1)], tracking=Tracking("up", 5))
    refused = [StoredEvent("by-name", 1, "t", b""), event(1)]
    with pytest.raises(IntegrityError):
        recorder.insert_events(refused, tracking=Tracking("up", 6))
    with pytest.raises(IntegrityError):
        recorder.insert_events([StoredEvent("by-name", 1, "t", b"")], tracking=Tracking("up", 5))
    assert recorder.max_tracking_id("up") == 5
    assert originators.entity("by-name") is None
    assert store.last_pos() == 2
    assert recorder.insert_events([event(2)], tracking=Tracking("up", 6)) == [2]


def test_events_that_came_another_way_are_notifications_too(place: tuple[Store, Originators]) -> None:
    """Own commands, and a foreign log: each event takes its entity's next version as it arrives."""
    store, originators = place
    recorder = recorder_on(store, originators)
    recorder.insert_events([event(1)])
    write(store, recorder._log, draft(SHIP, "ship.lost/1"))
    elsewhere = MemoryStore()
    theirs = found_log(elsewhere, SigningKey(b"\4" * 32), recorder._log.head.space)
    write(elsewhere, theirs, draft(SHIP, "ship.found/1", b'{"by":1}'), draft(SHIP, "ship.sold/1"))
    admit(store, elsewhere, theirs)
    found = recorder.select_notifications(None, 100)
    assert [(each.id, each.originator_id, each.originator_version, each.topic) for each in found] == [
        (1, SHIP, 1, "ship.moved/1"),
        (2, SHIP, 2, "ship.lost/1"),
        (4, SHIP, 3, "ship.found/1"),  # 3 is the foreign log's entry 0
        (5, SHIP, 4, "ship.sold/1"),
    ]
    assert [each.originator_version for each in recorder.select_events(SHIP, gt=1, desc=True)] == [4, 3, 2]
    with pytest.raises(IntegrityError):
        recorder.insert_events([event(4)])
    assert recorder.insert_events([event(5)]) == [6]


def test_what_comes_in_while_a_commit_is_made_is_passed_over_by_nobody(
    place: tuple[Store, Originators], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, originators = place
    recorder = recorder_on(store, originators)
    recorder.insert_events([event(1)])
    elsewhere = MemoryStore()
    theirs = found_log(elsewhere, SigningKey(b"\4" * 32), recorder._log.head.space)
    write(elsewhere, theirs, draft(SHIP, "ship.found/1"))
    append = store.append

    def late(*arguments: object) -> int:
        admit(store, elsewhere, theirs)
        return append(*arguments)  # type: ignore[arg-type]  # passed through

    monkeypatch.setattr(store, "append", late)
    assert recorder.insert_events([event(2)]) == [4]
    found = recorder.select_notifications(None, 100)
    assert [(each.id, each.originator_version) for each in found] == [(1, 1), (3, 3), (4, 2)]


def test_a_reader_passes_over_nothing_that_comes_in_while_it_reads(
    place: tuple[Store, Originators], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, originators = place
    recorder = recorder_on(store, originators)
    recorder.insert_events([event(1)])
    catch_up = recorder._catch_up
    late = iter([draft(SHIP, "ship.lost/1")])

    def overtaken() -> int:
        """Just after it looked, one event comes another way and the recorder itself writes the next."""
        done = catch_up()
        for each in late:
            write(store, recorder._log, each)
            with monkeypatch.context() as patch:
                patch.setattr(recorder, "_catch_up", lambda: done)
                recorder.insert_events([event(2)])
        return done

    monkeypatch.setattr(recorder, "_catch_up", overtaken)
    reached = 0
    seen = []
    for _ in range(2):
        for each in recorder.select_notifications(reached, 100, inclusive_of_start=False):
            seen.append(each.topic)
            reached = each.id
    assert seen == ["ship.moved/1", "ship.lost/1", "ship.moved/1"]


def test_a_subscriber_misses_nothing_between_its_first_look_and_its_first_wait(
    place: tuple[Store, Originators], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, originators = place
    recorder = recorder_on(store, originators)
    listen = recorder.listen

    def late(listener: threading.Event) -> None:
        time.sleep(0.1)  # The first look is over.
        recorder.insert_events([event(1)])
        listen(listener)

    monkeypatch.setattr(recorder, "listen", late)
    with recorder.subscribe() as following:
        threading.Timer(20, following.stop).start()
        assert next(following).id == 1


def test_what_is_sealed_for_others_or_malformed_is_no_notification(place: tuple[Store, Originators]) -> None:
    store, originators = place
    recorder = recorder_on(store, originators)
    other = Secret.of(b"\x09" * 32)
    write(store, recorder._log, draft(SHIP, "a.secret/1", key=other), Draft(b"junk", SPACE_KEY), draft(SHIP, "a.b/1"))
    assert [(each.id, each.topic) for each in recorder.select_notifications(None, 9)] == [(3, "a.b/1")]


def test_a_stranger_cannot_make_the_library_import_anything(place: tuple[Store, Originators]) -> None:
    store, originators = place
    elsewhere = MemoryStore()
    mine = recorder_on(store, originators)
    theirs = found_log(elsewhere, SigningKey(b"\4" * 32), mine._log.head.space)
    stranger = Recorder(elsewhere, MemoryOriginators(), theirs, voice_of(theirs))
    stranger.insert_events([event(1, "os:system", b"{}")])
    admit(store, elsewhere, theirs)
    assert [each.topic for each in mine.select_notifications(None, 9)] == [STORED]


def test_a_private_table_that_was_lost_is_made_again_from_the_entries(place: tuple[Store, Originators]) -> None:
    store, originators = place
    recorder = recorder_on(store, originators)
    recorder.insert_events([event(1), event(2), event(1, of=TRAIL)])
    before = recorder.select_notifications(None, 9)
    again = Recorder(store, MemoryOriginators(), recorder._log, voice_of(recorder._log))
    assert again.select_notifications(None, 9) == before


def test_a_log_that_somebody_else_has_grown_is_not_written(place: tuple[Store, Originators]) -> None:
    store, originators = place
    one = recorder_on(store, originators)
    other = recorder_on(store, originators)
    one.insert_events([event(1)])
    with pytest.raises(OperationalError):
        other.insert_events([event(2)])
    assert one.insert_events([event(2)]) == [2]
    one._log.add(draft(SHIP, "a.b/1"), one._log.hlc + 1)
    with pytest.raises(ProgrammingError):
        one.insert_events([event(3)])


def test_a_subscriber_hears_of_what_came_another_way(place: tuple[Store, Originators]) -> None:
    """Own commands and what was admitted wake it; nobody has to tell it."""
    store, originators = place
    recorder = recorder_on(store, originators)
    elsewhere = MemoryStore()
    theirs = found_log(elsewhere, SigningKey(b"\4" * 32), recorder._log.head.space)
    write(elsewhere, theirs, draft(SHIP, "ship.found/1"))
    with recorder.subscribe(topics=["ship.lost/1", "ship.found/1"]) as following:
        threading.Timer(20, following.stop).start()
        recorder.insert_events([event(1)])
        time.sleep(0.2)  # Its first look is over.
        write(store, recorder._log, draft(SHIP, "ship.lost/1"))
        assert next(following).id == 2
        admit(store, elsewhere, theirs)
        assert next(following).id == 4
    assert len(recorder._listeners) == 0


def test_nobody_waits_for_a_store_to_which_nobody_listens(place: tuple[Store, Originators]) -> None:
    store, originators = place
    recorder = recorder_on(store, originators)
    for _ in range(2):
        with recorder.subscribe() as following:
            threading.Timer(20, following.stop).start()
            recorder.insert_events([event(store.last_pos())])
            assert next(following).id == 1
    deadline = time.monotonic() + 5
    while recorder._listeners._thread and time.monotonic() < deadline:
        time.sleep(0.05)
    assert recorder._listeners._thread is None


def refusals(store: Store, recorder: Recorder, count: int, members: int = 2) -> None:
    """What the node's commands wrote: refusals, among other things."""
    log = recorder._log
    drafts = []
    for n in range(count):
        member = n % members
        payload = json.dumps({"member": member, "n": n}, separators=(",", ":")).encode()
        drafts += [draft(UUID(int=100 + member), REFUSED, payload), draft(SHIP, "ship.moved/1")]
    write(store, log, *drafts)


def noted(recorder: Recorder) -> list[int]:
    return [json.loads(each.state)["n"] for each in recorder.select_events(TRAIL)]


def test_a_process_writes_what_follows_from_events_once(place: tuple[Store, Originators]) -> None:
    store, originators = place
    recorder = recorder_on(store, originators)
    refusals(store, recorder, 12)
    trail = AuditTrail(recorder)
    trail.catch_up()
    trail.catch_up()
    AuditTrail(recorder).catch_up()
    assert noted(recorder) == list(range(12))
    assert len(recorder.select_events(ESCALATIONS)) == 4
    assert {each.topic for each in recorder.select_events(TRAIL)} == {NOTED}
    assert {each.topic for each in recorder.select_events(ESCALATIONS)} == {ESCALATED}


def test_what_a_process_writes_names_its_cause(place: tuple[Store, Originators]) -> None:
    store, originators = place
    recorder = recorder_on(store, originators)
    refusals(store, recorder, 1)
    AuditTrail(recorder).catch_up()
    cause, _ = opened(store, recorder, 2)
    assert opened(store, recorder, store.last_pos())[1].cause == cause.id32
    assert recorder.max_tracking_id(TAIL + "AuditTrail") == 2  # The event after it told nothing.


def test_two_processes_keep_their_own_places(place: tuple[Store, Originators]) -> None:
    class Other(AuditTrail):
        def say(self, processing: object, entity: object, tag: str, payload: bytes) -> None:
            super().say(processing, uuid4(), "other." + tag, payload)  # type: ignore[arg-type]  # passed through

    store, originators = place
    recorder = recorder_on(store, originators)
    refusals(store, recorder, 3)
    AuditTrail(recorder).catch_up()
    Other(recorder).catch_up()
    topics = [each.topic for each in recorder.select_notifications(None, 100)]
    assert topics.count(NOTED) == topics.count("other." + NOTED) == 3


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.services)])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Of an event store that processes can open one after the other."""
    return request.getfixturevalue("writer_dsn") if request.param == "postgres" else str(tmp_path / "store.db")


@contextmanager
def standing(address: str) -> Iterator[tuple[Store, Recorder]]:
    store, originators = at(address)
    try:
        yield store, recorder_on(store, originators)
    finally:
        store.close()


@pytest.mark.slow
@pytest.mark.parametrize("lives", [[1, 2, 5, 9], [3] * 8, [7, 1, 1, 30]])
def test_a_process_killed_and_started_again_writes_each_thing_once(address: str, lives: list[int]) -> None:
    """Each life is killed after it has said so many times that an event is recorded; the last one finishes."""
    with standing(address) as (store, recorder):
        refusals(store, recorder, 150)
    so_far = []
    for patience in [*lives, 1000]:
        program = [sys.executable, "-m", "tests.support.auditing", address]
        with subprocess.Popen(
            program, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=unmeasured()
        ) as life:
            assert life.stdout
            for count, line in enumerate(life.stdout, 1):
                if count == patience or line == "done\n":
                    break
            life.kill()
        with standing(address) as (_, recorder):
            so_far.append(noted(recorder))
    assert 0 < len(so_far[0]) < 150, "the first life was to end in the middle"
    assert all(after == list(range(len(after))) for after in so_far)
    with standing(address) as (_, recorder):
        assert noted(recorder) == list(range(150))
        assert len(recorder.select_events(ESCALATIONS)) == 2 * (75 // 3)
        assert (recorder.max_tracking_id(TAIL + "AuditTrail") or 0) >= 1 + 2 * 149


@pytest.mark.services
def test_machines_that_share_a_store_write_what_follows_once_between_them(writer_dsn: str) -> None:
    """Each writes a log of its own; who tracks a position second records nothing, and goes on behind it."""
    with standing(writer_dsn) as (one, mine), standing(writer_dsn) as (other, _):
        log = found_log(other, SigningKey(b"\4" * 32), mine._log.head.space)
        theirs = Recorder(other, PostgresOriginators(other), log, voice_of(log))  # type: ignore[arg-type]  # it is
        refusals(one, mine, 30)

        def machine(recorder: Recorder) -> None:
            deadline = time.monotonic() + 30
            while (recorder.max_tracking_id(TAIL + "AuditTrail") or 0) < 59 and time.monotonic() < deadline:
                with suppress(IntegrityError, OperationalError):
                    AuditTrail(recorder).catch_up()

        machines = [threading.Thread(target=machine, args=(each,)) for each in (mine, theirs)]
        for each in machines:
            each.start()
        for each in machines:
            each.join()
        assert noted(mine) == noted(theirs) == list(range(30))
        assert len(mine.select_events(ESCALATIONS)) == 2 * (15 // 3)


def test_a_name_that_another_writer_gave_first_is_not_given_again(place: tuple[Store, Originators]) -> None:
    store, originators = place
    recorder = recorder_on(store, originators)
    recorder.insert_events([StoredEvent("by-name", 1, "a.b/1", b"{}")])
    with pytest.raises(NameTaken):
        store.private(
            lambda handle, newest: originators.record(handle, newest + 1, Noted((), {b"e" * 16: "by-name"}))
        )
    assert originators.name(b"e" * 16) is None


@pytest.mark.parametrize("after_commit", [False, True])
def test_a_commit_lost_or_done_but_not_acknowledged_is_made_good(
    place: tuple[Store, Originators], monkeypatch: pytest.MonkeyPatch, *, after_commit: bool
) -> None:
    """The two ways in which a write step breaks; a process started again knows which it was."""
    store, originators = place
    recorder = recorder_on(store, originators)
    refusals(store, recorder, 5)
    append = store.append
    calls = iter(range(100))

    def broken(*arguments: object) -> int:
        if next(calls) != 2:
            return append(*arguments)  # type: ignore[arg-type]  # passed through
        if after_commit:
            append(*arguments)  # type: ignore[arg-type]  # passed through
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "append", broken)
    with pytest.raises(KeyboardInterrupt):
        AuditTrail(recorder).catch_up()
    recorder = recorder_on(store, originators)
    AuditTrail(recorder).catch_up()
    assert noted(recorder) == list(range(5))
