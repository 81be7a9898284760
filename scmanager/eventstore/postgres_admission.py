"""Where a verified run goes in PostgreSQL, and the parts it brings for entries that are held.

Both ask on the writer's connection, while it holds the space's row.
"""

from collections.abc import Mapping, Sequence

import psycopg
from psycopg.types.numeric import Int8

from scmanager.eventstore import entry
from scmanager.eventstore.branches import Branch, Placement, place
from scmanager.eventstore.late_parts import lacking
from scmanager.eventstore.named_sql import load
from scmanager.eventstore.store import NotHeld
from scmanager.eventstore.verification import VerifiedRun

_SQL = load("postgres.sql")


def place_run(connection: psycopg.Connection, run: VerifiedRun) -> tuple[Placement, Mapping[int, Branch]]:
    """Where it goes, and the branches there are of its log. Raises NotHeld."""
    rows = connection.execute(_SQL["branches"], {"log": run.head.log}).fetchall()
    branches = {row[0]: Branch(*row) for row in rows}
    ids: dict[int, dict[int, bytes]] = {}

    def id_at(branch: int, seq: int) -> bytes | None:
        while seq < branches[branch].start:
            branch = branches[branch].parent
        if branch not in ids:
            arguments = {"log": run.head.log, "branch": Int8(branch)}
            span = {"first": Int8(run.after.size - 1), "end": Int8(run.head.size)}
            held = connection.execute(_SQL["entry_bytes"], arguments | span, binary=True).fetchall()
            ids[branch] = {found: entry.parse(data).id for found, data in held}
        return ids[branch].get(seq)

    placement = place(run, branches, id_at)
    if placement is None:
        raise NotHeld(log=run.head.log.hex()[:16], seq=run.after.size)
    return placement, branches


def add_late(connection: psycopg.Connection, run: VerifiedRun, where: Sequence[tuple[int, int, int]]) -> int:
    """Add the parts that entries in these spans lack; returns how many."""
    found: list[tuple[int, int, int | None]] = []
    for branch, first, end in where:
        span = {"branch": Int8(branch), "first": Int8(first), "end": Int8(end)}
        found += connection.execute(_SQL["held_parts"], {"log": run.head.log} | span).fetchall()
    late = lacking(run, found)
    if late:
        arguments = {
            "positions": [Int8(each.pos) for each in late],
            "numbers": [Int8(each.number) for each in late],
            "keys": [each.key for each in late],
            "bytes": [each.bytes for each in late],
        }
        connection.execute(_SQL["add_parts"], arguments)
    return len(late)
