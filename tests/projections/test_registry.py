"""The registry's read model: updates by channel, plugins with their history, only what counts, rebuilt the same."""

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from scmanager.domain.counting import PluginCounted
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
            order = "place" if table == "registered_update" else "plugin, place"
            return connection.execute(f"select * from scm_read.{table} order by {order}").fetchall()


@pytest.fixture
def kept(database: str) -> Iterator[Kept]:
    store = MemoryStore()
    with ledger_space(store) as space:
        made = Kept(space, database)
        space.append(made.first)
        yield made
        made.projector.close()
    store.close()


def test_updates_stand_by_channel_the_newest_first_with_where_a_proof_begins(kept: Kept) -> None:
    kept.say(
        update(kept.id), update(kept.id, b"2", version="1.2.0"),
        update(kept.id, b"3", version="1.3.0-beta.1", channel=Channel.BETA),
        update(kept.id, b"2", version="1.2.0", channel=Channel.BETA),
    )  # fmt: skip
    found = kept.rows("registered_update")
    assert [(each["channel"], each["version"], each["settled"]) for each in found] == [
        ("beta", "1.3.0-beta.1", True), ("beta", "1.2.0", False),
        ("stable", "1.2.0", True), ("stable", "1.1.0", True),
    ]  # fmt: skip
    last = found[-1]
    assert (last["ledger"], last["log"], last["index"], len(last["event_id"])) == (kept.id, kept.space.id, 2, 64)
    assert (last["key"], last["min_supported_version"], last["size_bytes"]) == (RELEASE.public, "1.0.0", 33)


def test_a_plugin_has_one_entry_that_holds_and_all_its_history(kept: Kept) -> None:
    kept.say(plugin(kept.id), plugin(kept.id, id="org.example.overlay"))
    kept.say(plugin(kept.id, version="0.4.0", audit_status=AuditStatus.BLOCKED, updated_at=NOW_S + 1))
    found = kept.rows("registered_plugin")
    assert [(each["plugin"], each["version"], each["audit_status"], each["holds"]) for each in found] == [
        ("org.example.mining", "0.3.0", "pass", False), ("org.example.mining", "0.4.0", "blocked", True),
        ("org.example.overlay", "0.3.0", "pass", True),
    ]  # fmt: skip
    assert found[0]["permissions"] == ["net:api.example.org", "read.fleet"]


def test_the_row_that_holds_has_what_was_counted_last(kept: Kept) -> None:
    kept.say(plugin(kept.id), plugin(kept.id, version="0.4.0", updated_at=NOW_S + 1))
    kept.say(plugin(kept.id, id="org.example.overlay"))

    def counted() -> list[tuple[int, int, Decimal | None]]:
        kept.projector.catch_up()
        return [(each["downloads"], each["votes"], each["rating"]) for each in kept.rows("registered_plugin")]

    assert counted() == [(0, 0, None)] * 3
    kept.space.count(PluginCounted("org.example.mining", 7, 0, 0, NOW_S))
    assert counted() == [(0, 0, None), (7, 0, None), (0, 0, None)]
    kept.space.count(PluginCounted("org.example.mining", 9, 8, 25, NOW_S))
    kept.space.count(PluginCounted("org.example.overlay", 1, 1, 5, NOW_S))
    assert counted() == [(0, 0, None), (9, 8, Decimal("3.1")), (1, 1, Decimal("5.0"))], "3.125"
    assert not kept.projector.rebuild().differing


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
