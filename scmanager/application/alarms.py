"""Alarms: a process application that reads all this node stores, and notes in its owner's space what he must know.

It goes through the store in turns. What a turn says stands in one commit with the position of its cause: killed at
any moment, the node says each thing once. A hostile peer buys one line with each log that he forks, never more.
"""

from collections.abc import Callable
from typing import Any

import msgspec
from eventsourcing.application import ProcessingEvent

from scmanager.application.desk import ClockBehind, KeyMissing
from scmanager.application.keys import Keys
from scmanager.application.personal import own_space
from scmanager.application.seat import Seat
from scmanager.application.writer import Writer
from scmanager.domain.alarm import ForkSeen
from scmanager.domain.epoch import EPOCHS
from scmanager.eventstore import entry
from scmanager.eventstore.originators import Originators
from scmanager.eventstore.own_log import Secret
from scmanager.eventstore.processes import NodeProcess, Said
from scmanager.eventstore.recorded import Voice
from scmanager.eventstore.recorder import Recorder
from scmanager.eventstore.store import Store
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import AHEAD_US_MAX

TURN = 200
"""Events read before commands may go on."""


class ForkWatch(NodeProcess):
    """Says that a log signed two histories, when the first entry of the second is stored here."""

    name = "alarms"

    def __init__(self, recorder: Recorder, store: Store, space_of: Callable[[bytes], bytes]) -> None:
        """`space_of`: the space of a log."""
        super().__init__(recorder)
        self._store, self._space_of = store, space_of
        self._looked = self.reached + 1

    def policy(self, said: Said, processing: ProcessingEvent[Any]) -> None:  # noqa: ARG002 - where it lies is what counts
        """Look at all rows up to this event."""
        self.passed(processing)

    def passed(self, processing: ProcessingEvent[Any]) -> None:
        """Look at all rows up to here, those included that nobody here can read."""
        assert processing.tracking is not None
        pos = processing.tracking.notification_id + 1
        rows = self._store.tail(self._looked, pos - self._looked)
        self._looked = pos
        second: dict[bytes, bytes] = {}
        for row in rows:
            if row.branch:
                second.setdefault(row.log, row.data)
        for log, data in second.items():
            # By a name that no other writer can give: an entity's id may stand in anybody's events.
            name = f"fork of {log.hex()}"
            if not self.recorder.select_events(name, limit=1):
                alarm = ForkSeen(self._space_of(log), log)
                self.say(processing, name, ForkSeen.tag, msgspec.json.encode(alarm))
                processing.saved_kwargs.setdefault("cause", entry.parse(data).id32)


class Alarms:
    """Runs the watch in a node. One at a time."""

    def __init__(
        self,
        store: Store,
        originators: Originators,
        shelf: Shelf,
        writer: Writer,
        vault: Keys,
        clock_us: Callable[[], int],
        found: Callable[[], bytes],
    ) -> None:
        """`found`: makes the owner's space, which is asked for only when there is something to say."""
        self._store, self._originators = store, originators
        self._shelf, self._writer, self._vault = shelf, writer, vault
        self._clock_us, self._found = clock_us, found

    def run(self, stopping: Callable[[], bool] = lambda: False) -> None:
        """Read what came since, and say what it means, unless `stopping`. Commands wait for a turn at most.

        Raises LogInDoubt, KeyMissing, ClockBehind, Unavailable: what was not said then is said later.
        """
        own = self._own_space()
        if own is None:
            return
        with self._writer.pen(own) as seat:
            recorder = self._recorder(seat)
        recorder.select_notifications(None, 0)  # Takes note of what arrived while commands go on: it may be much.
        while not stopping() and self._turn(own):
            pass

    def _own_space(self) -> bytes | None:
        """None while nothing is to be said, or nobody let us speak there yet."""
        with self._shelf.lock:
            spaces = self._shelf.spaces()
            own = own_space(self._shelf, self._store, self._vault)
            alarming = any(each.forks() for each in spaces)
        if own is None:
            return self._found() if alarming else None
        return own if self._writer.seat_log(own) is not None else None

    def _turn(self, own_space: bytes) -> bool:
        with self._writer.pen(own_space) as seat:
            return ForkWatch(self._recorder(seat), self._store, self._space_of).turn(TURN)

    def _recorder(self, seat: Seat) -> Recorder:
        return Recorder(self._store, self._originators, seat.log, self._voice(seat))

    def _space_of(self, log: bytes) -> bytes:
        return next(head.space for head in self._store.heads() if head.log == log)

    def _voice(self, seat: Seat) -> Voice:
        space = seat.space
        epochs: Any = space.state(EPOCHS, space.id[:16])
        key_id = epochs.writing
        key = seat.keys.get(key_id) if key_id else None
        if key is None:
            raise KeyMissing
        secret = Secret(key_id, key)
        now = self._clock_us()
        if space.hlc > now + AHEAD_US_MAX:
            raise ClockBehind
        return Voice(seat.grant.id, secret, secret, self._vault.get, lambda: max(now, space.hlc))
