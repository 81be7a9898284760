"""The eventsourcing library on our stores, as its own test suites want it made."""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import time_ns
from typing import Any

from eventsourcing.persistence import AggregateRecorder, InfrastructureFactory
from eventsourcing.popo import POPOAggregateRecorder
from eventsourcing.utils import Environment, EnvType

from scmanager.eventstore.entry import Genesis, RecoveryKeys
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.originators import MemoryOriginators, Originators, SqliteOriginators
from scmanager.eventstore.originators_postgres import PostgresOriginators
from scmanager.eventstore.own_log import OwnLog, Secret
from scmanager.eventstore.postgres import PostgresStore
from scmanager.eventstore.recorded import Voice
from scmanager.eventstore.recorder import Recorder
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.store import Store

SPACE_KEY = Secret.of(b"\1" * 32)
OWN_KEY = Secret.of(b"\2" * 32)
KEYS = {secret.id: secret.key for secret in (SPACE_KEY, OWN_KEY)}
POSTGRES_DSN = "SCM_TEST_EVENTS_DSN"
"""Where PostgresFactory, which only the environment reaches, finds its database."""
SIGNER = SigningKey(b"\3" * 32)


def voice_of(log: OwnLog) -> Voice:
    return Voice(log.head.log, SPACE_KEY, OWN_KEY, KEYS.get, lambda: time_ns() // 1000)


def found_log(store: Store, signer: SigningKey = SIGNER, space: bytes = b"") -> OwnLog:
    """A log in the store: a new space's first, or one more of a space."""
    recovery, own = (None, b"") if space else (RecoveryKeys(0, ()), bytes(32))
    genesis = Genesis(
        (), (), space, "personal", "ed25519", signer.public, bytes(32), recovery=recovery, device=own, box=own
    )
    log = OwnLog.found(genesis, signer, 1)
    batch = log.commit()
    store.append(batch)
    log.committed(batch)
    return log


def opened_log(store: Store, signer: SigningKey = SIGNER) -> OwnLog:
    """The signer's log in the store, founded when it is not there yet."""
    head = next((head for head in store.heads() if head.public == signer.public), None)
    return OwnLog(head, signer) if head else found_log(store, signer)


def recorder_on(store: Store, originators: Originators) -> Recorder:
    log = opened_log(store)
    return Recorder(store, originators, log, voice_of(log))


def memory_recorder() -> tuple[Recorder, Callable[[], None]]:
    """A recorder, and how to be rid of it."""
    store = MemoryStore()
    return recorder_on(store, MemoryOriginators()), store.close


def sqlite_recorder() -> tuple[Recorder, Callable[[], None]]:
    folder = tempfile.TemporaryDirectory()
    store = SqliteStore(Path(folder.name) / "store.db")

    def close() -> None:
        store.close()
        folder.cleanup()

    return recorder_on(store, SqliteOriginators(store)), close


def postgres_recorder(dsn: str) -> tuple[Recorder, Callable[[], None]]:
    store = PostgresStore(dsn)
    return recorder_on(store, PostgresOriginators(store)), store.close


class _Factory(InfrastructureFactory[Recorder]):
    def __init__(self, env: Environment | EnvType | None, made: tuple[Recorder, Callable[[], None]]) -> None:
        super().__init__(env)
        self._recorder, self._close = made

    def application_recorder(self) -> Recorder:
        return self._recorder

    process_recorder = application_recorder

    def tracking_recorder(self, tracking_recorder_class: Any = None) -> Recorder:
        return self._recorder

    def aggregate_recorder(self, purpose: str = "snapshots") -> AggregateRecorder:
        return POPOAggregateRecorder()

    def close(self) -> None:
        self._close()

    def __del__(self) -> None:
        self._close()  # The library's cases never close their applications.


class MemoryFactory(_Factory):
    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env, memory_recorder())


class PostgresFactory(_Factory):
    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env, postgres_recorder(os.environ[POSTGRES_DSN]))


class SqliteFactory(_Factory):
    def __init__(self, env: Environment | EnvType | None) -> None:
        super().__init__(env, sqlite_recorder())
