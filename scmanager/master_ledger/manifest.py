"""Key manifests: which keys are the author's, walked forward from the first by what each signs of the next (ADR 18).

`TrustedKeys` only grows by manifests that follow. It starts from the ledger's id: the hash of the first manifest,
which is all that an installation has to be given.
"""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from scmanager.domain.ledger import KeyManifest, KeysPublished, LedgerLog, LogKind, Quorum, Retired
from scmanager.errors import Untrusted
from scmanager.master_ledger.statement import flaw_of, manifest_hash
from scmanager.master_ledger.submission import Submission, signers


class NotThisLedger(Untrusted):
    """The first key manifest is of ledger {found}, not of {wanted}."""

    code = "not-this-ledger"
    hint = (
        "Compare the ledger's id with what the author publishes, and get the key manifests from him. Of a ledger of "
        "your own ledger: SCM_TRUST=FOLDER, or --ledger ID."
    )


class DoesNotFollow(Untrusted):
    """Key manifest {n} does not follow the one before it: {reason}."""

    code = "manifest-does-not-follow"
    hint = "Get the key manifests again, all of them and in order, from another source."


class SignaturesMissing(Untrusted):
    """The {role} keys of manifest {n} have not signed this {what}: {have} of {needed}."""

    code = "signatures-missing"
    hint = "The keepers of the other keys sign it with: scm author countersign."


_MINT = object()


class TrustedKeys:
    """The author's keys as of the newest manifest that follows. Made by `start` and `follow` only."""

    __slots__ = ("_roles", "ledger", "manifest")

    def __init__(
        self, mint: object, ledger: bytes, manifest: KeyManifest, roles: Mapping[bytes, str] = MappingProxyType({})
    ) -> None:
        """`roles`: of every key that had one in a manifest before."""
        if mint is not _MINT:
            raise TypeError("only a walk over manifests makes TrustedKeys")
        self.ledger, self.manifest, self._roles = ledger, manifest, {**roles, **roles_of(manifest)}

    @classmethod
    def start(cls, ledger: bytes, first: KeysPublished) -> "TrustedKeys":
        """From the first manifest, whose hash is the ledger's id.

        Raises NotThisLedger, DoesNotFollow, SignaturesMissing, SignatureForged.
        """
        found = manifest_hash(first.statement)
        if found != ledger or first.statement.n != 1:
            raise NotThisLedger(found=found.hex(), wanted=ledger.hex())
        _check_form(first.statement)
        _check_signed(first, first.statement.root, 1, "root")
        return cls(_MINT, ledger, first.statement)

    def follow(self, following: KeysPublished) -> "TrustedKeys":
        """The same one manifest on. Raises DoesNotFollow, SignaturesMissing, SignatureForged."""
        old, new = self.manifest, following.statement
        self.check_follows(new)
        _check_signed(following, old.root, old.n, "root")
        _check_signed(following, new.root, new.n, "root")
        return TrustedKeys(_MINT, self.ledger, new, self._roles)

    def check_follows(self, new: KeyManifest) -> None:
        """Returns if this may come next, once it is signed. Raises DoesNotFollow."""
        _check_form(new)
        if flaw := flaw_of_step(self.manifest, new) or self._flaw_of_roles(new):
            raise DoesNotFollow(n=new.n, reason=flaw)

    def log(self, log: bytes) -> LedgerLog | None:
        """The ledger's log of this id."""
        return next((each for each in self.manifest.logs if each.log == log), None)

    def ledger_logs(self) -> tuple[LedgerLog, ...]:
        """Those that statements count in, as they are listed."""
        return tuple(each for each in self.manifest.logs if each.kind is LogKind.LEDGER)

    def release_at(self, log: bytes, index: int) -> Quorum:
        """The release keys whose word counts in this log at this index: today's, and those retired later on."""
        retired = tuple(each.key for each in self.manifest.retired if _upto(each, log) > index)
        release = self.manifest.release
        return Quorum(release.m, tuple(sorted((*release.keys, *retired))))

    def check_release(self, submission: Submission, log: bytes, index: int) -> None:
        """Returns if the release keys signed this for an entry there. Raises SignaturesMissing, SignatureForged."""
        _check_signed(submission, self.release_at(log, index), self.manifest.n, "release")

    def _flaw_of_roles(self, new: KeyManifest) -> str:
        now = roles_of(self.manifest)
        for key, role in roles_of(new).items():
            if self._roles.get(key, role) != role:
                return "a key has another role than it had"
            if key in self._roles and key not in now:
                return "a key that was taken out comes back"
        return ""


def walk(ledger: bytes, manifests: Sequence[Submission]) -> TrustedKeys:
    """The keys after all of these, oldest first. Raises as `start` and `follow`; DoesNotFollow without any."""
    first, *others = _manifests(manifests)
    keys = TrustedKeys.start(ledger, first)
    for each in others:
        keys = keys.follow(each)
    return keys


def roles_of(manifest: KeyManifest) -> dict[bytes, str]:
    """What each of its keys is for; a retired one was a release key, and is none again."""
    release = [*manifest.release.keys, *(each.key for each in manifest.retired)]
    return {
        **dict.fromkeys(manifest.root.keys, "root"), **dict.fromkeys(release, "release"),
        **dict.fromkeys((each.key for each in manifest.logs), "log"),
    }  # fmt: skip


def flaw_of_step(old: KeyManifest, new: KeyManifest) -> str:
    """What keeps the second from following the first, but for signatures and older manifests; empty: nothing."""
    if new.n != old.n + 1:
        return f"the number after {old.n} is wanted"
    if new.prev != manifest_hash(old):
        return "it names another one as the one before"
    return _flaw_of_logs(old.logs, new.logs) or _flaw_of_keys(old, new)


def _manifests(submissions: Iterable[Submission]) -> list[KeysPublished]:
    found = list(submissions)
    manifests = [each for each in found if isinstance(each, KeysPublished)]
    if not manifests or len(manifests) != len(found):
        raise DoesNotFollow(n=len(manifests) + 1, reason="it is no key manifest")
    return manifests


def _check_form(manifest: KeyManifest) -> None:
    """Again, as nobody is bound to have parsed it."""
    if flaw := flaw_of(manifest):
        raise DoesNotFollow(n=manifest.n, reason=flaw)


def _check_signed(submission: Submission, quorum: Quorum, n: int, role: str) -> None:
    have = len(signers(submission, quorum))
    if have < quorum.m:
        raise SignaturesMissing(role=role, n=n, what=submission.tag, have=have, needed=quorum.m)


def _flaw_of_logs(old: Sequence[LedgerLog], new: Sequence[LedgerLog]) -> str:
    now = {each.log: each for each in new}
    for was in old:
        each = now.get(was.log)
        if each is None or (each.space, each.key, each.kind) != (was.space, was.key, was.kind):
            return "a log is dropped, or has another key or kind"
        if was.final and (each.final is None or each.final.size > was.final.size):
            return "a closed log is opened again"
        if was.final and each.final and each.final.size == was.final.size and each.final.root != was.final.root:
            return "a closed log ends in another head"
    return ""


def _flaw_of_keys(old: KeyManifest, new: KeyManifest) -> str:
    now = {each.key: each for each in new.retired}
    if not set(old.release.keys) - set(new.release.keys) <= set(now):
        return "a release key leaves without a word on what it signed"
    for was in old.retired:
        if was.key not in now:
            return "a retired key is forgotten"
        if any(row.size > _upto(was, row.log) for row in now[was.key].upto):
            return "a retired key counts further than it did"
    return ""


def _upto(retired: Retired, log: bytes) -> int:
    return next((row.size for row in retired.upto if row.log == log), 0)
