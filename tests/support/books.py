"""An organisation's life as real commands, and its read models; without a node's folders where they do not matter."""

import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg

from scmanager.application import organisations
from scmanager.application.desk import Desk
from scmanager.application.founding import Founding
from scmanager.application.writer import Command, Result, Writer
from scmanager.domain import character, contact, fleet, hangar, member, negotiation, operation_planning, squadron
from scmanager.domain.catalogue import (
    CHARACTERS,
    CONTACTS,
    FLEETS,
    FOLDS,
    MEMBERS,
    OPERATIONS,
    SHIPS,
    SQUADRONS,
    TREATIES,
)  # fmt: skip
from scmanager.domain.diplomacy import Side
from scmanager.domain.operation_parts import Window
from scmanager.domain.ship_events import Owner, OwnerKind, Source
from scmanager.domain.treaty_events import Kind
from scmanager.eventstore.entry import RecoveryKeys, parse
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.parts import bound_key, key_id
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.store import Row, Store
from scmanager.projections.generation import TABLES
from scmanager.projections.runner import Projector
from scmanager.runtime import clock_us
from scmanager.spaces.shelf import Shelf


class MemoryKeys:
    """The vault in memory."""

    def __init__(self) -> None:
        self._keys: dict[bytes, tuple[bytes, bytes, bytes]] = {}
        self._logs: dict[bytes, tuple[bytes, bytes]] = {}
        self._erased: set[bytes] = set()

    def get(self, wanted: bytes) -> bytes | None:
        held = self._keys.get(wanted)
        return held[2] if held else None

    def held(self, wanted: bytes) -> tuple[bytes, bytes] | None:
        held = self._keys.get(wanted)
        return held[1:] if held else None

    def keys_of(self, space: bytes, subject: bytes | None = b"") -> tuple[bytes, ...]:
        found = (k for k, held in self._keys.items() if held[0] == space and subject in {None, held[1]})
        return tuple(sorted(found))

    def subjects(self, space: bytes) -> dict[bytes, bytes]:
        return {key_id: held[1] for key_id, held in self._keys.items() if held[0] == space}

    def is_erased(self, key_id: bytes) -> bool:
        return key_id in self._erased

    def put_new(self, space: bytes, made: Iterable[tuple[bytes, bytes]]) -> None:
        bound = ((subject, bound_key(space, subject, secret)) for subject, secret in made)
        self._keys.update((key_id(key), (space, subject, key)) for subject, key in bound)

    def put_log(self, log: bytes, space: bytes, seed: bytes) -> None:
        self._logs[log] = (space, seed)

    def log_seed(self, log: bytes) -> bytes | None:
        held = self._logs.get(log)
        return held[1] if held else None

    def logs_of(self, space: bytes) -> tuple[bytes, ...]:
        return tuple(log for log, held in self._logs.items() if held[0] == space)

    def erase(self, key_ids: Iterable[bytes]) -> tuple[bytes, ...]:
        gone = tuple(each for each in key_ids if self._keys.pop(each, None))
        self._erased.update(gone)
        return gone


class Books:
    """One installation in memory that founded an organisation and commands it."""

    def __init__(self, title: str = "Nova", handle: str = "ada", store: Store | None = None) -> None:
        self.store, self.keys = MemoryStore() if store is None else store, MemoryKeys()
        self.shelf = Shelf(self.store, FOLDS, self.keys.get, clock_us, self.keys.subjects)
        self.writer = Writer(self.store, self.shelf, self.keys, clock_us, secrets.token_bytes)
        self.writer.start()
        self.space = b""
        key = SigningKey.generate()
        result = self.writer.do(
            Founding(
                secrets.token_bytes(16),
                "org",
                key,
                secrets.token_bytes(32),
                RecoveryKeys(1, (SigningKey.generate().public,)),
                secrets.token_bytes(32),
                secrets.token_bytes(32),
                lambda desk: organisations.found(desk, title=title, handle=handle, display_name=handle.title()),
            )
        )
        self.space = bytes.fromhex(result["space"])
        self.founder = self.space[:16]

    def do(self, act: Callable[[Desk], Any]) -> Result:
        """One command that may answer nothing."""
        return self.writer.do(Command(secrets.token_bytes(16), self.space, lambda desk: act(desk) or {}))

    def projector(self, conninfo: str) -> Projector:
        return Projector(self.shelf, self.store, self.keys.held, conninfo, self.keys.logs_of)


@contextmanager
def books(title: str = "Nova", handle: str = "ada", store: Store | None = None) -> Iterator[Books]:
    """Books whose writer ends with the block."""
    made = Books(title, handle, store)
    try:
        yield made
    finally:
        made.writer.stop()


# What members do, by name


def record(handle: str, new: bytes) -> Callable[[Desk], None]:
    return lambda desk: desk.decide(MEMBERS, new, member.record, new, handle, handle.title())


def add_ship(new: bytes, model: str = "drak_cutlass_black", owner: bytes = b"") -> Callable[[Desk], None]:
    def act(desk: Desk) -> None:
        whose = Owner(OwnerKind.MEMBER, owner or desk.me)
        desk.decide(SHIPS, new, hangar.add, desk.me, model, Source.TYPED, None, whose)

    return act


def name_ship(ship: bytes, nickname: str) -> Callable[[Desk], None]:
    return lambda desk: desk.decide(SHIPS, ship, hangar.name, desk.me, nickname)


def form_fleet(new: bytes, title: str) -> Callable[[Desk], None]:
    return lambda desk: desk.decide(FLEETS, new, fleet.form, title)


def form_squadron(new: bytes, title: str, within: bytes | None = None) -> Callable[[Desk], None]:
    return lambda desk: desk.decide(SQUADRONS, new, squadron.form, title, within)


def plan(new: bytes, title: str, starts: int, ends: int, zone: str = "UTC") -> Callable[[Desk], None]:
    return operate(new, operation_planning.plan, title, Window(starts, ends, zone))


def operate(operation: bytes, decide: Callable[..., Any], *arguments: Any) -> Callable[[Desk], None]:
    return lambda desk: desk.decide(OPERATIONS, operation, decide, *arguments)


def record_contact(new: bytes, title: str) -> Callable[[Desk], None]:
    return lambda desk: desk.decide(CONTACTS, new, contact.record, title, desk.space.id)


def agree(new: bytes, with_: bytes, kind: Kind = Kind.NON_AGGRESSION, **times: int) -> Callable[[Desk], None]:
    """A treaty that both sides said yes to."""

    def act(desk: Desk) -> None:
        said = negotiation.Times(**times)
        now = 1_000  # Long ago: what is over by now could be signed then.
        desk.decide(
            TREATIES, new, negotiation.propose, with_, kind, f"Pact {new[0]}", "No shots.", Side.US, said, now
        )
        desk.decide(TREATIES, new, negotiation.sign, None, now)
        desk.decide(TREATIES, new, negotiation.claim_acceptance, None, "Their envoy.", now)

    return act


def show_character(new: bytes, name: str, occupation: str = "") -> Callable[[Desk], None]:
    words = character.CharacterSheet(name, occupation)
    return lambda desk: desk.decide(CHARACTERS, new, character.share, desk.me, character.Copy(words), None)


# Reading


def dump(conninfo: str, schema: str = "scm_read") -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table, sorted: equal dumps are equal read models."""
    with psycopg.connect(conninfo) as connection:
        return {
            table: sorted(connection.execute(f"SELECT * FROM {schema}.{table}").fetchall(), key=repr)
            for table in TABLES
        }


def one(conninfo: str, query: str, *values: Any) -> Any:
    """The one row of a query, as a tuple; None when there is none."""
    with psycopg.connect(conninfo) as connection:
        return connection.execute(query, values).fetchone()


# A finished history, arriving again in another order


class Replayed:
    """A store that holds rows as they arrive. The part of the protocol that followers use."""

    def __init__(self, parts: Mapping[bytes, bytes]) -> None:
        self.rows: list[Row] = []
        self._parts = parts
        self.fail_at = -1
        """Raise at this many calls of `parts` from now: a crash in the middle of a batch."""
        self.withheld: set[bytes] = set()
        """Entries, by id32, whose parts have not come."""
        self._late = 0

    def arrive(self, rows: Sequence[Row]) -> None:
        for row in rows:
            self.rows.append(Row(len(self.rows) + 1, row.log, row.branch, row.data, row.shared))

    def tail(self, after: int, limit: int) -> Sequence[Row]:
        return self.rows[after : after + limit]

    def read(self, log: bytes, branch: int, first: int, limit: int) -> Sequence[Row]:
        return [row for row in self.rows if row.log == log and row.branch == branch][first : first + limit]

    def parts(self, positions: Iterable[int]) -> Mapping[tuple[int, int], bytes]:
        self.fail_at -= 1
        if self.fail_at == 0:
            raise Crash
        ids = {pos: parse(self.rows[pos - 1].data).id32 for pos in positions}
        found = {pos: self._parts.get(id32) for pos, id32 in ids.items() if id32 not in self.withheld}
        return {(pos, 1): stored for pos, stored in found.items() if stored is not None}

    def bring_parts(self) -> None:
        """What was withheld comes."""
        self._late += len(self.withheld)
        self.withheld.clear()

    def late_parts(self, space: bytes) -> int:
        return self._late

    def last_pos(self) -> int:
        return len(self.rows)


class Crash(Exception):
    """The process ended here."""


class History:
    """All rows of a store with their parts and keys, so that it can be replayed."""

    def __init__(self, store: Any, held: Callable[[bytes], tuple[bytes, bytes] | None]) -> None:
        """`held`: a key with whose it is, as in the vault."""
        self.rows = list(store.tail(0, 1_000_000))
        self.held = held
        held = store.parts([row.pos for row in self.rows])
        self.parts = {parse(row.data).id32: held[row.pos, 1] for row in self.rows if (row.pos, 1) in held}

    def key_of(self, wanted: bytes) -> bytes | None:
        held = self.held(wanted)
        return held[1] if held else None

    def store(self) -> Replayed:
        return Replayed(self.parts)
