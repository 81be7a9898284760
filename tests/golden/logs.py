"""Logs whose every byte is fixed: seeds instead of fresh keys, a counter instead of randomness."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from hashlib import shake_256

import msgspec

from scmanager.eventstore import checkpoint, content
from scmanager.eventstore.content import Shared
from scmanager.eventstore.entry import (
    Continues,
    Dep,
    Genesis,
    Kind,
    Recovery,
    RecoveryKeys,
    Signature,
    Statement,
    encode_json,
)
from scmanager.eventstore.own_log import Batch, Draft, OwnLog, Secret
from scmanager.eventstore.signing import SigningKey, purpose

SPACE_KEY = Secret.of(shake_256(b"space key").digest(32))
SUBJECT_KEY = Secret.of(shake_256(b"subject key").digest(32))
STARTED = 1_767_225_600_000_000  # 2026-01-01 in microseconds


def some(name: str, width: int = 32) -> bytes:
    """Bytes that look random and are always the same."""
    return shake_256(name.encode()).digest(width)


def key_of(name: str) -> SigningKey:
    return SigningKey(some(f"seed of {name}"))


def entropy_of(name: str) -> Callable[[int], bytes]:
    count = iter(range(1_000_000))
    return lambda width: some(f"salt {next(count)} of {name}", width)


@dataclass
class WholeLog:
    """What a verifier is given, and what only its author has."""

    entries: list[bytes]
    parts: list[dict[int, bytes]]
    note: bytes
    keys: Mapping[bytes, bytes]
    own: OwnLog = field(repr=False)
    signer: SigningKey = field(repr=False)


def shared(kind: str, payload: object = None, **changed: object) -> bytes:
    """Part 0 of one event."""
    fields = {
        "type": f"golden.{kind}/1",
        "by": some("grant"),
        "command": some("command", 16),
        "cause": b"",
        "entity": some("entity", 16),
        "saw": (),
        "payload": msgspec.Raw(encode_json({} if payload is None else payload)),
    }
    return content.encode(Shared(**(fields | changed)))  # type: ignore[arg-type]  # the fields are named above


def whole(log: OwnLog, batch: Batch, signer: SigningKey) -> WholeLog:
    """The log after its first commit."""
    point = checkpoint.Checkpoint(checkpoint.origin(batch.head.space, batch.head.log), batch.head.size, batch.root)
    return WholeLog(
        [one.entry.data for one in batch.sealed],
        [dict(enumerate(one.parts)) for one in batch.sealed],
        checkpoint.note_from(point, batch.signature, signer.public),
        {secret.id: secret.key for secret in (SPACE_KEY, SUBJECT_KEY)},
        log,
        signer,
    )


def build(name: str, genesis: Callable[[bytes], Genesis], drafts: list[Draft]) -> WholeLog:
    """One log with these entries after its first, committed once."""
    signer = key_of(name)
    log = OwnLog.found(genesis(signer.public), signer, STARTED, entropy_of(name))
    for at, draft in enumerate(drafts):
        log.add(draft, STARTED + 1000 * (at + 1))
    batch = log.commit()
    log.committed(batch)
    return whole(log, batch, signer)


def founding(name: str, kind: Kind) -> Callable[[bytes], Genesis]:
    """Entry 0 of a new space. A personal space has no recovery keys."""
    recovery = RecoveryKeys(0, ()) if kind == "personal" else RecoveryKeys(2, tuple(some(f"r{n}") for n in range(3)))
    return lambda public: Genesis(
        (),
        (),
        b"",
        kind,
        "ed25519",
        public,
        some(f"salt of {name}"),
        recovery=recovery,
        device=some("device"),
        box=some("box"),
    )


def sealed(kind: str, payload: object = None, *personal: bytes, deps: tuple[Dep, ...] = ()) -> Draft:
    return Draft(shared(kind, payload), SPACE_KEY, tuple((SUBJECT_KEY, words) for words in personal), deps)


def clear(kind: str, payload: object = None) -> Draft:
    return Draft(shared(kind, payload), None)


def org() -> WholeLog:
    """Sealed entries: without personal parts, with one, with all fifteen, with deps, and with odd but lawful text."""
    other = [Dep(some(f"log {n}"), n, some(f"head {n}")) for n in (0, 7, 2**53 - 1)]
    odd = {"": 0, '~\x7f\u2028\u2029\ufeff\U0001f680 \\ " / \b\f\n\r\t\x01\x1f': [None, True, False, -1, 2**53 - 1]}
    return build(
        "org",
        founding("org", "org"),
        [
            sealed("plain", {"title": "Jumptown"}),
            sealed("personal", {}, b"Ada"),
            sealed("crowded", {}, *(some(f"words {n}", 20 + n) for n in range(15))),
            sealed("after", {}, deps=tuple(other)),
            sealed("odd", odd),
            sealed("empty", {}, b""),
        ],
    )


def personal() -> WholeLog:
    return build("personal", founding("personal", "personal"), [sealed("ship", {"hull": 3}, b"My ship")])


def author() -> WholeLog:
    """A public log: in clear."""
    return build("author", founding("author", "author"), [clear("signed", {"n": n}) for n in range(5)])


def small() -> WholeLog:
    """A few entries, two of them with personal parts: for the hostile changes."""
    drafts = [sealed("a"), sealed("b", {}, b"Ada", b"Bob"), sealed("c", {}, b"Cid", b"Dot"), sealed("d")]
    return build("small", founding("small", "org"), drafts)


def lonely() -> WholeLog:
    """Nothing but its entry 0."""
    return build("lonely", founding("lonely", "org"), [])


def continuation() -> WholeLog:
    """Goes on with the org's log on another device."""
    before = org()
    head = before.own.head

    def genesis(public: bytes) -> Genesis:
        said = before.signer.sign(purpose("continues", head.space, head.log, public))
        continues = Continues(head.log, said)
        return Genesis(
            (), (), head.space, "org", "ed25519", public, some("salt of continuation"), continues=continues
        )

    dep = Dep(head.log, head.size - 1, head.id[:32])
    return build("continuation", genesis, [sealed("continued", {}, deps=(dep,))])


def recovery() -> WholeLog:
    """The founder lost all his devices: two of three recovery keys give him a new log."""
    head = org().own.head
    keepers = [key_of(f"keeper {n}") for n in range(3)]

    def genesis(public: bytes) -> Genesis:
        kept = (Dep(head.log, head.size - 1, head.id[:32]),)
        keys = tuple(some(f"next {n}") for n in range(3))
        statement = Statement(
            head.space, 1, (head.space,), public, some("new device"), some("new box"), kept, 2, keys
        )
        message = purpose("recovery") + encode_json(statement)
        signatures = tuple(Signature(keeper.public, keeper.sign(message)) for keeper in keepers[:2])
        return Genesis(
            (),
            (),
            head.space,
            "org",
            "ed25519",
            public,
            some("salt of recovery"),
            recovers=Recovery(statement, signatures),
        )

    return build("recovery", genesis, [sealed("recovered")])


LOGS: dict[str, Callable[[], WholeLog]] = {
    "org": org,
    "personal": personal,
    "author": author,
    "small": small,
    "lonely": lonely,
    "continuation": continuation,
    "recovery": recovery,
}
