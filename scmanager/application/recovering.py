"""Recovering: the founder's seat goes to a new log, by the word of the recovery keys (DESIGN 3, rule 11).

Used when his devices are lost or stolen, and to hand an organisation over: whoever the statement names speaks as the
founder from then on, and the recovery keys are new ones. Old sheets are of no use afterwards.
"""

from collections.abc import Sequence

from scmanager.application.keys import Keys as Vault
from scmanager.domain.records import Keys
from scmanager.errors import Refused
from scmanager.eventstore import signing
from scmanager.eventstore.entry import KEPT_MAX, Genesis, Recovery, Signature, Statement
from scmanager.eventstore.own_log import OwnLog
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.store import Row, Store
from scmanager.spaces.facts import statement_of
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space


class RecoveryKeysWrong(Refused):
    """These recovery keys do not suffice: {valid} of the {needed} that are needed belong to this space."""

    code = "recovery-keys-wrong"
    hint = "Use the sheets that were printed last for this organisation; older ones ended with a recovery."


class TooManyHeads(Refused):
    """The founder has written {count} logs, more than a recovery can keep."""

    code = "recovery-too-many-logs"
    hint = "This release cannot recover the space. Keep the files and the sheets, and report it."


class StatementOutdated(Refused):
    """Something was signed for this space since these recovery keys signed: the founder's seat is another one."""

    code = "recovery-outdated"
    hint = "Ask the holders of the recovery keys to sign the offer again, with the newest state at hand."


class NewKeysUnsound(Refused):
    """{needed} of {count} new recovery keys could be undercut: more than half must be needed."""

    code = "recovery-keys-unsound"
    hint = "Make the offer again with another number of recovery keys."


def new_statement(
    space: Space, key: bytes, device: bytes, box: bytes, needed: int, recovery_keys: tuple[bytes, ...]
) -> Statement:
    """What the recovery keys shall sign: it keeps every rank 0 entry that is held now.

    Raises TooManyHeads, NewKeysUnsound.
    """
    if needed < 1 or not Keys(needed, recovery_keys).sound:
        raise NewKeysUnsound(needed=needed, count=len(recovery_keys))
    n, on = space.verdicts.build_on
    logs = {log for each in space.verdicts.grants.values() if each.grant.rank == 0 for log in each.levels}
    heads = tuple(sorted((head for log in logs for head in space.heads(log)), key=lambda head: (head.log, head.id)))
    if len(heads) > KEPT_MAX:
        raise TooManyHeads(count=len(heads))
    return Statement(space.id, n, on, key, device, box, heads, needed, recovery_keys)


def message_of(statement: Statement) -> bytes:
    """The bytes that each recovery key signs."""
    return statement_of(statement).message


def check_signatures(space: Space, statement: Statement, signatures: Sequence[Signature]) -> Recovery:
    """The statement with its signatures, if enough of the standing recovery keys made them.

    Raises RecoveryKeysWrong.
    """
    standing = space.recovery_keys()
    message = message_of(statement)
    valid = {
        each.key: each
        for each in signatures
        if each.key in standing.keys and signing.verify(each.key, message, each.signature)
    }
    if not standing.m or len(valid) < standing.m:
        raise RecoveryKeysWrong(valid=len(valid), needed=standing.m)
    return Recovery(statement, tuple(valid[key] for key in sorted(valid)))


def take_seat(
    store: Store, shelf: Shelf, vault: Vault, recovery: Recovery, seed: bytes, salt: bytes, now_us: int
) -> bytes:
    """Open the founder's new log with the statement in its entry 0, or find it opened; returns the log's id.

    Raises RecoveryKeysWrong, StatementOutdated.
    """
    statement = recovery.statement
    space = shelf.space(statement.space)
    with shelf.lock:
        opened = _log_of(space, statement)
        if opened is not None:
            return opened  # A log's key writes one log: taking over twice is harmless.
        recovery = check_signatures(space, statement, recovery.signatures)
        if (statement.n, statement.on) != space.verdicts.build_on:
            raise StatementOutdated  # It would only dispute the seat.
        key = SigningKey(seed)
        genesis = Genesis((), (), space.id, space.kind, "ed25519", key.public, salt, recovers=recovery)
        log = OwnLog.found(genesis, key, max(now_us, space.hlc + 1))
        batch = log.commit()
        vault.put_log(batch.head.log, space.id, seed)
        pos = store.append(batch)
        shelf.take([Row(pos, batch.head.log, 0, batch.sealed[0].entry.data, b"")])
    return batch.head.log


def _log_of(space: Space, statement: Statement) -> bytes | None:
    for opened in space.entries():
        genesis = opened.entry.genesis
        if genesis is not None and genesis.recovers is not None and genesis.recovers.statement == statement:
            return opened.entry.log
    return None
