"""What is built in can be walked from its id, and is replaced as a whole."""

from pathlib import Path

import pytest

from scmanager.adapters.trust_files import LEDGER_FILE, MANIFESTS_FILE, POLICY_FILE, TrustUnusable, read_trust
from scmanager.master_ledger import manifest, submission
from scmanager.master_ledger.statement import manifest_hash
from tests.support.ledger import POLICY, Server, first_manifest, policy_text

FIRST = first_manifest(Server())


def write(folder: Path) -> Path:
    (folder / LEDGER_FILE).write_text(manifest_hash(FIRST.statement).hex() + "\n", encoding="ascii")
    (folder / MANIFESTS_FILE).write_bytes(submission.encode([FIRST]))
    (folder / POLICY_FILE).write_text(policy_text(), encoding="ascii")
    return folder


def test_what_comes_with_the_program_leads_from_its_id_to_keys() -> None:
    trust = read_trust()
    keys = manifest.walk(trust.ledger, trust.manifests)
    assert (keys.manifest.n, keys.manifest.root.m, len(keys.manifest.root.keys)) == (1, 2, 3)
    assert trust.policy.quorum is None


def test_another_folder_replaces_all_of_it(tmp_path: Path) -> None:
    trust = read_trust(write(tmp_path))
    assert (trust.ledger, trust.manifests) == (manifest_hash(FIRST.statement), (FIRST,))
    assert trust.policy == POLICY


@pytest.mark.parametrize("name", [LEDGER_FILE, MANIFESTS_FILE, POLICY_FILE])
@pytest.mark.parametrize("data", [b"", b"noise", b"00" * 32, b"\xff\xfe", b"[" * 10_000])
def test_a_folder_that_does_not_fit_together_is_named(tmp_path: Path, name: str, data: bytes) -> None:
    write(tmp_path)
    (tmp_path / name).write_bytes(data)
    with pytest.raises(TrustUnusable, match="does not say whom to trust"):
        read_trust(tmp_path)
