"""What a full audit adds: what counts and what not, every statement's signatures, and which gaps are lawful.

A part that is not there is *erased* when an erasure that counts has named its key, and else *not here*: it did not
come, or its bytes were taken away; its entry proves either way that it was. A part that is there and is another than
its entry names is tampering, which a deep audit finds.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

import msgspec

from scmanager.domain.governance import Erased
from scmanager.domain.ledger import KeysPublished
from scmanager.errors import Untrusted
from scmanager.eventstore.audit_chunk import Finding
from scmanager.eventstore.store import Store
from scmanager.master_ledger import submission
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.submission import SignatureForged, Submission
from scmanager.spaces.ledger import next_keys
from scmanager.spaces.space import Space

PAGE = 1_000


class Erasure(msgspec.Struct, frozen=True):
    """An erasure that counts."""

    event: bytes
    subject: bytes
    ground: str
    keys: int
    """How many it names."""
    parts: int
    """How many parts are absent for it."""


class SpaceFound(msgspec.Struct, frozen=True):
    """What a full audit found in one space."""

    space: bytes
    valid: int
    void: dict[str, int]
    """By reason."""
    sealed: int
    """Entries that cannot be read here for want of a key, and wait for a verdict."""
    erasures: tuple[Erasure, ...]
    not_here: int
    """Absent parts that no erasure explains."""


class StatementsFound(msgspec.Struct, frozen=True):
    """What stands in the log of an author's ledger."""

    ledger: bytes
    manifests: int
    signed: int
    """Statements whose signatures make them count."""
    void: int
    """Statements that count for nothing: keys that were retired since, manifests that do not follow."""
    findings: tuple[Finding, ...]


def of_space(space: Space, store: Store) -> SpaceFound:
    """Verdicts and gaps of one space. The caller holds the shelf's lock, or nobody writes."""
    verdicts = Counter(_reason(space, opened.entry.id32) for opened in space.entries())
    erasures = {
        opened.entry.id32: opened.event for opened in space.of_type(Erased.tag) if isinstance(opened.event, Erased)
    }
    erased = space.erased_keys()
    by_key = {key: event for event, said in reversed(erasures.items()) for key in said.keys if key in erased}
    gone, not_here = _gaps(space, store, by_key)
    found = tuple(
        Erasure(event, said.subject, said.ground, len(said.keys), gone[event]) for event, said in erasures.items()
    )
    valid = verdicts.pop("", 0)
    return SpaceFound(space.id, valid, dict(verdicts), space.waiting[1], found, not_here)


def of_statements(log: bytes, said: Sequence[tuple[int, Submission]]) -> StatementsFound:
    """Every statement in a log of the ledger, by its place and in order, by its own signatures."""
    findings: list[Finding] = []
    keys, manifests, void = _walked(log, said, findings)
    signed = len(manifests)
    for seq, each in said:
        if keys is None or isinstance(each, KeysPublished):
            continue
        try:
            keys.check_release(each, log, seq)
            signed += 1
        except SignatureForged as error:
            findings.append(Finding(log, seq, error.code, str(error)))
        except Untrusted:
            void += 1
    return StatementsFound(keys.ledger if keys else b"", len(manifests), signed, void, tuple(findings))


def manifests_among(said: Sequence[tuple[int, Submission]]) -> list[KeysPublished]:
    """The key manifests that follow each other, oldest first."""
    return _walked(b"", said, [])[1]


def read_statements(said: Iterable[tuple[int, bytes]]) -> Iterator[tuple[int, Submission]]:
    """Statements out of part 0s, by their place; what is of another type is passed over."""
    for seq, shared in said:
        with suppress(Untrusted):
            yield seq, submission.from_part(shared)


def _walked(
    log: bytes, said: Sequence[tuple[int, Submission]], findings: list[Finding]
) -> tuple[TrustedKeys | None, list[KeysPublished], int]:
    keys: TrustedKeys | None = None
    followed: list[KeysPublished] = []
    void = 0
    for seq, each in said:
        if not isinstance(each, KeysPublished):
            continue
        try:
            keys = next_keys(keys, each)
            followed.append(each)
        except SignatureForged as error:
            findings.append(Finding(log, seq, error.code, str(error)))
        except Untrusted:
            void += 1
    return keys, followed, void


def _reason(space: Space, id32: bytes) -> str:
    verdict = space.verdicts.entries.get(id32)
    if verdict is None:
        return "behind-a-gap"
    return "" if verdict.valid else verdict.reason.value if verdict.reason else "void"


def _gaps(space: Space, store: Store, by_key: dict[bytes, bytes]) -> tuple[Counter[bytes], int]:
    """How many parts are absent: by the erasure that took them, and for no reason that is here."""
    gone: Counter[bytes] = Counter()
    not_here = 0
    carrying = [opened for opened in space.entries() if len(opened.entry.parts) > 1]
    for at in range(0, len(carrying), PAGE):
        page = carrying[at : at + PAGE]
        held = store.parts(opened.pos for opened in page)
        for opened in page:
            for number, ref in enumerate(opened.entry.parts[1:], 1):
                if (opened.pos, number) in held:
                    continue
                event = by_key.get(ref.key)
                if event is None:
                    not_here += 1
                else:
                    gone[event] += 1
    return gone, not_here
