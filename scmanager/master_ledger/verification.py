"""Whether an artefact is what the author released: its bytes, a proof of logging, his keys and a policy; no network.

Every check that can be made is made, so that each thing that is wrong is told, not the first alone. Nothing here asks
for the author's server, and age alone refuses nothing.
"""

from collections.abc import Callable, Mapping
from typing import Final, TypeVar

import msgspec

from scmanager.domain.ledger import (
    AuditStatus,
    Channel,
    LedgerLog,
    LogKind,
    Plugin,
    PluginSigned,
    Update,
    UpdateSigned,
)
from scmanager.errors import ScManagerError, Untrusted
from scmanager.eventstore.checkpoint import Checkpoint, Note, parse_origin
from scmanager.eventstore.entry import Entry
from scmanager.eventstore.merkle import leaf_hash
from scmanager.master_ledger import submission
from scmanager.master_ledger.content_hash import cid
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.proof import Proof
from scmanager.master_ledger.version import precedence

STALE_S: Final = 14 * 86_400
AHEAD_S: Final = 26 * 3600
"""A cosignature from further in the future is none: as with entries (DESIGN 2, hlc)."""

_CHANNELS: Final = tuple(Channel)

T = TypeVar("T")


class OtherContent(Untrusted):
    """The file is not what was signed: its content hash is {found}, that of {signed} was signed."""

    code = "content-differs"
    hint = "Do not run it. Fetch the file again, from another source."


class OtherSize(Untrusted):
    """The file has {found} bytes, {signed} were signed."""

    code = "size-differs"
    hint = "It is cut short or something was added. Fetch it again."


class LogOfReports(Untrusted):
    """The author publishes nothing in log {log}: it is one that takes reports."""

    code = "log-of-reports"
    hint = "Whoever made this has the key of that log, and no other. Get the proof from another source."


class LogNotListed(Untrusted):
    """The proof is from a log that is none of the author's by key manifest {n}: {origin}."""

    code = "log-not-listed"
    hint = (
        "If the manifests given are not the newest, get those. Else somebody passes off another log as the author's."
    )


class LogNotAccepted(Untrusted):
    """The policy does not list the log that the proof is from."""

    code = "log-not-accepted"
    hint = "Get the newest policy from the author."


class LogClosed(Untrusted):
    """The author closed that log at {final} entries, and the proof's head ({size}) is not of that history."""

    code = "log-closed"
    hint = "Its key may be stolen. Get a proof against the head at which the log was closed."


class HeadUnwitnessed(Untrusted):
    """The proof's head is older than the closing of its log, and no witness vouches for it."""

    code = "head-unwitnessed"
    hint = "Get a proof against the head at which the log was closed, or use a policy with witnesses."


class NotWitnessed(Untrusted):
    """Too few witnesses have cosigned the head: {have} of those in the policy, which is no quorum."""

    code = "not-witnessed"
    hint = (
        "Get it again later, or from where the head lies cosigned. A mirror that logs are uploaded to shows its own"
        " word alone, which counts where the policy lists its key. Cosignatures dated more than a day ahead of this"
        " machine's clock do not count."
    )


class NotIncluded(Untrusted):
    """The entry is not in the tree that the log signed."""

    code = "not-included"
    hint = "Get the proof again, from another source."


class OtherStatement(Untrusted):
    """The entry is no {wanted}, it is a {found}."""

    code = "other-statement"
    hint = "Give the proof that belongs to this file."


class OtherLedger(Untrusted):
    """The statement was signed for another ledger."""

    code = "other-ledger"
    hint = "It is of another author, or this machine trusts another ledger than you mean: --ledger ID or SCM_TRUST."


class NotNewer(Untrusted):
    """Version {version} is not newer than {installed}, which is installed."""

    code = "not-newer"
    hint = "Keep what is installed. To go back, the author releases the old content under a higher version."


class OtherChannel(Untrusted):
    """The update is for the channel {channel}, and this installation follows {followed}."""

    code = "other-channel"
    hint = "Wait until it is released there, or follow the bolder channel."


class PluginNotPassed(Untrusted):
    """The plugin's audit status is {status}."""

    code = "plugin-not-passed"
    hint = "Do not install it. Only a plugin that the author has passed runs."


class CoreTooOld(Untrusted):
    """The plugin needs version {required}; {installed} is installed."""

    code = "core-too-old"
    hint = "Update first."


class Artefact(msgspec.Struct, frozen=True):
    """A file, by its SHA-256 (32 bytes) and its size."""

    sha256: bytes
    size_bytes: int


class Here(msgspec.Struct, frozen=True):
    """The installation that asks."""

    version: str
    channel: Channel
    now_s: int
    """Its clock, UTC seconds."""


class Report(msgspec.Struct, frozen=True):
    """What came of it."""

    said: Update | Plugin | None
    """What the statement claims; nothing to go by unless `ok`."""
    problems: tuple[ScManagerError, ...]
    remarks: tuple[str, ...] = ()
    """What its owner should know, though it refuses nothing."""
    head: bytes = b""
    """The note that the proof leads to, if a log of the ledger signed it."""

    @property
    def ok(self) -> bool:
        """Whether all that was checked holds."""
        return self.said is not None and not self.problems


class _Checks:
    """Collects what is wrong."""

    def __init__(self) -> None:
        self.problems: list[ScManagerError] = []

    def of(self, check: Callable[[], T]) -> T | None:
        try:
            return check()
        except Untrusted as error:
            self.problems.append(error)
            return None


def verify_update(artefact: Artefact, proof: bytes, keys: TrustedKeys, policy: Policy, here: Here) -> Report:
    """Whether this file is an update that this installation may apply. Raises nothing."""
    return _verify(UpdateSigned, artefact, proof, keys, policy, here)


def verify_plugin(artefact: Artefact, proof: bytes, keys: TrustedKeys, policy: Policy, here: Here) -> Report:
    """Whether this file is a plugin that this installation may run. Raises nothing."""
    return _verify(PluginSigned, artefact, proof, keys, policy, here)


def _verify(
    kind: type[UpdateSigned | PluginSigned],
    artefact: Artefact,
    file: bytes,
    keys: TrustedKeys,
    policy: Policy,
    here: Here,
) -> Report:
    checks = _Checks()
    proof = checks.of(lambda: Proof.parse(file))
    if proof is None:
        return Report(None, tuple(checks.problems))
    note = proof.signed()
    point = Checkpoint.parse(note.text)
    cosigned = checks.of(lambda: policy.cosigned(note, here.now_s + AHEAD_S)) or {}
    log = checks.of(lambda: _log_of(point, note, keys))
    checks.of(lambda: check_head(point, log, policy, cosigned))
    said = None
    if carried := checks.of(proof.carried):
        one, shared = carried
        checks.of(lambda: _check_included(proof, point, one))
        said = checks.of(lambda: _statement(kind, shared))
        if said is not None:
            _check_statement(checks, said, one, artefact, keys, here)
    remarks, head = _remarks(said, policy, cosigned, here), proof.note if log else b""
    problems = sorted(checks.problems, key=lambda each: not isinstance(each, OtherLedger))  # It explains the others.
    return Report(said.statement if said else None, tuple(problems), remarks, head)


def _log_of(point: Checkpoint, note: Note, keys: TrustedKeys) -> LedgerLog:
    """The author's log that signed this head.

    Raises LogNotListed, LogOfReports, NotSigned, WrongSignature, BadCheckpoint.
    """
    space, log = parse_origin(point.origin)
    listed = keys.log(log)
    if listed is None or listed.space != space:
        raise LogNotListed(n=keys.manifest.n, origin=point.origin)
    note.signature_by(point.origin, listed.key)
    check_kind(listed)
    return listed


def check_kind(log: LedgerLog) -> None:
    """Whether the author's statements stand in this log. Raises LogOfReports."""
    if log.kind is not LogKind.LEDGER:
        raise LogOfReports(log=log.log.hex()[:16])


def check_head(point: Checkpoint, log: LedgerLog | None, policy: Policy, cosigned: Mapping[bytes, int]) -> None:
    """Whether one may go by a head. Raises NotWitnessed, LogNotAccepted, LogClosed, HeadUnwitnessed."""
    if not policy.is_met(cosigned):
        raise NotWitnessed(have=len(cosigned))
    if log is None:
        return
    if not policy.accepts_log(point.origin, log.key):
        raise LogNotAccepted
    if log.final is None:
        return
    if point.size > log.final.size or (point.size == log.final.size and point.root != log.final.root):
        raise LogClosed(size=point.size, final=log.final.size)
    if point.size < log.final.size and policy.quorum is None:
        raise HeadUnwitnessed


def _check_included(proof: Proof, point: Checkpoint, one: Entry) -> None:
    if parse_origin(point.origin)[1] != one.log or not proof.leads_from(leaf_hash(one.data), point):
        raise NotIncluded


def _statement(kind: type[UpdateSigned | PluginSigned], shared: bytes) -> UpdateSigned | PluginSigned:
    said = submission.from_part(shared)
    if not isinstance(said, kind):
        raise OtherStatement(wanted=kind.tag, found=said.tag)
    return said


def _check_statement(
    checks: _Checks, said: UpdateSigned | PluginSigned, one: Entry, artefact: Artefact, keys: TrustedKeys, here: Here
) -> None:
    statement = said.statement
    checks.of(lambda: _check_ledger(statement, keys))
    checks.of(lambda: keys.check_release(said, one.log, one.seq))
    checks.of(lambda: _check_content(statement, artefact))
    match statement:
        case Update():
            checks.of(lambda: _check_size(statement, artefact))
            checks.of(lambda: _check_newer(statement, here))
            checks.of(lambda: _check_channel(statement, here))
        case Plugin():
            checks.of(lambda: _check_passed(statement))
            checks.of(lambda: _check_core(statement, here))


def _check_ledger(statement: Update | Plugin, keys: TrustedKeys) -> None:
    if statement.ledger != keys.ledger:
        raise OtherLedger


def _check_content(statement: Update | Plugin, artefact: Artefact) -> None:
    found = cid(artefact.sha256)
    if found != statement.content_hash:
        raise OtherContent(found=found, signed=statement.content_hash)


def _check_size(update: Update, artefact: Artefact) -> None:
    if artefact.size_bytes != update.size_bytes:
        raise OtherSize(found=artefact.size_bytes, signed=update.size_bytes)


def _check_newer(update: Update, here: Here) -> None:
    if precedence(update.version) <= precedence(here.version):
        raise NotNewer(version=update.version, installed=here.version)


def _check_channel(update: Update, here: Here) -> None:
    if _CHANNELS.index(update.channel) < _CHANNELS.index(here.channel):
        raise OtherChannel(channel=update.channel, followed=here.channel)


def _check_passed(plugin: Plugin) -> None:
    if plugin.audit_status is not AuditStatus.PASS:
        raise PluginNotPassed(status=plugin.audit_status)


def _check_core(plugin: Plugin, here: Here) -> None:
    if precedence(plugin.required_core_version) > precedence(here.version):
        raise CoreTooOld(required=plugin.required_core_version, installed=here.version)


def _remarks(
    said: UpdateSigned | PluginSigned | None, policy: Policy, cosigned: Mapping[bytes, int], here: Here
) -> tuple[str, ...]:
    remarks = []
    seen_s = seen_by_a_quorum(policy, cosigned)
    if policy.quorum is None:
        remarks.append("The policy asks for no witness: nobody but the log vouches that others are shown the same.")
    elif seen_s is not None and here.now_s - seen_s > STALE_S:
        days = (here.now_s - seen_s) // 86_400
        remarks.append(f"A quorum of witnesses saw this head {days} days ago: there may be newer releases, or keys.")
    if isinstance(said, UpdateSigned) and precedence(said.statement.min_supported_version) > precedence(here.version):
        remarks.append(f"By this update {here.version}, which is installed, is not supported any more.")
    return tuple(remarks)


def seen_by_a_quorum(policy: Policy, cosigned: Mapping[bytes, int]) -> int | None:
    """The latest time by which a quorum had cosigned at that time or later; None without a quorum."""
    for since_s in sorted(set(cosigned.values()), reverse=True):
        if policy.is_met({name: at_s for name, at_s in cosigned.items() if at_s >= since_s}):
            return since_s
    return None
