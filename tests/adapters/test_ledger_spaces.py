"""Which spaces count as the author's ledger: those that the manifests list, as far as this machine has seen."""

from pathlib import Path

import pytest

from scmanager.adapters.ledger_memory import LedgerMemory
from scmanager.adapters.ledger_spaces import LedgerSpaces
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.merkle import leaf_hash
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger.seen import Outcome, with_head
from scmanager.master_ledger.statement import manifest_hash
from tests.support.ledger import NOW_S, ROOTS, WITHOUT_WITNESSES, Server, first_manifest, policy_text, signed

SERVER, LATER = Server(), Server("later")
FIRST = first_manifest(SERVER)
SECOND = signed(issuing.following(FIRST.statement, NOW_S, logs=[LATER.log]), *ROOTS[:2])
LEDGER = manifest_hash(FIRST.statement)


@pytest.fixture
def trust(tmp_path: Path) -> Path:
    folder = tmp_path / "trust"
    folder.mkdir()
    (folder / "ledger-id").write_text(LEDGER.hex(), encoding="ascii")
    (folder / "author-keys.jsonl").write_bytes(submission.encode([FIRST]))
    (folder / "witnesses.policy").write_text(policy_text(), encoding="ascii")
    return folder


def test_a_space_counts_once_a_manifest_that_lists_it_was_seen(trust: Path, tmp_path: Path) -> None:
    spaces, memory = LedgerSpaces(trust, tmp_path, MemoryStore()), LedgerMemory(tmp_path, LEDGER)
    assert spaces.ids() == {SERVER.log.space}
    memory.see(lambda before: Outcome(before.with_manifests([FIRST, SECOND])))
    assert spaces.ids() == {SERVER.log.space, LATER.log.space}


def test_a_log_that_signed_two_histories_counts_no_more(trust: Path, tmp_path: Path) -> None:
    spaces, memory = LedgerSpaces(trust, tmp_path, MemoryStore()), LedgerMemory(tmp_path, LEDGER)
    twin = Server()
    twin.leaves[0] = leaf_hash(b"another beginning")
    for each in (SERVER, twin):
        note = each.note()
        memory.see(
            lambda before, note=note: with_head(  # type: ignore[misc] # bound now
                (seen := before.with_manifests([FIRST])), note, seen.keys(), WITHOUT_WITNESSES
            )
        )
    assert spaces.ids() == frozenset()


def test_while_nothing_can_be_read_there_is_none(trust: Path, tmp_path: Path) -> None:
    assert LedgerSpaces(tmp_path / "nowhere", tmp_path, MemoryStore()).ids() == frozenset()
    LedgerMemory(tmp_path, LEDGER).path.write_bytes(b"noise")
    assert LedgerSpaces(trust, tmp_path, MemoryStore()).ids() == frozenset()
