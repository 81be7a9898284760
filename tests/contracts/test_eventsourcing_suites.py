"""The eventsourcing library's own suites, run against our recorder over each store."""

import os
import unittest
from collections.abc import Callable
from typing import Any
from unittest import mock
from uuid import UUID, uuid4

import pytest
from eventsourcing.tests import application, persistence

from scmanager.eventstore.recorder import Recorder
from tests.support.library import POSTGRES_DSN, memory_recorder, postgres_recorder, sqlite_recorder

Make = Callable[[], tuple[Recorder, Callable[[], None]]]


class OnMemory(unittest.TestCase):
    """Each case gets a recorder over a store of its own."""

    make: Make = staticmethod(memory_recorder)
    factory = "tests.support.library:MemoryFactory"

    def create_recorder(self) -> Recorder:
        recorder, close = self.make()
        self.addCleanup(close)
        return recorder


class OnSqlite(OnMemory):
    make: Make = staticmethod(sqlite_recorder)
    factory = "tests.support.library:SqliteFactory"


@pytest.mark.services
class OnPostgres(OnMemory):
    """Each case has a database of its own."""

    factory = "tests.support.library:PostgresFactory"

    @pytest.fixture(autouse=True)
    def _database(self, writer_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.make = lambda: postgres_recorder(writer_dsn)
        monkeypatch.setenv(POSTGRES_DSN, writer_dsn)


class TextIds:
    """Entities that applications name by text."""

    def new_originator_id(self) -> UUID | str:
        return f"stream-{uuid4()}"


class ConfiguredByEnvironment(OnMemory):
    def setUp(self) -> None:
        self.expected_factory_topic = self.factory
        patch = mock.patch.dict(os.environ, {"PERSISTENCE_MODULE": self.factory})
        patch.start()
        self.addCleanup(patch.stop)


class Subscribing:
    """The suite has this case, and leaves it to each recorder to claim it."""

    def test_insert_subscribe(self) -> None:
        self.optional_test_insert_subscribe()  # type: ignore[attr-defined]  # of the suite beside it

    @pytest.mark.slow
    def test_concurrent_no_conflicts(self) -> None:
        super().test_concurrent_no_conflicts()  # type: ignore[misc]  # of the suite beside it


THEIR_DEPRECATION = pytest.mark.filterwarnings("default:'log' is deprecated:DeprecationWarning")
"""One case checks that this warning comes; here warnings are errors."""


class TestApplicationRecorderOnMemory(Subscribing, OnMemory, persistence.ApplicationRecorderTestCase[Recorder]): ...


class TestApplicationRecorderOnSqlite(Subscribing, OnSqlite, persistence.ApplicationRecorderTestCase[Recorder]): ...


class TestApplicationRecorderWithTextIdsOnMemory(
    TextIds, Subscribing, OnMemory, persistence.ApplicationRecorderTestCase[Recorder]
): ...


class TestApplicationRecorderWithTextIdsOnSqlite(
    TextIds, Subscribing, OnSqlite, persistence.ApplicationRecorderTestCase[Recorder]
): ...


class TestApplicationRecorderOnPostgres(
    Subscribing, OnPostgres, persistence.ApplicationRecorderTestCase[Recorder]
): ...


class TestApplicationRecorderWithTextIdsOnPostgres(
    TextIds, Subscribing, OnPostgres, persistence.ApplicationRecorderTestCase[Recorder]
): ...


class TestTrackingRecorderOnMemory(OnMemory, persistence.TrackingRecorderTestCase): ...


class TestTrackingRecorderOnSqlite(OnSqlite, persistence.TrackingRecorderTestCase): ...


class TestTrackingRecorderOnPostgres(OnPostgres, persistence.TrackingRecorderTestCase): ...


class TestProcessRecorderOnMemory(OnMemory, persistence.ProcessRecorderTestCase): ...


class TestProcessRecorderOnSqlite(OnSqlite, persistence.ProcessRecorderTestCase): ...


class TestProcessRecorderWithTextIdsOnSqlite(TextIds, OnSqlite, persistence.ProcessRecorderTestCase): ...


class TestProcessRecorderOnPostgres(OnPostgres, persistence.ProcessRecorderTestCase): ...


class TestProcessRecorderWithTextIdsOnPostgres(TextIds, OnPostgres, persistence.ProcessRecorderTestCase): ...


class TestNonInterleavingOnMemory(OnMemory, persistence.NonInterleavingNotificationIDsBaseCase): ...


class TestNonInterleavingOnSqlite(OnSqlite, persistence.NonInterleavingNotificationIDsBaseCase): ...


class TestNonInterleavingWithTextIdsOnSqlite(
    TextIds, OnSqlite, persistence.NonInterleavingNotificationIDsBaseCase
): ...


class TestNonInterleavingOnPostgres(OnPostgres, persistence.NonInterleavingNotificationIDsBaseCase): ...


class TestNonInterleavingWithTextIdsOnPostgres(
    TextIds, OnPostgres, persistence.NonInterleavingNotificationIDsBaseCase
): ...


class TestExampleApplicationOnMemory(ConfiguredByEnvironment, OnMemory, application.ExampleApplicationTestCase): ...


class TestExampleApplicationOnSqlite(ConfiguredByEnvironment, OnSqlite, application.ExampleApplicationTestCase): ...


class TestExampleApplicationOnPostgres(
    ConfiguredByEnvironment, OnPostgres, application.ExampleApplicationTestCase
): ...


@THEIR_DEPRECATION
class TestApplicationOnMemory(ConfiguredByEnvironment, OnMemory, application.ApplicationTestCase): ...


@THEIR_DEPRECATION
class TestApplicationOnSqlite(ConfiguredByEnvironment, OnSqlite, application.ApplicationTestCase): ...


@THEIR_DEPRECATION
class TestApplicationOnPostgres(ConfiguredByEnvironment, OnPostgres, application.ApplicationTestCase): ...


NOT_FOR_US = {
    "test_insert_and_select": "an AggregateRecorder returns None; a ProcessRecorder returns notification ids",
}
"""Cases of AggregateRecorderTestCase that no ProcessRecorder can pass, and why. All others pass."""


class AggregateRecorderOnMemory(OnMemory, persistence.AggregateRecorderTestCase):
    __test__ = False


class AggregateRecorderOnSqlite(OnSqlite, persistence.AggregateRecorderTestCase):
    __test__ = False


class AggregateRecorderOnPostgres(OnMemory, persistence.AggregateRecorderTestCase):
    __test__ = False
    make: Make = staticmethod(lambda: postgres_recorder(os.environ[POSTGRES_DSN]))


@pytest.mark.parametrize("suite", [AggregateRecorderOnMemory, AggregateRecorderOnSqlite])
def test_exactly_the_listed_cases_do_not_apply(suite: type[Any]) -> None:
    result = unittest.TestResult()
    unittest.defaultTestLoader.loadTestsFromTestCase(suite).run(result)
    failed = {case._testMethodName: text for case, text in [*result.failures, *result.errors]}
    assert set(failed) == set(NOT_FOR_US)
    assert all("[] != None" in text for text in failed.values())
    assert result.testsRun == len(NOT_FOR_US) + 1


@pytest.mark.services
def test_the_same_cases_do_not_apply_on_postgres(writer_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(POSTGRES_DSN, writer_dsn)
    test_exactly_the_listed_cases_do_not_apply(AggregateRecorderOnPostgres)
