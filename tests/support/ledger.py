"""An author with his keepers, his server and its witnesses; every key follows from its name."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import msgspec

from scmanager.domain.counting import PluginCounted
from scmanager.domain.ledger import (
    AuditStatus,
    Category,
    Channel,
    KeyManifest,
    KeysPublished,
    LedgerLog,
    LogKind,
    Plugin,
    Update,
    UpdateType,
)
from scmanager.domain.naming import ServerNamed
from scmanager.eventstore import checkpoint, content, verification
from scmanager.eventstore.checkpoint import Checkpoint, note_from
from scmanager.eventstore.content import Shared
from scmanager.eventstore.entry import encode_json
from scmanager.eventstore.merkle import inclusion_proof, leaf_hash, root_of
from scmanager.eventstore.own_log import Draft, OwnLog
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.verification import VerifiedRun
from scmanager.master_ledger import issuing, manifest, submission
from scmanager.master_ledger import policy as policies
from scmanager.master_ledger.content_hash import cid
from scmanager.master_ledger.cosignature import KIND, cosign
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.policy import Policy, Vkey
from scmanager.master_ledger.proof import Proof
from scmanager.master_ledger.statement import manifest_hash
from scmanager.master_ledger.submission import Submission
from scmanager.master_ledger.verification import Artefact, Here
from tests.golden.logs import STARTED, entropy_of, founding, key_of, some

NOW_S = 1_767_225_600
ROOTS = tuple(key_of(f"root {n}") for n in range(3))
RELEASE, LATER_RELEASE = key_of("release"), key_of("later release")
WITNESSES = tuple(key_of(f"witness {n}") for n in range(3))
CONTENT = b"The release, as it is downloaded."
HERE = Here("1.0.0", Channel.STABLE, NOW_S)


def artefact(data: bytes = CONTENT) -> Artefact:
    return Artefact(sha256(data).digest(), len(data))


@dataclass
class Server:
    """The machine with the log key: it can sign heads of whatever stands in its log."""

    name: str = "ledger"
    size: int = 0
    leaves: list[bytes] = field(default_factory=list)
    said: list[tuple[Any, bytes]] = field(default_factory=list)
    kind: LogKind = LogKind.LEDGER

    def __post_init__(self) -> None:
        self.key = key_of(self.name)
        self.own = OwnLog.found(
            founding(self.name, "author")(self.key.public), self.key, STARTED, entropy_of(self.name)
        )
        self._commit()

    @property
    def log(self) -> LedgerLog:
        return LedgerLog(self.own.head.space, self.own.head.log, self.key.public, self.kind, None)

    @property
    def origin(self) -> str:
        return checkpoint.origin(self.own.head.space, self.own.head.log)

    def append(self, what: Submission | ServerNamed | PluginCounted, kind: str | None = None) -> int:
        """Its index. The server looks at nothing."""
        fields = (kind or what.tag, some("grant"), some("command", 16), b"", some("entity", 16), ())
        shared = content.encode(Shared(*fields, msgspec.Raw(encode_json(what))))  # type: ignore[arg-type]
        self.own.add(Draft(shared, None), self.own.hlc + 1)
        return self._commit()

    def _commit(self) -> int:
        batch = self.own.commit()
        self.own.committed(batch)
        for sealed in batch.sealed:
            self.leaves.append(leaf_hash(sealed.entry.data))
            self.said.append((sealed.entry, sealed.parts[0] if sealed.parts else b""))
        return len(self.leaves) - 1

    def head(self, size: int | None = None) -> Checkpoint:
        leaves = self.leaves[: len(self.leaves) if size is None else size]
        return Checkpoint(self.origin, len(leaves), root_of(leaves))

    def note(
        self, size: int | None = None, at_s: int = NOW_S, witnesses: tuple[SigningKey, ...] = WITNESSES
    ) -> bytes:
        """A head, cosigned by these witnesses."""
        head = self.head(size)
        note = note_from(head, self.key.sign(head.text().encode()), self.key.public)
        return note + b"".join(cosign(head.text(), name_of(each), each, at_s) for each in witnesses)

    def run(self, size: int | None = None) -> VerifiedRun:
        """The log up to there, as a file brings it."""
        head, said = self.head(size), self.said[:size]
        note = verification.SignedNote(head.size, head.root, self.key.sign(head.text().encode()))
        parts = [{0: shared} if shared else {} for _, shared in said]
        return verification.verify(verification.start_of(said[0][0].data), [one.data for one, _ in said], parts, note)

    def proof(self, index: int, note: bytes | None = None, size: int | None = None) -> Proof:
        leaves = self.leaves[: len(self.leaves) if size is None else size]
        hashes = tuple(inclusion_proof(index, leaves))
        return Proof.of(*self.said[index], hashes, self.note(size) if note is None else note)


def name_of(witness: SigningKey) -> str:
    return f"witness.example/{witness.public.hex()[:8]}"


def policy_text(needed: int = 2) -> str:
    lines = [f"witness w{n} {Vkey(name_of(each), KIND, each.public).text()}" for n, each in enumerate(WITNESSES)]
    return "\n".join([*lines, f"group all-of-them {needed} w0 w1 w2", "quorum all-of-them", ""])


POLICY = policies.parse(policy_text().encode())
WITHOUT_WITNESSES: Policy = policies.parse(b"quorum none\n")


def first_manifest(*servers: Server) -> KeysPublished:
    root = issuing.quorum(2, [each.public for each in ROOTS])
    release = issuing.quorum(1, [RELEASE.public])
    made = issuing.first(root, release, [each.log for each in servers], NOW_S)
    return signed(made, *ROOTS[:2])


def signed(made: KeyManifest, *keys: SigningKey) -> KeysPublished:
    found = submission.make(made, keys)
    assert isinstance(found, KeysPublished)
    return found


def trusted(*manifests: KeysPublished) -> TrustedKeys:
    return manifest.walk(manifest_hash(manifests[0].statement), manifests)


def update(ledger: bytes, data: bytes = CONTENT, **changed: Any) -> Update:
    fields: dict[str, Any] = {
        "ledger": ledger, "content_hash": cid(sha256(data).digest()), "version": "1.1.0", "channel": Channel.STABLE,
        "min_supported_version": "1.0.0", "signed_at": NOW_S, "changelog_url": "https://example.org/1.1.0",
        "size_bytes": len(data), "update_type": UpdateType.MINOR,
    }  # fmt: skip
    return Update(**fields | changed)


def plugin(ledger: bytes, data: bytes = CONTENT, **changed: Any) -> Plugin:
    fields: dict[str, Any] = {
        "ledger": ledger, "id": "org.example.mining", "version": "0.3.0", "name": "Mining ledger", "author": "Vesper",
        "description": "Counts ore by the hold.", "content_hash": cid(sha256(data).digest()),
        "permissions": ("net:api.example.org", "read.fleet"), "required_core_version": "1.0.0",
        "tos_compliance_hash": some("terms"), "audit_status": AuditStatus.PASS, "category": Category.UTILITY,
        "registered_at": NOW_S - 10, "updated_at": NOW_S,
    }  # fmt: skip
    return Plugin(**fields | changed)
