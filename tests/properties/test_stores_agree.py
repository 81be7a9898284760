"""Memory, SQLite and PostgreSQL are one store in three places: whatever is asked, in any order, they answer alike."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from scmanager.errors import ScManagerError
from scmanager.eventstore.filling import drain, take_in
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.own_log import Batch, Head, OwnLog, Secret, empty_head
from scmanager.eventstore.pending import Bounds, PendingRun
from scmanager.eventstore.postgres import PostgresStore
from scmanager.eventstore.postgres_install import Roles, install
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.store import Outcome, Store
from tests.support.pieces import piece
from tests.support.stores import PASSWORD, copy_of, draft, dsn_of, genesis, run_from, signing_key

SUBJECTS = [Secret.of(bytes([n]) * 32) for n in (1, 2)]
small = st.integers(0, 4)
steps = st.lists(
    st.one_of(
        st.tuples(st.just("append"), small, small, small),
        st.tuples(st.just("grow"), small, small, small),
        st.tuples(st.just("fork"), small, small, small),
        st.tuples(st.just("admit"), small, small, small),
        st.tuples(st.just("piece"), small, small, small),
        st.tuples(st.just("erase"), small, small, small),
    ),
    min_size=4,
    max_size=25,
)


class Lineage:
    """One line of commits of one log, as one of its machines has written it."""

    def __init__(self, log: OwnLog, batches: list[Batch]) -> None:
        self.log, self.batches = log, batches

    def after(self, count: int) -> Head:
        """The head that the first `count` commits reach."""
        head = self.log.head
        return self.batches[count - 1].head if count else empty_head(head.space, head.log, head.public)

    def write(self, entries: int, subject: int) -> Batch:
        for n in range(entries):
            self.log.add(draft("x", b"words" if n % 2 else None, SUBJECTS[subject % 2]), self.log.hlc + 1)
        return self.log.commit()

    def keep(self, batch: Batch) -> None:
        self.log.committed(batch)
        self.batches.append(batch)


class World:
    """The same requests to every store; each answer must be the same."""

    def __init__(self, stores: list[Store]) -> None:
        self.stores = stores
        self.lines: list[Lineage] = []
        for seed in (1, 2):
            key = signing_key(seed)
            log = OwnLog.found(genesis(key), key, hlc=10)
            batch = log.commit()
            log.committed(batch)
            self.lines.append(Lineage(log, [batch]))
        self.ask("append", self.lines[0].batches[0])

    def ask(self, method: str, *arguments: Any) -> Any:
        answers = [answer(store, method, *arguments) for store in self.stores]
        assert all(each == answers[0] for each in answers), (method, answers)
        return answers[0]

    def step(self, kind: str, a: int, b: int, c: int) -> None:
        line = self.lines[a % len(self.lines)]
        if kind == "append":
            batch = line.write(b + 1, c)
            got = self.ask("append", batch, [Outcome(bytes([c]) * 16, b"{}")] if c else [])
            if isinstance(got, int):
                line.keep(batch)
            line.log.undo_to(0)
            event(f"append {got if not isinstance(got, int) else 'done'}")
        elif kind == "grow":
            line.keep(line.write(b + 1, c))
        elif kind == "fork":
            kept = line.batches[: 1 + b % len(line.batches)]
            seed = 1 if line.log.head.public == signing_key(1).public else 2
            twin = Lineage(OwnLog(kept[-1].head, signing_key(seed)), list(kept))
            twin.keep(twin.write(1 + c % 2, c))
            self.lines.append(twin)
        elif kind == "admit":
            first = b % len(line.batches)
            some = line.batches[first : first + 1 + c]
            got = self.ask("admit", run_from(line.after(first), some, with_parts=c != 3))
            event(f"admit {got if not isinstance(got, int) else 'done'}")
        elif kind == "piece":
            if some := line.batches[1 + b :][: 1 + c]:
                event(f"piece {self.bring(piece(some, with_parts=c != 3))}")
        else:
            self.ask("erase", [SUBJECTS[b % 2].id])

    def bring(self, run: PendingRun) -> Any:
        """The same run, perhaps without its beginning, to every store."""
        answers = []
        for store in self.stores:
            try:
                taken = take_in(store, run, Bounds(log_entries=12))
                answers.append((taken.entries, [each.code for each in taken.dropped]))
            except ScManagerError as error:
                answers.append((error.code, []))
        assert all(each == answers[0] for each in answers), answers
        return answers[0]

    def compare_pending(self) -> None:
        kept = []
        for store in self.stores:
            drain(store)
            runs = [store.pending.run(each.number) for each in store.pending.waiting()]
            kept.append(sorted(((run, store.pending.keys(run.space)) for run in runs if run), key=lambda r: r[0].id))
        assert all(each == kept[0] for each in kept)
        event(f"waiting {len(kept[0])}")

    def compare(self) -> None:
        """Everything there is to see."""
        self.compare_pending()
        count = self.ask("last_pos")
        heads = self.ask("heads")
        event(f"heads {len(heads)}")
        assert sorted(head.id for head in copy_of(self.stores[0]).heads()) == sorted(head.id for head in heads)
        self.ask("tail", 0, 1000)
        self.ask("tail", count // 2, 3)
        self.ask("parts", list(range(count + 2)))
        self.ask("wait", count, 0)
        self.ask("wait", count - 1, 0)
        for head in heads:
            self.ask("late_parts", head.space)
            self.ask("heads", head.space)
            self.ask("read", head.log, head.branch, 0, 1000)
            self.ask("read", head.log, head.branch, head.size // 2, 2)
            for size in range(head.size + 2):
                self.ask("note", head.log, head.branch, size)
            for command in range(5):
                self.ask("outcome", head.log, bytes([command]) * 16)


def answer(store: Store, method: str, *arguments: Any) -> Any:
    try:
        got = getattr(store, method)(*arguments)
    except ScManagerError as error:
        return error.code
    return list(got) if method in {"heads", "tail", "read"} else dict(got) if method == "parts" else got


@contextmanager
def two_stores() -> Iterator[list[Store]]:
    with TemporaryDirectory() as folder:
        stores: list[Store] = [MemoryStore(), SqliteStore(Path(folder) / "store.db")]
        yield stores
        for store in stores:
            store.close()


@settings(max_examples=60, deadline=None)
@given(steps)
@pytest.mark.slow
def test_memory_and_sqlite_agree(asked: list[tuple[str, int, int, int]]) -> None:
    with two_stores() as stores:
        world = World(stores)
        for step in asked:
            world.step(*step)
        world.compare()


@pytest.mark.services
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(asked=steps)
def test_postgres_agrees_with_both(database: str, asked: list[tuple[str, int, int, int]]) -> None:
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("DROP SCHEMA IF EXISTS scm_events CASCADE")
    install(database, PASSWORD, PASSWORD)
    with two_stores() as stores:
        stores.append(PostgresStore(dsn_of(database, Roles().writer)))
        world = World(stores)
        for step in asked:
            world.step(*step)
        world.compare()
