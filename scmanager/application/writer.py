"""The writer decides: commands queue, one thread decides them in turn and commits all that have gathered at once.

One transaction, one signed note and one fsync serve every command that waited (DESIGN 4). A refused command leaves
no trace; a command sent twice returns its first outcome; an answer goes out only after COMMIT returned. Once taken
up a command cannot be cancelled, and every future ends, whatever breaks.
"""

import contextlib
import queue
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import msgspec

from scmanager.application.continuing import Continuation
from scmanager.application.desk import Desk, NotAMember
from scmanager.application.founding import Founding
from scmanager.application.keys import FreshKeys, Keys
from scmanager.application.personal import spaces_written
from scmanager.application.recalling import recalled
from scmanager.application.seat import Seat
from scmanager.domain.records import Grant
from scmanager.errors import Unavailable
from scmanager.eventstore.own_log import Head, OwnLog
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.store import Outcome, Row, Store
from scmanager.spaces.opening import parse_row
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space

BATCH_COMMANDS_MAX = 512

Result = dict[str, Any]
"""What a command answers: ids as hex text, small numbers, enums. Never words about a person."""

Act = Callable[[Desk], Result]


class NodeStopping(Unavailable):
    """The node is stopping and takes no more commands."""

    code = "node-stopping"
    hint = "Nothing was recorded. Send the command again when the node runs."


class Command(msgspec.Struct, frozen=True):
    """Something a member wants done in one space."""

    id: bytes
    """16 bytes chosen by the sender; the same id twice is the same command."""
    space: bytes
    act: Act


class LogInDoubt(Unavailable):
    """The log that this device wrote in the space may be written elsewhere too: it is not written any more."""

    code = "log-in-doubt"
    hint = "Restart the node: it goes on in a log of its own."


class NodeAstray(Unavailable):
    """What was recorded last could not be taken into this node's picture of its spaces."""

    code = "node-astray"
    hint = "Nothing is lost. Restart the node: it reads everything anew."


AnyCommand = Command | Founding | Continuation


class _Waiting(msgspec.Struct):
    command: AnyCommand
    answer: Future[Result]
    result: Result = {}
    outcome: bytes = b""
    """The result as the store keeps it."""

    @property
    def name(self) -> tuple[bytes, bytes]:
        """What makes two commands one: ids are unique in a space, and of foundings in the node."""
        return (b"" if isinstance(self.command, Founding) else self.command.space, self.command.id)

    def fail(self, error: BaseException) -> None:
        """End it, if it has not ended."""
        if not self.answer.done():
            self.answer.set_exception(error)


class Writer:
    """Owns every log this installation writes. `submit` from any thread; `stop` finishes what was taken."""

    def __init__(
        self, store: Store, shelf: Shelf, keys: Keys, clock_us: Callable[[], int], entropy: Callable[[int], bytes]
    ) -> None:
        self._store, self._shelf, self._keys = store, shelf, keys
        self._clock_us, self._entropy = clock_us, entropy
        self._seats: dict[bytes, Seat] = {}
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._stopping = False
        self._door = threading.Lock()
        """Nothing is queued behind the end."""
        self._astray = False
        self.doubtful: set[bytes] = set()
        """Logs that another process may write too, after a restore or a copy: never written again."""
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self.commits = 0
        """Transactions so far; for measurements."""

    def start(self) -> None:
        """Begin to take commands."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what waits, then end."""
        with self._door:
            self._stopping = True
            self._queue.put(None)
        if self._thread.is_alive():
            self._thread.join()
        self._refuse_waiting()

    def submit(self, command: AnyCommand) -> Future[Result]:
        """Queue a command; the future ends after its commit, or with what refused it."""
        answer: Future[Result] = Future()
        with self._door:
            if self._stopping:
                answer.set_exception(NodeStopping())
            else:
                self._queue.put(_Waiting(command, answer))
        return answer

    @property
    def running(self) -> bool:
        """Whether it takes commands."""
        return self._thread.is_alive() and not self._stopping

    def do(self, command: AnyCommand) -> Result:
        """Submit and wait. Raises what refused the command."""
        return self.submit(command).result()

    def seat_log(self, space: bytes) -> bytes | None:
        """The log we would write in a space, in doubt or not; None when we have no seat there."""
        with self._shelf.lock:
            found = self._seated(space)
        return found[0].log if found else None

    def in_doubt(self, log: bytes) -> bool:
        """Whether this log of ours must not be written any more: it has been forked, or may be."""
        return log in self.doubtful or any(head.log == log and head.branch for head in self._store.heads())

    def member(self, space: bytes) -> bytes:
        """As whom we act in a space. Raises NotAMember."""
        return self.grant(space).member

    def grant(self, space: bytes) -> Grant:
        """By which grant we act in a space. Raises NotAMember."""
        with self._shelf.lock:
            found = self._seated(space)
        if found is None:
            raise NotAMember
        return found[2]

    def forget_seats(self) -> None:
        """Grants or logs changed from outside: look anew at where we speak from."""
        with self._shelf.lock:
            self._seats.clear()

    @contextlib.contextmanager
    def pen(self, space: bytes) -> Iterator[Seat]:
        """Our seat in a space, for who writes our log beside the commands. They wait meanwhile: be brief.

        What was stored is taken in afterwards. Raises NoSuchSpace, NotAMember, LogInDoubt, NodeAstray.
        """
        with self._shelf.lock:
            if self._astray:
                raise NodeAstray
            seat = self._seat(space)
            try:
                yield seat
            finally:
                self._shelf.follow()

    # The thread

    def _run(self) -> None:
        try:
            while (first := self._queue.get()) is not None:
                self._serve(first)
        finally:
            with self._door:
                self._stopping = True  # Also when something broke: nobody may wait for an answer that never comes.
            self._refuse_waiting()

    def _refuse_waiting(self) -> None:
        with contextlib.suppress(queue.Empty):
            while True:
                waiting = self._queue.get_nowait()
                if waiting is not None:
                    waiting.fail(NodeStopping())

    def _serve(self, first: _Waiting) -> None:
        """Decide commands until none waits, or one changed who may do what; then commit them together."""
        decided: dict[tuple[bytes, bytes], _Waiting] = {}  # By name: a twin is met before its outcome is recorded.
        following: _Waiting | None = first
        taken = 0
        with self._shelf.lock:
            self._shelf.time_passed()
            while following is not None:
                taken += 1
                if decided and not isinstance(following.command, Command):
                    self._commit(decided)  # What brings a seat of its own starts from what is committed.
                    decided = {}
                governs = self._decide(following, decided)
                if governs or taken >= BATCH_COMMANDS_MAX:
                    break
                following = self._next()
            self._commit(decided)

    def _next(self) -> _Waiting | None:
        try:
            following = self._queue.get_nowait()
        except queue.Empty:
            return None
        if following is None:
            self._queue.put(None)  # The end stays at the end.
        return following

    def _decide(self, waiting: _Waiting, decided: dict[tuple[bytes, bytes], _Waiting]) -> bool:
        """True when the batch must be committed before anything else is decided."""
        command = waiting.command
        desk: Desk | None = None
        if not waiting.answer.set_running_or_notify_cancel():
            return False  # Its sender went away before it was taken up; from here on he cannot.
        try:
            if self._astray:
                raise NodeAstray
            known = self._known(command)
            if known is not None:
                waiting.answer.set_result(known)
                return False
            if (twin := decided.get(waiting.name)) is not None:
                twin.answer.add_done_callback(lambda first: _pass_on(first, waiting.answer))
                return False
            seat = self._seat_for(command)
            desk = Desk(seat, command.id, self._clock_us(), self._entropy, self.own_spaces, self._store.parts)
            if not isinstance(command, Command):
                command.open(desk, self._keys)
                self._seats[seat.space.id] = seat
            waiting.result = {**command.act(desk), "space": seat.space.id.hex()}
            waiting.outcome = msgspec.json.encode(waiting.result)
            desk.accept()
        except BaseException as error:  # noqa: BLE001 - the sender gets it, whatever it is; the writer goes on
            if desk is not None:
                self._take_back(desk, command)
            waiting.fail(error)
            return False
        decided[waiting.name] = waiting
        return desk.governs

    def _take_back(self, desk: Desk, command: AnyCommand) -> None:
        desk.refuse()
        if not isinstance(command, Command):
            self._seats.pop(desk.space.id, None)

    def _known(self, command: AnyCommand) -> Result | None:
        """The first outcome of a command that one of our logs has recorded; of one that came back, told anew."""
        for space, logs in self._logs_to_ask(command).items():
            for log in logs:
                outcome = self._store.outcome(log, command.id)
                if outcome is not None:
                    result: Result = msgspec.json.decode(outcome)
                    return result
            if back := self.doubtful.intersection(logs):
                told = recalled(self._shelf.space(space), back, command.id)
                if told is not None:
                    return told
        return None

    def _logs_to_ask(self, command: AnyCommand) -> dict[bytes, tuple[bytes, ...]]:
        """Our logs that may hold it, by space."""
        if isinstance(command, Founding):
            own = {space.id: self._keys.logs_of(space.id) for space in self._shelf.spaces()}
            return {space: (space,) for space, logs in own.items() if space in logs}
        return {command.space: self._keys.logs_of(command.space)}

    def _seat_for(self, command: AnyCommand) -> Seat:
        if not isinstance(command, Command):
            return command.seat(self._shelf, self._keys, self._clock_us(), self._entropy)
        return self._seat(command.space)

    def own_spaces(self) -> list[Space]:
        """Those that this installation writes in as what they are. Call it under the shelf's lock."""
        return list(spaces_written(self._shelf, self._store, self._keys))

    def _seat(self, space_id: bytes) -> Seat:
        seat = self._seats.get(space_id)
        if seat is None or (seat.rulings != seat.space.rulings and not seat.log.added):
            seat = self._seats[space_id] = self._find_seat(space_id)
        return seat

    def _find_seat(self, space_id: bytes) -> Seat:
        """Raises NotAMember, LogInDoubt."""
        found = self._seated(space_id)
        if found is None:
            raise NotAMember
        head, seed, grant = found
        if self.in_doubt(head.log):
            raise LogInDoubt
        keys = FreshKeys(space_id, self._keys, self._entropy)
        return Seat(self._shelf.space(space_id), OwnLog(head, SigningKey(seed)), grant, keys)

    def _seated(self, space_id: bytes) -> tuple[Head, bytes, Grant] | None:
        """Our newest log in the space that a standing grant lets speak: head, seed, grant.

        A log that another of ours continues is never written again, whatever the clocks of both say.
        """
        space = self._shelf.space(space_id)
        own = set(self._keys.logs_of(space_id))
        standings = sorted(space.grants(), key=lambda each: each.grant.rank)
        continued = {old for log in own if (old := self._continued(log)) is not None}
        heads = [head for head in self._store.heads(space_id) if head.log in own - continued]
        for head in sorted(heads, key=lambda head: head.hlc, reverse=True):
            seed = self._keys.log_seed(head.log)
            standing = next((each for each in standings if each.speaks(head.log)), None)
            if seed and standing:
                return head, seed, standing.grant
        return None

    def _continued(self, log: bytes) -> bytes | None:
        """The log that this one continues. Read from the store: a log that is held for the clock counts here too."""
        first = self._store.read(log, 0, 0, 1)
        genesis = parse_row(first[0]).genesis if first else None
        return genesis.continues.log if genesis and genesis.continues else None

    def _commit(self, decided: dict[tuple[bytes, bytes], _Waiting]) -> None:
        for seat in [each for each in self._seats.values() if each.log.added]:
            mine = [waiting for waiting in decided.values() if waiting.result.get("space") == seat.space.id.hex()]
            try:
                self._commit_seat(seat, mine)
            except Exception as error:  # noqa: BLE001 - every sender gets it; the writer goes on
                self._give_up(seat, mine, error)
        for waiting in decided.values():
            if not waiting.answer.done():
                waiting.answer.set_result(waiting.result)

    def _commit_seat(self, seat: Seat, mine: list[_Waiting]) -> None:
        batch = seat.log.commit()
        seat.keys.keep()
        last = self._store.append(batch, [Outcome(each.command.id, each.outcome) for each in mine])
        self.commits += 1
        seat.log.committed(batch)
        seat.settle()
        first = last - len(batch.sealed) + 1
        rows = [
            Row(first + i, batch.head.log, batch.head.branch, one.entry.data, one.parts[0] if one.parts else b"")
            for i, one in enumerate(batch.sealed)
        ]
        self._take(rows)

    def _take(self, rows: list[Row]) -> None:
        """What is committed stays so: a picture that cannot follow stops the writer, and takes no answer back."""
        try:
            changes = self._shelf.take(rows, own=True)
        except Exception:  # noqa: BLE001 - whatever it is, deciding on would be deciding blindly
            self._astray = True
            self._seats.clear()
            return
        if any(change.governance for change in changes.values()):
            self._seats.clear()

    def _give_up(self, seat: Seat, mine: list[_Waiting], error: Exception) -> None:
        """Say to everybody who waited that it failed, and begin again from what the store holds."""
        seat.log.undo_to(0)
        seat.settle()
        self._seats.pop(seat.space.id, None)
        for waiting in mine:
            waiting.fail(error)
        with contextlib.suppress(Unavailable):  # After an unknown commit it may hold more than was taken in.
            self._shelf.follow()


def _pass_on(first: Future[Result], second: Future[Result]) -> None:
    """The same command was sent twice at once: both hear the one outcome."""
    error = first.exception()
    if error is not None:
        second.set_exception(error)
    else:
        second.set_result(first.result())
