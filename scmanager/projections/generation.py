"""A generation: one schema with all read models in it, and how far they are. The live one is named `scm_read`."""

from collections.abc import Iterable, Mapping
from functools import cache
from hashlib import sha3_256
from importlib import resources
from typing import Any

import msgspec
import psycopg

from scmanager.domain.event import Id32
from scmanager.projections import audit
from scmanager.projections.gathering import MODELS, Recorded

LIVE = "scm_read"
CHANNEL = "scm_changes"
"""NOTIFY: `{"space": hex, "tables": [...], "pos": n}` as JSON, in the transaction that changed them."""

NAMES = (*(model.name for model in MODELS), audit.NAME)
TABLES: Mapping[str, str] = {table.name: model.name for model in MODELS for table in model.tables} | {
    audit.NAME: audit.NAME
}
"""Every table with rows of entries or entities, and the read model it belongs to."""

MODULUS = 2**64
GROWN_BY_ENTRIES = 1_000
GROWN_TIMES = 1.5

Connection = psycopg.Connection[tuple[Any, ...]]


class Progress(msgspec.Struct, frozen=True):
    """How far a generation is."""

    pos: int
    generation: int
    fingerprints: Mapping[str, str]
    digests: Mapping[str, int]
    clean_up_due: bool


def statement(text: str, schema: str, table: str = "", entity: str = "") -> bytes:
    """SQL with its names filled in. Names come from this package, never from outside."""
    filled = text.replace("{schema}", f'"{schema}"').replace("{table}", table).replace("{entity}", entity)
    return filled.encode()


def create(connection: Connection, schema: str, generation: int, *, indices: bool) -> None:
    """Make a generation's tables, empty. A rebuild adds the indices afterwards."""
    connection.execute(statement("DROP SCHEMA IF EXISTS {schema} CASCADE", schema))
    connection.execute(statement("CREATE SCHEMA {schema}", schema))
    for name in (*NAMES, "progress"):
        tables, _ = _sql(name)
        connection.execute(statement(tables, schema))
    entered = "INSERT INTO {schema}.progress (model, pos, generation, fingerprint, digest) VALUES (%s, 0, %s, %s, 0)"
    for name in NAMES:
        connection.execute(statement(entered, schema), (name, generation, fingerprint(name)))
    if indices:
        for name in NAMES:
            index(connection, schema, name)


def index(connection: Connection, schema: str, model: str) -> None:
    """Add a read model's keys and indices."""
    connection.execute(statement(_sql(model)[1], schema))


def analyse(connection: Connection, schema: str) -> None:
    """Count what the planner goes by. Without it a query on tables that grew may take fifty times as long."""
    for table in TABLES:
        connection.execute(statement("ANALYZE {schema}.{table}", schema, table))


def has_outgrown(connection: Connection, schema: str, pos: int) -> bool:
    """Whether there is so much more by now than when the planner's numbers were counted last.

    The server counts by itself too, but wakes for that every few minutes only.
    """
    found = connection.execute("SELECT reltuples FROM pg_class WHERE oid = to_regclass(%s)", (f'"{schema}".audit',))
    row = found.fetchone()
    return bool(row) and pos > GROWN_BY_ENTRIES + GROWN_TIMES * max(float(row[0]) if row else 0.0, 0.0)


def exists(connection: Connection, schema: str) -> bool:
    """Whether there is such a generation."""
    found = connection.execute("SELECT to_regclass(%s) IS NOT NULL", (f'"{schema}".progress',)).fetchone()
    return bool(found and found[0])


def progress(connection: Connection, schema: str, *, lock: bool = False) -> Progress:
    """How far it is; the slowest read model counts, though they move together."""
    query = "SELECT model, pos, generation, fingerprint, digest, clean_up_due FROM {schema}.progress"
    rows = connection.execute(statement(query + (" ORDER BY model FOR UPDATE" if lock else ""), schema)).fetchall()
    return Progress(
        min((row[1] for row in rows), default=0),
        max((row[2] for row in rows), default=0),
        {row[0]: row[3] for row in rows},
        {row[0]: int(row[4]) for row in rows},
        any(row[5] for row in rows),
    )


def recorded(connection: Connection, schema: str, space: Id32) -> Recorded:
    """What was projected of one space."""
    audited = connection.execute(
        statement("SELECT count(*), coalesce(sum(pos), 0) FROM {schema}.audit WHERE space = %s", schema), (space,)
    ).fetchone() or (0, 0)
    void = connection.execute(
        statement("SELECT pos, reason, cause FROM {schema}.audit WHERE space = %s AND NOT valid", schema), (space,)
    )
    unread = "SELECT id FROM {schema}.member WHERE space = %(s)s AND 'not-here' IN (profile_words, note_words)"
    unread += " UNION SELECT id FROM {schema}.ship WHERE space = %(s)s AND nickname_words = 'not-here'"
    unread += " UNION SELECT id FROM {schema}.organisation WHERE space = %(s)s AND description_words = 'not-here'"
    unread += " UNION SELECT id FROM {schema}.persona WHERE space = %(s)s AND words = 'not-here'"
    unread += " UNION SELECT persona FROM {schema}.persona_sheet WHERE space = %(s)s AND words = 'not-here'"
    unread += " UNION SELECT operation FROM {schema}.operation_text WHERE space = %(s)s AND words = 'not-here'"
    unread += " UNION SELECT thing FROM {schema}.document WHERE space = %(s)s AND body_words = 'not-here'"
    unread += " UNION SELECT thing FROM {schema}.contest_value WHERE space = %(s)s AND words_open = 'not-here'"
    unread += " UNION SELECT id FROM {schema}.audit_event WHERE space = %(s)s AND words = 'not-here'"
    unread += " UNION SELECT id FROM {schema}.contact WHERE space = %(s)s AND note_words = 'not-here'"
    unread += " UNION SELECT treaty FROM {schema}.treaty_version WHERE space = %(s)s"
    unread += " AND (terms_words = 'not-here' OR evidence_words <> 'none')"  # One may be here, another not.
    waiting = connection.execute(statement(unread, schema), {"s": space})
    return Recorded(
        int(audited[0]),
        int(audited[1]),
        {pos: (reason, cause or b"") for pos, reason, cause in void},
        frozenset(row[0] for row in waiting),
    )


def positions(connection: Connection, schema: str, space: Id32) -> frozenset[int]:
    """The positions of all audit rows of one space."""
    rows = connection.execute(statement("SELECT pos FROM {schema}.audit WHERE space = %s", schema), (space,))
    return frozenset(row[0] for row in rows)


def newest_entry(connection: Connection, schema: str) -> tuple[int, Id32] | None:
    """The entry of the last audit row: (pos, id32); None when there is none."""
    query = "SELECT newest, entry FROM {schema}.frontier ORDER BY newest DESC LIMIT 1"
    row = connection.execute(statement(query, schema)).fetchone()
    return (row[0], row[1]) if row else None


def digest(connection: Connection, schema: str, model: str) -> int:
    """The sum of the hashes of all rows of a read model, modulo 2^64, counted anew."""
    total = 0
    for seed, table in enumerate(_tables(model)):
        query = "SELECT coalesce(sum(hash_record_extended(t, %s)), 0) FROM {schema}.{table} t"
        row = connection.execute(statement(query, schema, table), (seed,)).fetchone()
        total += int(row[0]) if row else 0
    return total % MODULUS


def digests(connection: Connection, schema: str) -> dict[str, int]:
    """Of every read model."""
    return {name: digest(connection, schema, name) for name in NAMES}


def seed_of(table: str) -> int:
    """What tells tables of one model apart in its digest."""
    return list(_tables(TABLES[table])).index(table)


def _tables(model: str) -> Iterable[str]:
    return (table for table, owner in TABLES.items() if owner == model)


@cache
def fingerprint(model: str) -> str:
    """Of the code that makes a read model's rows: its module and SQL, and all that judges and folds."""
    hashed = sha3_256()
    root = resources.files("scmanager")
    for package in ("domain", "spaces", "master_ledger"):
        for file in sorted(root.joinpath(package).iterdir(), key=lambda each: each.name):
            if file.name.endswith(".py"):
                hashed.update(file.read_bytes())
    for name in (
        f"{model}.py",
        f"sql/{model}.sql",
        "sql/progress.sql",
        "copy_text.py",
        "read_model.py",
        "gathering.py",
        "matching.py",
    ):
        hashed.update(root.joinpath("projections").joinpath(*name.split("/")).read_bytes())
    return hashed.hexdigest()[:32]


def _sql(name: str) -> tuple[str, str]:
    text = resources.files("scmanager.projections").joinpath("sql", f"{name}.sql").read_text("utf-8")
    tables, _, indices = text.partition("-- indices\n")
    return tables, indices
