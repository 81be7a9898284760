"""What an audit reads: the tables of an event store, in one state, by whoever takes part. Only to read.

The queries of an audit are written once, with `?` for an argument, in the SQL that SQLite and PostgreSQL share.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path
from typing import Any, Protocol, Self

import msgspec

from scmanager.eventstore.own_tables import Differences, store_differences
from scmanager.eventstore.sqlite_faults import damaged, told

MAPPED_BYTES = 1 << 32
Query = tuple[str, str, str]
"""(code, what, query for log and seq): rows that nothing accounts for."""


class Found(Protocol):
    """The rows of a query."""

    def __iter__(self) -> Iterator[Any]:
        """One by one."""

    def fetchone(self) -> Any:
        """The first."""

    def fetchall(self) -> list[Any]:
        """All of them."""


class Tables(Protocol):
    """A connection to the tables."""

    def execute(self, query: str, arguments: Sequence[Any] = (), /) -> Found:
        """Its rows."""


class Source(Protocol):
    """Where the tables are. What is at work in another process gets a copy."""

    @property
    def name(self) -> str:
        """Which store it is, without who asks and by what word."""

    def opened(self) -> AbstractContextManager[Tables]:
        """The tables. Raises StoreDamaged, and Unavailable where they cannot be read."""

    def whole(self) -> AbstractContextManager[tuple[Tables, Self]]:
        """The tables, and a source whose `opened` shows the same state for as long as this lasts. Raises the same."""

    def differences(self, tables: Tables) -> Differences:
        """What is there beside or instead of what is ours."""

    def pending(self, tables: Tables) -> int:
        """How many entries wait for earlier ones."""

    def strays(self) -> Sequence[Query]:
        """What this kind of store has beside the others."""


class SqliteSource(msgspec.Struct, frozen=True):
    """An events file. What others commit meanwhile stands beyond the heads that were read first."""

    path: str

    @property
    def name(self) -> str:
        """See Source."""
        return self.path

    @contextmanager
    def opened(self) -> Iterator[Tables]:
        """See Source. Raises StoreDamaged, FileUnusable."""
        with told(Path(self.path), damaged), closing(connect(Path(self.path))) as database:
            yield database

    @contextmanager
    def whole(self) -> Iterator[tuple[Tables, Self]]:
        """See Source."""
        with self.opened() as tables:
            yield tables, self

    def differences(self, tables: Tables) -> Differences:
        """See Source."""
        assert isinstance(tables, sqlite3.Connection)
        return store_differences(tables)

    def pending(self, tables: Tables) -> int:
        """See Source."""
        if not tables.execute("SELECT 1 FROM sqlite_schema WHERE name = 'pending_entry'").fetchone():
            return 0  # An earlier release wrote the file.
        return int(tables.execute("SELECT count(*) FROM pending_entry").fetchone()[0])

    def strays(self) -> Sequence[Query]:
        """See Source."""
        return ()


def connect(path: Path) -> sqlite3.Connection:
    """A connection to a file that can only read."""
    database = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    database.execute("PRAGMA trusted_schema = OFF")
    database.execute(f"PRAGMA mmap_size={MAPPED_BYTES}")  # Read once from end to end: no copies through a cache.
    return database
