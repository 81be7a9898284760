"""The registry's read model: updates by channel, plugins with their history, only what counts, rebuilt the same."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from scmanager.domain.ledger import AuditStatus, Channel, Plugin, Update
from scmanager.eventstore.memory import MemoryStore
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger.statement import manifest_hash
from scmanager.projections.runner import Projector
from tests.support.ledger import LATER_RELEASE, NOW_S, RELEASE, ROOTS, plugin, signed, update
from tests.support.ledger_space import LedgerSpace, ledger_space

pytestmark = pytest.mark.services


class Kept:
    """A ledger, and what the read model says of it."""

    def __init__(self, space: LedgerSpace, database: str) -> None:
        self.space, self.database, self.first = space, database, space.manifest()
        self.id = manifest_hash(self.first.statement)
        self.projector = Projector(space.shelf, space.store, space.keys.held, database, space.keys.logs_of)

    def say(self, *said: Update | Plugin) -> None:
        self.space.append(*(submission.make(each, [RELEASE]) for each in said))
        self.projector.catch_up()

    def rows(self, table: str) -> list[dict[str, Any]]:
        with psycopg.connect(self.database, row_factory=dict_row) as connection:
            return connection.execute(f"select * from scm_read.{table} order by index").fetchall()


@pytest.fixture
def kept(database: str) -> Iterator[Kept]:
    store = MemoryStore()
    with ledger_space(store) as space:
        made = Kept(space, database)
        space.append(made.first)
        yield made
        made.projector.close()
    store.close()


def test_each_statement_has_a_row_with_where_a_proof_begins(kept: Kept) -> None:
    kept.say(
        update(kept.id), update(kept.id, b"2", version="1.2.0", channel=Channel.BETA), update(kept.id),
        plugin(kept.id), plugin(kept.id, version="0.4.0", audit_status=AuditStatus.BLOCKED, updated_at=NOW_S + 1),
    )  # fmt: skip
    found = kept.rows("registered_update")
    assert [(each["channel"], each["version"], each["index"]) for each in found] == [
        ("stable", "1.1.0", 2), ("beta", "1.2.0", 3),
    ]  # fmt: skip
    first = found[0]
    assert (first["ledger"], first["log"], first["space"], len(first["event_id"])) == (
        kept.id, kept.space.id, kept.space.id, 64,
    )  # fmt: skip
    assert (first["key"], first["min_supported_version"], first["size_bytes"]) == (RELEASE.public, "1.0.0", 33)
    plugins = kept.rows("registered_plugin")
    assert [(each["plugin"], each["version"], each["audit_status"]) for each in plugins] == [
        ("org.example.mining", "0.3.0", "pass"), ("org.example.mining", "0.4.0", "blocked"),
    ]  # fmt: skip
    assert plugins[0]["permissions"] == ["net:api.example.org", "read.fleet"]


def test_what_a_manifest_takes_back_has_no_row_any_more(kept: Kept) -> None:
    kept.say(update(kept.id), plugin(kept.id))
    assert len(kept.rows("registered_update")) == len(kept.rows("registered_plugin")) == 1
    revoked = issuing.revocation(kept.first.statement, RELEASE.public, {}, NOW_S, LATER_RELEASE.public)
    kept.space.append(signed(revoked, *ROOTS[:2]))
    kept.projector.catch_up()
    assert kept.rows("registered_update") == kept.rows("registered_plugin") == []


def test_made_anew_it_is_the_same(kept: Kept) -> None:
    kept.say(update(kept.id), plugin(kept.id))
    kept.say(plugin(kept.id, version="0.4.0", updated_at=NOW_S + 1))
    before = kept.rows("registered_update"), kept.rows("registered_plugin")
    assert not kept.projector.rebuild().differing
    assert (kept.rows("registered_update"), kept.rows("registered_plugin")) == before
