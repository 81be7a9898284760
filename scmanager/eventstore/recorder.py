"""The `eventsourcing` library's ProcessRecorder over our store, for the node's process applications.

originator id = entity; originator version = the place in this node's order of arrival; notification id = pos - 1,
for a store's first entry always founds a log and is no event; tracking is recorded in the commit of the events.

- A topic that is an event type (`operation.planned/1`) is written as such, its state is the payload. Any other event
  is written as `recorder.stored/1`, its topic and bytes sealed in part 1; only those of one's own log are opened
  again, for the library imports what a topic names.
- All events of the store are notifications, whoever wrote them and by whichever way they came.
"""

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from os import urandom
from typing import Any
from uuid import UUID

import msgspec
from eventsourcing.persistence import (
    DataError,
    IntegrityError,
    ListenNotifySubscription,
    Notification,
    OperationalError,
    ProcessRecorder,
    ProgrammingError,
    StoredEvent,
    Subscription,
    Tracking,
)

from scmanager.errors import Conflict, Unavailable
from scmanager.eventstore import content, entry
from scmanager.eventstore.content import Shared
from scmanager.eventstore.following import Listeners
from scmanager.eventstore.originators import INDEXED, AlreadyTracked, Noted, Originators, VersionTaken
from scmanager.eventstore.own_log import Draft, OwnLog
from scmanager.eventstore.recorded import STORED, Reader, Voice, pack
from scmanager.eventstore.store import Row, Store

TAIL = "tail:"
"""Begins the names under which process applications follow this node's own store, each under its own."""

PAGE = 500
_FIRST_EVENT = 1
"""pos - notification id."""
_TAG = re.compile(r"[a-z][a-z0-9-]*(\.[a-z0-9-]+)+/[1-9][0-9]*", re.ASCII)


class Recorder(ProcessRecorder):
    """See the module. `writing` is the lock of whoever else adds to the same log."""

    def __init__(
        self, store: Store, originators: Originators, log: OwnLog, voice: Voice, writing: Any = None
    ) -> None:
        self._store, self._originators, self._log, self._voice = store, originators, log, voice
        self._writing = threading.RLock() if writing is None else writing
        self._reader = Reader(store, log.head.log, voice)
        self._listeners = Listeners(store)
        self._names: dict[bytes, UUID | str] = {}

    # Writing

    def insert_events(
        self,
        stored_events: Sequence[StoredEvent],
        *,
        tracking: Tracking | None = None,
        command: bytes | None = None,
        cause: bytes | None = None,
        **kwargs: Any,  # noqa: ARG002 - the library hands on whatever `save` was given
    ) -> list[int]:
        """Record events and tracking in one commit; returns their notification ids.

        `command` (16 bytes) and `cause` (id32) stand in each event; without them a fresh id, and the entry that
        `tracking` points to. Raises the library's IntegrityError, DataError or OperationalError, having recorded
        nothing.
        """
        with self._writing, _library_errors():
            self._catch_up()
            track = (tracking.application_name, tracking.notification_id) if tracking else None
            if not stored_events:
                noted = Noted(tracking=track)
                self._store.private(lambda handle, newest: self._originators.record(handle, newest + 1, noted))
                return []
            names: dict[bytes, str] = {}
            entities = [self._entity(event.originator_id, names) for event in stored_events]
            versions = [
                (entity, each.originator_version) for entity, each in zip(entities, stored_events, strict=True)
            ]
            cause = self._cause_of(tracking) if cause is None else cause
            said = (command or urandom(16), cause)
            newest = self._append(entities, stored_events, said, Noted(versions, names, track))
        return list(range(newest - len(stored_events) + 1 - _FIRST_EVENT, newest + 1 - _FIRST_EVENT))

    def _append(
        self, entities: list[bytes], events: Sequence[StoredEvent], said: tuple[bytes, bytes], noted: Noted
    ) -> int:
        log, count = self._log, len(events)
        if log.added:
            raise ProgrammingError("somebody else is adding to this log")
        heads: dict[bytes, bytes] = {}
        try:
            for entity, event in zip(entities, events, strict=True):
                saw = heads[entity] if entity in heads else self._newest_of(entity)
                draft = self._draft(entity, event, said, (saw,) if saw else ())
                sealed = log.add(draft, max(self._voice.clock(), log.hlc) + 1)
                heads[entity] = sealed.entry.id32
            batch = log.commit()
            newest = self._store.append(
                batch, (), lambda handle, newest: self._originators.record(handle, newest - count + 1, noted)
            )
        except BaseException:
            log.undo_to(0)
            raise
        log.committed(batch)
        return newest

    def _draft(self, entity: bytes, event: StoredEvent, said: tuple[bytes, bytes], saw: tuple[bytes, ...]) -> Draft:
        native = _TAG.fullmatch(event.topic) is not None
        tag, payload = (event.topic, event.state) if native else (STORED, b"{}")
        command, cause = said
        shared = Shared(tag, self._voice.grant, command, cause, entity, saw, msgspec.Raw(payload))
        try:
            plain = content.encode(shared)
        except ValueError as error:
            raise DataError(f"no payload of {tag}: {event.state[:200]!r}") from error
        personal = () if native else ((self._voice.own_key, pack((event.topic, event.state))),)
        return Draft(plain, self._voice.space_key, personal)

    def _entity(self, originator: UUID | str, names: dict[bytes, str]) -> bytes:
        if isinstance(originator, UUID):
            return originator.bytes
        known = self._originators.entity(originator) or next((e for e, n in names.items() if n == originator), None)
        if known is None:
            known = urandom(16)
            names[known] = originator
        return known

    def _newest_of(self, entity: bytes) -> bytes:
        """id32 of what this node received last about the entity; empty for nothing."""
        newest = self._originators.history(entity, None, None, 1, newest_first=True)
        return self._id32_at(newest[0].pos) if newest else b""

    def _cause_of(self, tracking: Tracking | None) -> bytes:
        if tracking is None or not tracking.application_name.startswith(TAIL):
            return b""
        return self._id32_at(tracking.notification_id + _FIRST_EVENT)

    def _id32_at(self, pos: int) -> bytes:
        rows = self._store.tail(pos - 1, 1)
        return entry.parse(rows[0].data).id32 if rows else b""

    def insert_tracking(self, tracking: Tracking) -> None:
        """Record a position alone. Raises IntegrityError unless it is greater than any before."""
        self.insert_events([], tracking=tracking)

    # Arrivals that came another way

    def _catch_up(self) -> int:
        """Give versions to all that is stored; returns the pos up to which they are given."""
        done = self._originators.tracked(INDEXED) or 0
        if self._store.last_pos() <= done:
            return done
        with self._writing:
            done = self._originators.tracked(INDEXED) or 0
            while rows := self._store.tail(done, PAGE):
                done = rows[-1].pos
                self._index(rows)
        return done

    def _index(self, rows: Sequence[Row]) -> None:
        opened = [(row.pos, self._reader.shared(row)) for row in rows]
        found = [(pos, shared.entity) for pos, shared in opened if shared]
        self._store.private(lambda handle, _: self._originators.index(handle, found, rows[-1].pos))

    # Reading

    def select_events(
        self,
        originator_id: UUID | str,
        *,
        gt: int | None = None,
        lte: int | None = None,
        desc: bool = False,
        limit: int | None = None,
    ) -> Sequence[StoredEvent]:
        """An entity's events by version."""
        with _library_errors():
            self._catch_up()
            if isinstance(originator_id, UUID):
                entity: bytes | None = originator_id.bytes
            else:
                entity = self._originators.entity(originator_id)
            if entity is None:
                return []
            arrivals = self._originators.history(entity, gt, lte, limit, newest_first=desc)
            return [
                StoredEvent(originator_id, arrival.version, topic, state)
                for arrival, topic, state in self._reader.events(
                    arrivals, self._reader.rows([each.pos for each in arrivals])
                )
            ]

    def select_notifications(
        self,
        start: int | None,
        limit: int,
        stop: int | None = None,
        topics: Sequence[str] = (),
        *,
        inclusive_of_start: bool = True,
    ) -> Sequence[Notification]:
        """Events in the order this node stored them."""
        with _library_errors():
            after = max(0, (start or 0) - (inclusive_of_start and start is not None)) + _FIRST_EVENT
            end = self._catch_up()
            end = end if stop is None else min(end, stop + _FIRST_EVENT)
            found: list[Notification] = []
            while after < end and len(found) < limit:
                upto = min(end, after + (PAGE if topics else limit - len(found)))
                found += [each for each in self._page(after, upto) if not topics or each.topic in topics]
                after = upto
            return found[:limit]

    def _page(self, after: int, upto: int) -> Iterator[Notification]:
        rows = {row.pos: row for row in self._store.tail(after, upto - after)}
        for arrival, topic, state in self._reader.events(self._originators.between(after, upto), rows):
            yield Notification(
                self._originator(arrival.entity), arrival.version, topic, state, arrival.pos - _FIRST_EVENT
            )

    def _originator(self, entity: bytes) -> UUID | str:
        if entity not in self._names:
            self._names[entity] = self._originators.name(entity) or UUID(bytes=entity)
        return self._names[entity]

    def max_notification_id(self) -> int | None:
        """The newest notification's id, None without any."""
        with _library_errors():
            return max(0, self._store.last_pos() - _FIRST_EVENT) or None

    def max_tracking_id(self, application_name: str) -> int | None:
        """How far a process has recorded that it read."""
        with _library_errors():
            return self._originators.tracked(application_name)

    # Following

    def subscribe(self, gt: int | None = None, topics: Sequence[str] = ()) -> Subscription["Recorder"]:
        """Notifications as they come, whoever stored them."""
        return _Following(self, gt, topics)

    def listen(self, listener: threading.Event) -> None:
        """Set this whenever something was stored."""
        self._listeners.add(listener)

    def unlisten(self, listener: threading.Event) -> None:
        """No longer. Harmless twice."""
        self._listeners.discard(listener)


class _Following(ListenNotifySubscription[Recorder]):
    def __init__(self, recorder: Recorder, gt: int | None, topics: Sequence[str]) -> None:
        super().__init__(recorder=recorder, gt=gt, topics=topics)
        recorder.listen(self._has_been_notified)
        self._has_been_notified.set()  # What came between the first look and now.

    def stop(self) -> None:
        super().stop()
        self._recorder.unlisten(self._has_been_notified)


@contextmanager
def _library_errors() -> Iterator[None]:
    """Our errors in the library's words."""
    try:
        yield
    except (VersionTaken, AlreadyTracked) as error:
        raise IntegrityError(str(error)) from error
    except (Conflict, Unavailable) as error:
        raise OperationalError(str(error)) from error
