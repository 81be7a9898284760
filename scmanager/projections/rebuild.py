"""Rebuild: a generation made anew beside the live one, compared, and switched to by renaming. Reads never stop.

The live one is renamed away in the same transaction and kept for `roll_back` until the next rebuild or clean-up.
Who makes, drops or brings back generations does it alone, under an advisory lock that ends with its connection.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec
import psycopg

from scmanager.errors import Conflict, Unavailable
from scmanager.projections import generation
from scmanager.projections.following import Following
from scmanager.projections.generation import LIVE, NAMES, Connection, statement

_LOCK_TIMEOUT = "200ms"
_ATTEMPTS = 50
_LOCK: Final = 0x5CA1AB1F

_GENERATIONS = (
    "SELECT nspname FROM pg_namespace WHERE nspname ~ '^scm_read_g[0-9]+$' ORDER BY length(nspname), nspname"
)


class SwitchBlocked(Unavailable):
    """The rebuilt read models could not be switched to: somebody holds a lock on the old ones."""

    code = "read-models-switch-blocked"
    hint = "End long transactions on the read models and rebuild again. Reading goes on with the old ones."


class RebuildUnderWay(Conflict):
    """The read models are being rebuilt already, or cleaned of words that were erased."""

    code = "read-models-rebuild-under-way"
    hint = "Wait a moment. After a rebuild all read models are new; after an erasure ask again."


class Step(msgspec.Struct, frozen=True):
    """How far a rebuild is, for a progress bar."""

    phase: str
    """`fill`, `index`, `compare`, `switch` or `done`."""
    done: int
    total: int


Report = Callable[[Step], None]


class Rebuilt(msgspec.Struct, frozen=True):
    """What came of it."""

    pos: int
    generation: int
    differing: tuple[str, ...]
    """Read models whose live rows were not what they should have been, though made by the same code: an alarm."""


def quietly(_: Step) -> None:
    """Report to nobody."""


@contextmanager
def alone(connection: Connection) -> Iterator[None]:
    """While nobody else, of any process, makes or drops generations of this database. Raises RebuildUnderWay."""
    row = connection.execute("SELECT pg_try_advisory_lock(%s::bigint)", (_LOCK,)).fetchone()
    if not row or not row[0]:
        raise RebuildUnderWay
    try:
        yield
    finally:
        if not connection.closed:
            connection.execute("SELECT pg_advisory_unlock(%s::bigint)", (_LOCK,))


def build(following: Following, connection: Connection, number: int, report: Report) -> None:
    """Fill, index and analyse a generation of this number that nobody reads yet."""
    with connection.transaction():
        generation.create(connection, following.schema, number, indices=False)
        following.fill(connection, lambda done, total: report(Step("fill", done, total)))
        for place, name in enumerate(NAMES):
            report(Step("index", place, len(NAMES)))
            generation.index(connection, following.schema, name)
    generation.analyse(connection, following.schema)


def differing(connection: Connection, schema: str) -> tuple[str, ...]:
    """The read models whose live rows, or the digest kept of them, differ from the shadow's.

    Only those made by the same code count: other code may well make other rows.
    """
    if not generation.exists(connection, LIVE):
        return ()
    live, shadow = generation.progress(connection, LIVE), generation.progress(connection, schema)
    if live.pos != shadow.pos:
        return ()
    same_code = [name for name in NAMES if live.fingerprints.get(name) == shadow.fingerprints[name]]
    return tuple(
        name
        for name in same_code
        if not live.digests[name] == generation.digest(connection, LIVE, name) == shadow.digests[name]
    )


def switch(connection: Connection, schema: str) -> None:
    """Make this generation the live one, and keep the one before. Raises SwitchBlocked."""
    for _ in range(_ATTEMPTS):
        try:
            with connection.transaction():
                connection.execute(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'".encode())
                if generation.exists(connection, LIVE):
                    old = generation.progress(connection, LIVE).generation
                    _rename(connection, LIVE, shadow_name(old))
                _rename(connection, schema, LIVE)
        except psycopg.errors.LockNotAvailable:
            time.sleep(0.05)
        else:
            return
    raise SwitchBlocked


def roll_back(connection: Connection) -> bool:
    """Switch to the newest generation that was kept; False when there is none."""
    kept = kept_generations(connection)
    if not kept or not generation.exists(connection, LIVE):
        return False
    switch(connection, kept[-1])
    return True


def kept_generations(connection: Connection) -> list[str]:
    """The schemas of generations that are not live, oldest first."""
    return [str(row[0]) for row in connection.execute(_GENERATIONS.encode())]


def forget(connection: Connection, *, but: str = "") -> None:
    """Drop the generations that are not live, all but one."""
    for schema in kept_generations(connection):
        if schema != but:
            connection.execute(statement("DROP SCHEMA {schema} CASCADE", schema))


def next_number(connection: Connection) -> int:
    """The number of a generation to be made now."""
    numbers = [int(schema.removeprefix(shadow_name(""))) for schema in kept_generations(connection)]
    if generation.exists(connection, LIVE):
        numbers.append(generation.progress(connection, LIVE).generation)
    return max(numbers, default=0) + 1


def shadow_name(number: int | str) -> str:
    """The schema of a generation that is not live."""
    return f"{LIVE}_g{number}"


def _rename(connection: Connection, schema: str, name: str) -> None:
    connection.execute(statement(f'ALTER SCHEMA {{schema}} RENAME TO "{name}"', schema))
