"""The read model of audit events: a row a series, its words erasable, and none from a space of others."""

from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.rows import dict_row

from scmanager.application.audit_tally import WINDOW_S
from scmanager.application.auditor import Auditor
from scmanager.auditing import auditor_of
from scmanager.domain import audit_event
from scmanager.domain.audit_event import AuditDetail, Noted
from scmanager.domain.audit_types import AuditType, Severity
from scmanager.domain.catalogue import AUDIT
from scmanager.projections import generation
from scmanager.projections.generation import LIVE
from scmanager.projections.runner import Projector
from scmanager.runtime import Node
from tests.support.books import Books, dump, one
from tests.support.machines import Machine
from tests.support.node import Seat

pytestmark = pytest.mark.services


@pytest.fixture
def ada(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "ada")


@pytest.fixture
def node(ada: Machine) -> Iterator[Node]:
    with ada.open() as node:
        node.personal_space()
        yield node


@pytest.fixture
def auditor(node: Node) -> Auditor:
    return auditor_of(node)


@pytest.fixture
def projector(node: Node, database: str) -> Iterator[Projector]:
    made = Projector(node.shelf, node.store, node.vault.held, database)
    yield made
    made.close()


def noted(auditor: Auditor, source: str = "127.0.0.1") -> None:
    auditor.note(AuditType.PERMISSION_VIOLATION, "token-wrong", source, "POST /graphql\t\\.")
    auditor.work()


def test_a_series_has_a_row_with_its_words_and_hashes(auditor: Auditor, projector: Projector, database: str) -> None:
    noted(auditor)
    projector.catch_up()
    with psycopg.connect(database, row_factory=dict_row) as connection:
        row = connection.execute("select * from scm_read.audit_event").fetchone()
    assert row is not None
    assert (row["type"], row["severity"], row["code"], row["count"]) == (
        "permission-violation",
        "warning",
        "token-wrong",
        1,
    )
    assert (row["origin"], row["detail"], row["words"], row["region"]) == (
        "127.0.0.1",
        "POST /graphql\ufffd\\.",
        "open",
        None,
    )
    assert len(row["source"]) == len(row["payload"]) == 32
    assert row["first_at"] == row["last_at"]


def test_what_was_not_listed_has_a_row_without_a_code(
    ada: Machine, auditor: Auditor, projector: Projector, database: str
) -> None:
    for number in range(100):
        auditor.note(AuditType.P2P_MISMATCH, "chain-broken", str(number))
    auditor.work(closing=True)
    projector.catch_up()
    query = "select count, words, source, origin from scm_read.audit_event where code is null"
    assert one(database, query) == (76, "none", None, None)
    assert one(database, "select count(*), sum(count) from scm_read.audit_event") == (25, 100)


def test_after_every_step_the_rows_are_those_of_a_rebuild(
    ada: Machine, node: Node, auditor: Auditor, projector: Projector, database: str
) -> None:
    def later() -> None:
        ada.clock.ahead_s = WINDOW_S
        auditor.work()

    steps: list[Callable[[], None]] = [
        lambda: noted(auditor),
        lambda: noted(auditor),
        lambda: noted(auditor, "another"),
        later,
        lambda: Seat(node, node.personal_space()).erase_my_words(),
    ]
    for step in steps:
        step()
        projector.catch_up()
        with psycopg.connect(database) as connection:
            assert generation.progress(connection, LIVE).digests == generation.digests(connection, LIVE)
        before = dump(database)
        assert projector.rebuild().differing == ()
        assert dump(database) == before
    query = "select count(*), sum(count), count(origin), count(detail), min(words) from scm_read.audit_event"
    assert one(database, query) == (2, 3, 0, 0, "erased")


def test_what_somebody_writes_into_an_organisation_is_no_audit_event_of_mine(nova: Books, database: str) -> None:
    fake = Noted(AuditType.INTEGRITY_FAILURE, "made-up", Severity.CRITICAL, b"s" * 32, b"p" * 32, "9", 1, 1)
    nova.do(lambda desk: desk.decide(AUDIT, b"e" * 16, audit_event.note, desk.me, fake, AuditDetail(b"s" * 32)))
    projector = nova.projector(database)
    projector.catch_up()
    assert one(database, "select count(*) from scm_read.audit_event") == (0,)
    projector.close()
