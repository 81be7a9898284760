"""Event stores for tests: one of each kind, and logs to put into them."""

from collections.abc import Iterator, Sequence

import msgspec
import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from scmanager.adapters.postgres_connection import PostgresServer
from scmanager.eventstore import content, verification
from scmanager.eventstore.content import Shared
from scmanager.eventstore.entry import Genesis, RecoveryKeys
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.own_log import Batch, Draft, Head, OwnLog, Secret
from scmanager.eventstore.postgres_install import Roles, install
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.store import Outcome, Store
from scmanager.eventstore.verification import SignedNote, VerifiedRun
from tests.support.postgres import fresh

KEY = Secret.of(bytes(32))
SUBJECT = Secret.of(b"\1" * 32)
PASSWORD = "for tests only"


def dsn_of(database: str, role: str) -> str:
    """The same database, as one of the store's roles."""
    return make_conninfo(database, user=role, password=PASSWORD)


@pytest.fixture(scope="session")
def installed(postgres: PostgresServer) -> Iterator[str]:
    """The name of a database with an empty event store, which others are made like; nobody connects to it."""
    with fresh(postgres) as dsn:
        install(dsn, PASSWORD, PASSWORD)
        yield conninfo_to_dict(dsn)["dbname"]


@pytest.fixture
def events_database(postgres: PostgresServer, installed: str) -> Iterator[str]:
    """An empty event store of one's own; the administrator's connection string."""
    with fresh(postgres, installed) as dsn:
        yield dsn


@pytest.fixture
def writer_dsn(events_database: str) -> str:
    return dsn_of(events_database, Roles().writer)


@pytest.fixture
def reader_dsn(events_database: str) -> str:
    return dsn_of(events_database, Roles().reader)


def refused(connection: psycopg.Connection, statement: str) -> str:
    """The SQL state with which a statement is refused."""
    with pytest.raises(psycopg.Error) as caught, connection.transaction():
        connection.execute(statement.encode())
    return caught.value.sqlstate or ""


def genesis(key: SigningKey, space: bytes = b"") -> Genesis:
    recovery = None if space else RecoveryKeys(1, (b"\7" * 32,))
    own = b"" if space else b"\5" * 32
    return Genesis((), (), space, "org", "ed25519", key.public, bytes(32), recovery=recovery, device=own, box=own)


def draft(word: str, personal: bytes | None = None, subject: Secret = SUBJECT) -> Draft:
    shared = content.encode(Shared(f"test.{word}/1", bytes(32), bytes(16), b"", bytes(16), (), msgspec.Raw(b"{}")))
    return Draft(shared, KEY, ((subject, personal),) if personal else ())


def signing_key(seed: int) -> SigningKey:
    return SigningKey(bytes([seed]) * 32)


def new_log(store: Store, seed: int = 1, words: int = 3, space: bytes = b"") -> OwnLog:
    key = signing_key(seed)
    log = OwnLog.found(genesis(key, space), key, hlc=10)
    for n in range(words):
        log.add(draft(f"w{n}", b"personal"), log.hlc + 1)
    commit(store, log)
    return log


def commit(store: Store, log: OwnLog, *outcomes: Outcome) -> int:
    batch = log.commit()
    pos = store.append(batch, outcomes)
    log.committed(batch)
    return pos


def run_from(after: Head, batches: Sequence[Batch], with_parts: bool = True) -> VerifiedRun:
    """What these commits, one after the other, look like to a node that holds `after`."""
    sealed = [one for batch in batches for one in batch.sealed]
    last = batches[-1]
    return verification.verify(
        after,
        [one.entry.data for one in sealed],
        [dict(enumerate(one.parts if with_parts else one.parts[:1])) for one in sealed],
        SignedNote(last.head.size, last.root, last.signature),
    )


def run_of(store: Store, log: bytes, branch: int = 0) -> VerifiedRun:
    """A whole branch, from its entry 0."""
    head = next(h for h in store.heads() if (h.log, h.branch) == (log, branch))
    rows = store.read(log, branch, 0, 1000)
    kept = store.parts(row.pos for row in rows)
    held = [
        {0: row.shared} | {n: data for (pos, n), data in kept.items() if pos == row.pos} if row.shared else {}
        for row in rows
    ]
    note = store.note(log, branch, head.size)
    assert note is not None
    return verification.verify(verification.start_of(rows[0].data), [row.data for row in rows], held, note)


def copy_of(store: Store) -> MemoryStore:
    """Every branch of a store, admitted into memory: proves that all of it verifies."""
    other = MemoryStore()
    for head in store.heads():
        other.admit(run_of(store, head.log, head.branch))
    return other
