"""Issuing: the key manifests that an author writes next: the first, one with other keys, one that ends a key's word.

Nothing is signed here. What comes out follows the manifest it was made from (`manifest.flaw_of_step` has been asked).
"""

from collections.abc import Mapping, Sequence

from msgspec.structs import replace

from scmanager.domain.ledger import Final, KeyManifest, KeysPublished, LedgerLog, LogKind, Quorum, Retired, Upto
from scmanager.errors import Refused
from scmanager.eventstore.checkpoint import Checkpoint, parse_note, parse_origin
from scmanager.master_ledger.manifest import flaw_of_step
from scmanager.master_ledger.policy import ED25519, Policy, Vkey
from scmanager.master_ledger.statement import flaw_of, manifest_hash
from scmanager.master_ledger.submission import StatementUnusable, Submission, signers


class KeyWithoutRole(Refused):
    """Key {key} has no role in manifest {n}."""

    code = "key-without-role"
    hint = "Look at who has: scm author show FILE."


class HeadUnusable(Refused):
    """This head cannot end a key's word: {why}."""

    code = "head-unusable"
    hint = "Give the newest checkpoint of the log that witnesses have cosigned, as they keep it."


class HeadMissing(Refused):
    """A log is closed at a head of its own, and none was given."""

    code = "head-missing"
    hint = (
        "Give --head FILE, the last checkpoint that witnesses cosigned; --nothing-counts, where nothing in it shall."
    )


def first(root: Quorum, release: Quorum, logs: Sequence[LedgerLog], at_s: int) -> KeyManifest:
    """The manifest that a ledger begins with. Raises StatementUnusable."""
    return _sound(KeyManifest(1, b"", root, release, tuple(logs), (), at_s))


def following(
    old: KeyManifest,
    at_s: int,
    root: Quorum | None = None,
    release: Quorum | None = None,
    logs: Sequence[LedgerLog] = (),
) -> KeyManifest:
    """The next one: other keys where they are given, and more logs. Raises StatementUnusable.

    Both old and new release keys may stand for a while. To take one away, or a log, is `revocation`.
    """
    next_ = replace(
        old,
        n=old.n + 1,
        prev=manifest_hash(old),
        root=root or old.root,
        release=release or old.release,
        logs=(*old.logs, *logs),
        signed_at=at_s,
    )
    return _step(old, next_)


def revocation(
    old: KeyManifest, key: bytes, heads: Mapping[bytes, Final], at_s: int, instead: bytes | None = None
) -> KeyManifest:
    """The next one, in which this key has no word any more beyond these heads, by log.

    A root key is left out, a release key retired, the log of a log key closed. `instead` takes the place of a root or
    release key. Raises KeyWithoutRole, HeadMissing, HeadUnusable, StatementUnusable.
    """
    next_ = replace(old, n=old.n + 1, prev=manifest_hash(old), signed_at=at_s)
    if key in old.root.keys:
        return _step(old, replace(next_, root=_without(old.root, key, instead)))
    if key in old.release.keys:
        if any(each.log in heads and each.kind is not LogKind.LEDGER for each in old.logs):
            raise HeadUnusable(why="it is of a log of reports, where no release key signs anything")
        row = Retired(key, tuple(Upto(log, heads[log].size) for log in sorted(heads)))
        release = _without(old.release, key, instead)
        return _step(old, replace(next_, release=release, retired=(*old.retired, row)))
    log = next((each for each in old.logs if each.key == key), None)
    if log is None:
        raise KeyWithoutRole(key=key.hex(), n=old.n)
    if not heads:
        raise HeadMissing
    if set(heads) != {log.log}:
        raise HeadUnusable(why="a log is closed at a head of its own, and at that alone")
    closed = replace(log, final=heads[log.log])
    return _step(old, replace(next_, logs=tuple(closed if each is log else each for each in old.logs)))


def quorum(m: int, keys: Sequence[bytes]) -> Quorum:
    """These keys, in order."""
    return Quorum(m, tuple(sorted(keys)))


def log_of(vkey: str, kind: LogKind) -> LedgerLog:
    """The log whose public key this is, as its server prints it. Raises BadVkey, BadCheckpoint."""
    key = Vkey.parse(vkey)
    space, log = parse_origin(key.name)
    if key.kind != ED25519:
        raise StatementUnusable(why="this key signs no checkpoints")
    return LedgerLog(space, log, key.key, kind, None)


def vkey_of(log: LedgerLog, origin: str) -> str:
    """The log's public key for a policy or a manifest."""
    return Vkey(origin, ED25519, log.key).text()


def head_of(manifest: KeyManifest, note: bytes, policy: Policy | None, until_s: int) -> tuple[bytes, Final]:
    """The log and head in a checkpoint that its log signed and, with a policy, a quorum cosigned.

    Raises HeadUnusable, BadNote, BadCheckpoint, NotSigned, WrongSignature.
    """
    parsed = parse_note(note)
    point = Checkpoint.parse(parsed.text)
    space, log = parse_origin(point.origin)
    listed = next((each for each in manifest.logs if (each.space, each.log) == (space, log)), None)
    if listed is None:
        raise HeadUnusable(why="it is of no log of this ledger")
    parsed.signature_by(point.origin, listed.key)
    if policy and not policy.is_met(policy.cosigned(parsed, until_s)):
        raise HeadUnusable(why="its witnesses are no quorum of the policy")
    return log, Final(point.size, point.root)


def check_roots(old: KeyManifest | None, new: KeyManifest, keys: Sequence[bytes]) -> None:
    """Whether a manifest asks for the signatures of all these keys. Raises KeyWithoutRole."""
    asked = {*new.root.keys, *(old.root.keys if old else ())}
    for key in keys:
        if key not in asked:
            raise KeyWithoutRole(key=key.hex(), n=new.n)


def check_releases(manifest: KeyManifest, keys: Sequence[bytes]) -> None:
    """Whether all these keys sign updates and plugins. Raises KeyWithoutRole."""
    for key in keys:
        if key not in manifest.release.keys:
            raise KeyWithoutRole(key=key.hex(), n=manifest.n)


def missing(before: KeyManifest | None, submission: Submission, release: Quorum | None = None) -> int:
    """How many signatures it still lacks. `before`: the manifest before; `release`: who signs updates and plugins."""
    if isinstance(submission, KeysPublished):
        quorums = [submission.statement.root, *([before.root] if before else [])]
    else:
        quorums = [release] if release else []
    return max((max(0, each.m - len(signers(submission, each))) for each in quorums), default=0)


def _without(old: Quorum, key: bytes, instead: bytes | None) -> Quorum:
    left = [each for each in old.keys if each != key]
    return quorum(old.m, [*left, instead] if instead else left)


def _sound(manifest: KeyManifest) -> KeyManifest:
    if flaw := flaw_of(manifest):
        raise StatementUnusable(why=flaw)
    return manifest


def _step(old: KeyManifest, new: KeyManifest) -> KeyManifest:
    _sound(new)
    if flaw := flaw_of_step(old, new):
        raise StatementUnusable(why=flaw)
    return new
