"""The author's ledger is written here: it is founded once in a folder, and takes what the author's keys have signed.

No member decides what it says, so none of this is a verb (ADR 18): a file comes in, from whomever, and its statements
count by their signatures alone. What no installation would take is refused before it stands in the log for ever.
"""

from collections.abc import Sequence

from scmanager.application.desk import Desk
from scmanager.application.writer import Result
from scmanager.domain.anchoring import HeadsAnchored
from scmanager.domain.counting import Counted, Place, PluginCounted, enter, flaw_of
from scmanager.domain.ledger import KeysPublished, LogKind
from scmanager.domain.naming import ServerNamed
from scmanager.domain.payload import TUPLE_MAX
from scmanager.errors import Conflict, Refused
from scmanager.eventstore.entry import encode_json
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.registry import Registry
from scmanager.master_ledger.submission import StatementUnusable, Submission
from scmanager.master_ledger.verification import OtherLedger
from scmanager.spaces.ledger import Entered, counted_in, entered, index_of, keys_of, next_keys, registry_of

STATEMENT_BYTES_MAX = 60_000
"""What is said around it in part 0 has room beside it, and part 0 in a bundle of 65,535 bytes a piece."""


class LedgerThere(Conflict):
    """This folder holds a ledger already."""

    code = "ledger-there"
    hint = "Go on with it: scm author append FILE. For another one, use a folder of its own (--data)."


class LedgerNotBegun(Refused):
    """No key manifest stands in this ledger yet."""

    code = "ledger-not-begun"
    hint = (
        "Enter the key manifests first: scm author append with the file that scm author manifest wrote. A folder that"
        " was copied or put back says by scm author log what it needs."
    )


class LogNotOpen(Refused):
    """By key manifest {n} this log is not one of the author's, or it is closed."""

    code = "log-not-open"
    hint = "Have the keepers list it: scm author manifest --after FILE --log LINE, with the line of scm author log."


class OwnLogClosed(LogNotOpen):
    """By key manifest {n} this log is closed at {size} entries: nothing more is entered in it."""

    code = "own-log-closed"
    hint = (
        "What lies below stays good; keep it published. Begin a further log in a new data folder, and have the"
        ' keepers list that one: docs/manual-author.md, "A further log".'
    )


class OtherRoots(Refused):
    """The root keys of the newest manifest are not those that this ledger was made with."""

    code = "other-roots"
    hint = "Make the ledger with the root keys that the keepers have now: scm author init, in a fresh folder."


class CountUnusable(Refused):
    """What is counted of {plugin} cannot be entered: {why}."""

    code = "count-unusable"
    hint = "Nothing of the file was entered. Correct what is named, and repeat the command."


def found(desk: Desk) -> Result:
    """What stands in a ledger's space at first: nothing but its beginning. Raises LedgerThere."""
    if desk.own_spaces("author"):
        raise LedgerThere
    return {"log": desk.log_id.hex()}


def append(desk: Desk, submissions: Sequence[Submission]) -> Result:
    """Enter these statements, all of them or none; answers the index of each. What stands there already stays so.

    Raises LedgerNotBegun, LogNotOpen, OtherRoots, StatementUnusable, OtherLedger, DoesNotFollow, SignaturesMissing,
    SignatureForged.
    """
    statements = entered(desk.space, desk.log_id)
    keys, begun = keys_of(statements), bool(statements)
    indices = []
    for each in submissions:
        index = index_of(statements, each.statement)
        if index is None:
            keys = next_keys(keys, each) if isinstance(each, KeysPublished) else keys
            if keys is None:
                raise LedgerNotBegun
            index = _enter(desk, each, keys)
            statements.append(Entered(index, each))
        indices.append(index)
    if keys is None:
        raise LedgerNotBegun
    _check_open(desk, keys)
    if not begun:
        _check_roots(desk, keys)
    desk.governs = True  # Keys may have changed: what follows is decided on what is committed.
    return {"ledger": keys.ledger.hex(), "indices": indices}


def name_server(desk: Desk, key: bytes, not_after_s: int) -> Result:
    """Name a server's key (32 bytes) until then, UTC seconds; answers the index. Raises LedgerNotBegun, LogNotOpen.

    Raises StatementUnusable for a key that has another role.
    """
    keys = keys_of(entered(desk.space, desk.log_id))
    if keys is None:
        raise LedgerNotBegun
    _check_open(desk, keys)
    manifest = keys.manifest
    if key in {*manifest.root.keys, *manifest.release.keys, *(each.key for each in manifest.logs)}:
        raise StatementUnusable(why="the key has another role")
    said = desk.record(None, desk.organisation, ServerNamed(key, not_after_s))
    return {"ledger": keys.ledger.hex(), "index": said.entry.seq}


def anchor(desk: Desk, anchors: Sequence[bytes]) -> Result:
    """Anchor heads of other logs by these hashes (32 bytes each); answers the index.

    Raises LedgerNotBegun, LogNotOpen; StatementUnusable for none, and for more than an entry takes.
    """
    keys = keys_of(entered(desk.space, desk.log_id))
    if keys is None:
        raise LedgerNotBegun
    _check_open(desk, keys)
    if not 1 <= len(anchors) <= TUPLE_MAX:
        raise StatementUnusable(why=f"1 to {TUPLE_MAX} heads are anchored at a time")
    said = desk.record(None, desk.organisation, HeadsAnchored(tuple(sorted(anchors))))
    return {"ledger": keys.ledger.hex(), "index": said.entry.seq}


def count(desk: Desk, counts: Sequence[PluginCounted]) -> Result:
    """Enter what was counted of plugins, all of it or nothing; answers the index of each. What is counted so already
    stays so.

    Raises LedgerNotBegun, LogNotOpen; CountUnusable for an unknown plugin, for what cannot be, goes back, or is dated
    ahead of this machine's clock.
    """
    keys = keys_of(entered(desk.space, desk.log_id))
    if keys is None:
        raise LedgerNotBegun
    _check_open(desk, keys)
    registry = registry_of([desk.space], keys)
    held: dict[Place, Counted] = {}
    for each in counted_in(desk.space, desk.log_id):
        enter(held, each)
    desk.governs = True  # What else is counted is decided on what is committed.
    return {"ledger": keys.ledger.hex(), "indices": [_count(desk, each, registry, held) for each in counts]}


def _count(desk: Desk, said: PluginCounted, registry: Registry, held: dict[Place, Counted]) -> int:
    before = held.get((desk.log_id, said.plugin))
    if before is not None and before.said == said:
        return before.index
    why = flaw_of(said, before.said if before else None)
    if not registry.plugin(said.plugin):
        why = "the ledger has no such plugin"
    elif said.until > desk.now_s:
        why = "it is counted until a moment that has not come yet"
    if why:
        raise CountUnusable(plugin=said.plugin, why=why)
    index = desk.record(None, desk.organisation, said).entry.seq
    held[desk.log_id, said.plugin] = Counted(desk.log_id, index, said)
    return index


def _enter(desk: Desk, submission: Submission, keys: TrustedKeys) -> int:
    """Its index. What an installation will ask of it is asked here, but for the installation's own version."""
    if len(encode_json(submission)) > STATEMENT_BYTES_MAX:
        raise StatementUnusable(why=f"it has more than {STATEMENT_BYTES_MAX} bytes")
    index = desk.record(None, desk.organisation, submission).entry.seq
    if not isinstance(submission, KeysPublished):
        _check_open(desk, keys)
        if submission.statement.ledger != keys.ledger:
            raise OtherLedger
        keys.check_release(submission, desk.log_id, index)
    return index


def _check_open(desk: Desk, keys: TrustedKeys) -> None:
    log = keys.log(desk.log_id)
    if log is not None and log.final:
        raise OwnLogClosed(n=keys.manifest.n, size=log.final.size)
    if (
        log is None
        or log.kind is not LogKind.LEDGER
        or (log.space, log.key) != (desk.space.id, desk.space.public(desk.log_id))
    ):
        raise LogNotOpen(n=keys.manifest.n)


def _check_roots(desk: Desk, keys: TrustedKeys) -> None:
    above, root = desk.space.recovery_keys(), keys.manifest.root
    if (above.m, tuple(sorted(above.keys))) != (root.m, root.keys):
        raise OtherRoots
