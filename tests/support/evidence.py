"""Evidence bundles put together by hand from logs whose every byte is fixed, and both verdicts on one."""

import argparse
from collections.abc import Collection, Sequence
from hashlib import sha3_256

from ops import verify_bundle
from scmanager.application import evidence_check
from scmanager.errors import Untrusted
from scmanager.eventstore.entry import parse
from scmanager.eventstore.evidence import Bundle, LogShown, Shown
from scmanager.eventstore.merkle import leaf_hash, root_of
from scmanager.eventstore.multi_proof import prove_many
from scmanager.eventstore.parts import SALT_BYTES, part_key
from tests.golden.logs import WholeLog
from tests.support.ledger import NOW_S

GIVEN = {
    "leaf": None,
    "origin": None,
    "space": None,
    "ledger": None,
    "log": None,
    "artefact": None,
    "manifests": None,
    "now_s": NOW_S,
}


def log_shown(
    log: WholeLog, seqs: Sequence[int], numbers: Collection[int] = (0,), reveal: Collection[int] = ()
) -> LogShown:
    """These entries with the parts of these numbers; the keys of the parts of those in `reveal`."""
    leaves = [leaf_hash(each) for each in log.entries]
    hashes = prove_many(seqs, len(leaves), lambda low, high: root_of(leaves[low:high]))
    return LogShown(tuple(_entry(log, seq, numbers, seq in reveal) for seq in seqs), tuple(hashes), log.note)


def _entry(log: WholeLog, seq: int, numbers: Collection[int], reveal: bool) -> Shown:
    one, held = parse(log.entries[seq]), log.parts[seq]
    parts = tuple((number, held[number]) for number in sorted(held) if number in numbers)
    keys = tuple(
        (number, part_key(log.keys[one.parts[number].key], log.signer.public, seq, number, stored[:SALT_BYTES]))
        for number, stored in parts
        if reveal
    )
    return Shown(seq, one.data, parts, keys)


def resealed(data: bytes) -> bytes:
    """The same lines with the last line that belongs to them: what anybody can do."""
    text = data[:-1].rpartition(b"\n")[0] + b"\n"
    return text + b"end " + sha3_256(text).hexdigest().encode() + b"\n"


def ours(data: bytes) -> bool:
    """Whether `scm audit check` finds that all of it holds."""
    try:
        return evidence_check.check(Bundle.parse(data)).ok
    except Untrusted:
        return False


def theirs(data: bytes, witness: Sequence[str] = (), **given: object) -> tuple[list[str], list[str]]:
    """What the verifier that stands alone says: what holds, and what is wrong."""
    return verify_bundle.check(data, argparse.Namespace(**GIVEN | given, witness=list(witness)))


def both(data: bytes) -> bool:
    """The verdict, once both agree on it."""
    verdict = ours(data)
    holds, wrong = theirs(data)
    assert (not wrong) == verdict, (holds, wrong)
    return verdict
