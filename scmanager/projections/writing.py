"""Writing a batch: rows of touched entities out and in, position, digest and notification in one transaction.

One statement a table, whatever the number of rows. When the database refuses a value, the batch is tried again with
savepoints: only the entity that carries it has no rows then, and is listed in `poison`. What is merely away (the key
file, what reads documents, the database) fails the whole batch instead, so that nobody loses rows over it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager

import msgspec
import psycopg

from scmanager.domain.event import Id, Id32
from scmanager.errors import Conflict, Unavailable
from scmanager.eventstore.store import Store
from scmanager.projections import audit
from scmanager.projections.gathering import MODELS, Slice
from scmanager.projections.generation import (
    CHANNEL,
    MODULUS,
    NAMES,
    TABLES,
    Connection,
    digest,
    progress,
    seed_of,
    statement,
)
from scmanager.projections.read_model import Look, ReadModel, Row
from scmanager.spaces.documents import Documents
from scmanager.spaces.opening import WordKeyOf
from scmanager.spaces.space import Space

CHUNK_ENTRIES = 2_000
_UNWRITABLE = (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.ProgramLimitExceeded, UnicodeEncodeError)

Lines = tuple[Id, dict[str, str]]
"""An entity and its rows, as COPY lines by table."""


class ProjectedElsewhere(Conflict):
    """The read models are at position {pos}, which this node did not write."""

    code = "projected-elsewhere"
    hint = "Only one node may keep these read models. Give each node a database of its own."


class Batch:
    """One transaction's worth for one generation."""

    def __init__(
        self,
        connection: Connection,
        schema: str,
        store: Store,
        key_of: WordKeyOf,
        lock: AbstractContextManager[object],
        report: Callable[[int], None] = lambda _: None,
        documents: Documents | None = None,
    ) -> None:
        self._connection, self._schema = connection, schema
        self._store, self._key_of, self._lock = store, key_of, lock
        self._report, self._documents = report, documents
        self._sums: dict[str, int] = {}
        self._touched: dict[Id32, set[str]] = {}

    def write(self, slices: Sequence[Slice], before: int, pos: int, *, empty: bool = False) -> None:
        """Bring the generation from `before` to `pos`. `empty`: it has no rows yet, and no indices.

        Raises ProjectedElsewhere, psycopg.Error when the database is away, Unavailable when what rows need is.
        """
        try:
            self._attempt(slices, before, pos, empty=empty, wary=False)
        except _UNWRITABLE:
            self._attempt(slices, before, pos, empty=empty, wary=True)

    def _attempt(self, slices: Sequence[Slice], before: int, pos: int, *, empty: bool, wary: bool) -> None:
        self._sums = dict.fromkeys(NAMES, 0)
        self._touched = {}
        with self._connection.transaction():
            # Every look is by key; fresh tables have no statistics that would tell the planner so.
            self._connection.execute("SET LOCAL enable_seqscan = off")
            found = progress(self._connection, self._schema, lock=True)
            if found.pos != before:
                raise ProjectedElsewhere(pos=found.pos)
            for each in slices:
                self._write_entities(each, empty=empty, wary=wary)
                self._write_audit(each, before, empty=empty, wary=wary)
                self._record_frontier(each, pos)
            self._record(found.digests, pos, empty=empty, clean=any(each.words for each in slices) and not empty)
            self._notify(pos)

    # Entities

    def _write_entities(self, piece: Slice, *, empty: bool, wary: bool) -> None:
        wanted = [opened.pos for opened, _, _ in piece.scene.words.values()]
        look = Look(piece.scene, self._store.parts(wanted) if wanted else {}, self._key_of, self._documents)
        for model in MODELS:
            entities = piece.models[model.name]
            if not entities:
                continue
            poison: dict[Id, str] = {}
            made = list(_made(model, look, entities, poison))
            for table in model.tables:
                if not empty:
                    self._delete(table.name, table.entity, piece.space.id, entities)
                self._copy_entities(table.name, made, poison, wary=wary)
            for table in model.tables:
                self._drop(table.name, table.entity, piece.space.id, list(poison))
                if not empty:
                    self._add_entities(table.name, table.entity, piece.space.id, entities)
            self._note_poison(model.name, piece.space.id, entities, poison)

    def _delete(self, table: str, entity: str, space: Id32, entities: Sequence[Id] | Sequence[int]) -> None:
        query = (
            "WITH gone AS (DELETE FROM {schema}.{table} t WHERE space = %s AND {entity} = ANY(%b)"
            " RETURNING hash_record_extended(t, %s) AS hash) SELECT coalesce(sum(hash), 0), count(*) FROM gone"
        )
        gone = self._ask(query, table, entity, (space, entities, seed_of(table)))
        self._sums[TABLES[table]] -= gone[0]
        if gone[1]:
            self._touched.setdefault(space, set()).add(table)

    def _drop(self, table: str, entity: str, space: Id32, poisoned: Sequence[Id]) -> None:
        """What is poison in one table of a read model has no rows in the others either."""
        if poisoned:
            query = "DELETE FROM {schema}.{table} WHERE space = %s AND {entity} = ANY(%b)"
            self._connection.execute(statement(query, self._schema, table, entity), (space, poisoned))

    def _add_entities(self, table: str, entity: str, space: Id32, entities: Sequence[Id]) -> None:
        query = (
            "SELECT coalesce(sum(hash_record_extended(t, %s)), 0), count(*) FROM {schema}.{table} t"
            " WHERE space = %s AND {entity} = ANY(%b)"
        )
        came = self._ask(query, table, entity, (seed_of(table), space, entities))
        self._sums[TABLES[table]] += came[0]
        if came[1]:
            self._touched.setdefault(space, set()).add(table)

    def _copy_entities(self, table: str, made: Sequence[Lines], poison: dict[Id, str], *, wary: bool) -> None:
        here = [(entity, lines[table]) for entity, lines in made if table in lines and entity not in poison]
        if here and wary:
            poison.update(self._halved(table, (), here))
        elif here:
            self._stream(table, (), here)

    def _note_poison(self, model: str, space: Id32, entities: Sequence[Id], poison: Mapping[Id, str]) -> None:
        self._connection.execute(
            statement(
                "DELETE FROM {schema}.poison WHERE model = %s AND space = %s AND entity = ANY(%b)", self._schema
            ),
            (model, space, entities),
        )
        for entity, error in poison.items():
            self._connection.execute(
                statement("INSERT INTO {schema}.poison VALUES (%s, %s, %s, %s)", self._schema),
                (model, space, entity, error),
            )

    # The audit trail

    def _write_audit(self, piece: Slice, before: int, *, empty: bool, wary: bool) -> None:
        entries = piece.entries
        if not entries:
            return
        old = [each.pos for each in entries if each.pos <= before]
        if old:
            self._delete(audit.NAME, "pos", piece.space.id, old)
        if wary:
            self._copy_audit_warily(piece)
        else:
            with self._copying(audit.NAME, audit.COLUMNS) as copy:
                for text in self._audit_chunks(piece):
                    copy.write(text)  # The server reads while the next chunk is spelt.
        if not empty:
            self._add_audit(piece.space, old, before)

    def _audit_chunks(self, piece: Slice) -> Iterator[str]:
        for start in range(0, len(piece.entries), CHUNK_ENTRIES):
            chunk = piece.entries[start : start + CHUNK_ENTRIES]
            with self._lock:
                text = audit.lines(piece.space, chunk)
            yield text
            self._report(len(chunk))

    def _copy_audit_warily(self, piece: Slice) -> None:
        for text in self._audit_chunks(piece):
            rows = [(line.partition("\t")[0].encode(), f"{line}\n") for line in text.split("\n") if line]
            for pos, error in self._halved(audit.NAME, audit.COLUMNS, rows):
                self._note_poison(audit.NAME, piece.space.id, [pos], {pos: error})

    def _add_audit(self, space: Space, old: Sequence[int], before: int) -> None:
        query = "SELECT coalesce(sum(hash_record_extended(t, 0)), 0) FROM {schema}.{table} t WHERE space = %s AND "
        self._sums[audit.NAME] += self._ask(query + "pos > %s", audit.NAME, "", (space.id, before))[0]
        if old:
            self._sums[audit.NAME] += self._ask(query + "pos = ANY(%b)", audit.NAME, "", (space.id, old))[0]
        self._touched.setdefault(space.id, set()).add(audit.NAME)

    # The transaction's own records

    def _record_frontier(self, piece: Slice, pos: int) -> None:
        last = piece.entries[-1] if piece.entries else None
        query = (
            "INSERT INTO {schema}.frontier AS f VALUES (%s, %s, %s, %s, %s) ON CONFLICT (space) DO UPDATE"
            " SET frontier = excluded.frontier, pos = excluded.pos,"
            " newest = greatest(f.newest, excluded.newest),"
            " entry = CASE WHEN excluded.newest > f.newest THEN excluded.entry ELSE f.entry END"
        )
        newest = (last.pos, last.entry.id32) if last else (0, b"")
        self._connection.execute(statement(query, self._schema), (piece.space.id, piece.frontier, pos, *newest))

    def _record(self, before: Mapping[str, int], pos: int, *, empty: bool, clean: bool) -> None:
        query = (
            "UPDATE {schema}.progress SET pos = %s, digest = %s, recorded_at = clock_timestamp(),"
            " clean_up_due = clean_up_due OR %s WHERE model = %s"
        )
        for name in NAMES:
            total = digest(self._connection, self._schema, name) if empty else before[name] + self._sums[name]
            self._connection.execute(statement(query, self._schema), (pos, total % MODULUS, clean, name))

    def _notify(self, pos: int) -> None:
        for space, tables in self._touched.items():
            payload = msgspec.json.encode({"space": space.hex(), "tables": sorted(tables), "pos": pos}).decode()
            self._connection.execute("SELECT pg_notify(%s, %s)", (CHANNEL, payload))

    # The database

    def _ask(self, query: str, table: str, entity: str, values: tuple[object, ...]) -> tuple[int, ...]:
        row = self._connection.execute(statement(query, self._schema, table, entity), values).fetchone()
        return tuple(int(value) for value in row or ())

    def _halved(
        self, table: str, columns: Sequence[str], rows: Sequence[tuple[bytes, str]]
    ) -> list[tuple[bytes, str]]:
        """Put in what the database takes; the rest, with why it refused it."""
        try:
            with self._connection.transaction():
                self._stream(table, columns, rows)
        except _UNWRITABLE as error:
            if len(rows) == 1:
                return [(rows[0][0], type(error).__name__)]
            middle = len(rows) // 2
            return self._halved(table, columns, rows[:middle]) + self._halved(table, columns, rows[middle:])
        return []

    def _stream(self, table: str, columns: Sequence[str], rows: Sequence[tuple[bytes, str]]) -> None:
        with self._copying(table, columns) as copy:
            copy.write("".join([line for _, line in rows]))

    def _copying(self, table: str, columns: Sequence[str] = ()) -> AbstractContextManager[psycopg.Copy]:
        names = f"({', '.join(columns)})" if columns else ""
        query = statement(f"COPY {{schema}}.{{table}} {names} FROM STDIN", self._schema, table)
        return self._connection.cursor().copy(query)


def _made(model: ReadModel, look: Look, entities: Sequence[Id], poison: dict[Id, str]) -> Iterator[Lines]:
    """Each entity's rows; what raises is poison for this entity alone. Raises Unavailable: it says nothing of one."""
    for entity in entities:
        lines: dict[str, str] = {}
        try:
            rows: list[Row] = list(model.rows(look, entity))
        except (Unavailable, psycopg.Error):
            raise
        except Exception as error:  # noqa: BLE001 - a value nobody foresaw must not stop the others
            poison[entity] = type(error).__name__
            continue
        for table, line in rows:
            lines[table] = lines.get(table, "") + line
        if lines:
            yield entity, lines


def poisoned(connection: Connection, schema: str) -> list[tuple[str, Id32, bytes, str]]:
    """What has no rows: (read model, space, entity, why)."""
    query = "SELECT model, space, entity, error FROM {schema}.poison ORDER BY model, space, entity"
    return connection.execute(statement(query, schema)).fetchall()
