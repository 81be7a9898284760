"""What a source that nobody trusts registers: of a ledger of any length, under one head, a bundle at a time."""

import pytest

from scmanager.adapters.ledger_source import from_folder
from scmanager.application import published_registry
from scmanager.application.published import LedgerFilesBroken, Published
from scmanager.application.published_registry import StatementsTooMany, take_from
from scmanager.domain.ledger import Channel
from scmanager.eventstore.checkpoint import Checkpoint, note_from
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.merkle import leaf_hash, root_of
from scmanager.eventstore.tiles import bundle
from scmanager.master_ledger import submission
from scmanager.master_ledger.fetching import SourceLacks
from scmanager.master_ledger.registry import Registry
from scmanager.master_ledger.seen import Seen
from scmanager.master_ledger.statement import manifest_hash
from tests.support.ledger import RELEASE, Server, first_manifest, trusted, update
from tests.support.ledger_server import Ledger


@pytest.fixture(scope="module")
def ledger(tmp_path_factory: pytest.TempPathFactory) -> Ledger:
    """The first entries, 600 of others, and one more update, which makes 604."""
    made = Ledger(MemoryStore(), tmp_path_factory.mktemp("ledger"))
    one = manifest_hash(made.first.statement)
    made.say(made.first, submission.make(update(one), [RELEASE]))
    made.fill(600)
    made.say(submission.make(update(one, version="1.2.0"), [RELEASE]))
    made.publish()
    return made


def registry(ledger: Ledger) -> Registry:
    return Registry(Seen(manifest_hash(ledger.first.statement)).with_manifests([ledger.first]).keys())


@pytest.mark.parametrize(
    ("held", "versions"), [(0, ["1.2.0", "1.1.0"]), (256, ["1.2.0"]), (300, ["1.2.0"]), (604, [])]
)
def test_statements_are_taken_from_where_home_ends(ledger: Ledger, held: int, versions: list[str]) -> None:
    into, told = registry(ledger), list[int]()
    log = ledger.server.log.log
    assert take_from(Published(from_folder(ledger.public)), into, {log: held}, told.append) == (log, 604)
    assert [one.said.statement.version for one in into.updates(Channel.STABLE)] == versions
    assert sum(told) == 604 - held


def test_what_a_source_makes_one_hold_has_a_bound(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(published_registry, "STATEMENTS_BYTES_MAX", 900)
    with pytest.raises(StatementsTooMany):
        take_from(Published(from_folder(ledger.public)), registry(ledger), {})


def test_a_tree_of_one_entry_again_and_again_is_no_log() -> None:
    server = Server()
    one, shared = server.said[0]
    leaves = [leaf_hash(one.data)] * 2
    point = Checkpoint(server.head().origin, 2, root_of(leaves))
    files = {
        "checkpoint": note_from(point, server.key.sign(point.text().encode()), server.log.key),
        "tile/0/000.p/2": b"".join(leaves),
        "tile/entries/000.p/2": bundle([one.data] * 2),
        "shared/000.p/2": bundle([shared] * 2),
    }

    def read(path: str, _: int) -> bytes:
        if path not in files:
            raise SourceLacks(source="a dictionary", path=path)
        return files[path]

    with pytest.raises(LedgerFilesBroken, match="where it does not belong"):
        take_from(Published(read), Registry(trusted(first_manifest(server))), {})
