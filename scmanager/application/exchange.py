"""Exchange: what came from another machine is verified, admitted, and then follows the path of our own events."""

from collections.abc import Callable, Iterable

import msgspec

from scmanager.application.keys import Keys
from scmanager.application.pieces import OtherSpace, awaited, is_piece, take_pieces, unheard_of
from scmanager.domain.frontier import counted_logs
from scmanager.errors import Untrusted
from scmanager.eventstore import entry, signing
from scmanager.eventstore.checkpoint import Checkpoint, note_from, origin
from scmanager.eventstore.entry import Genesis, Kind
from scmanager.eventstore.fork import ForkProof
from scmanager.eventstore.log_copy import LogCopy, copy_of, verify_copy
from scmanager.eventstore.merkle import leaf_hash
from scmanager.eventstore.own_log import Head, OwnLog
from scmanager.eventstore.pending import Dropped, parse_run
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.store import Row, Store
from scmanager.eventstore.verification import VerifiedRun
from scmanager.spaces.facts import clear_of
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space


class FoundingMissing(Untrusted):
    """There is no beginning to these logs: neither here nor in the file is the log that founded their space."""

    code = "exchange-founding-missing"
    hint = "Have the sender export the whole space."


class Admitted(msgspec.Struct, frozen=True):
    """What an exchange brought."""

    logs: int
    entries: int
    """New ones; those that had waited for what came now are among them."""
    dropped: tuple[Dropped, ...] = ()
    """Runs without a beginning, of now or earlier, that proved to be none of their logs."""


def admit_logs(
    store: Store,
    shelf: Shelf,
    space: bytes,
    logs: Iterable[LogCopy],
    is_erased: Callable[[bytes], bool] = lambda _: False,
    announce: Callable[[frozenset[bytes]], None] = lambda _: None,
    *,
    strangers: bool = False,
) -> Admitted:
    """Verify all copies before the first is stored, then admit them. Raises Untrusted, OtherSpace, FoundingMissing.

    A copy that does not begin with entry 0 is a piece: it is admitted if it fits by then, else it waits in `pending`.
    When there is no room for it PendingFull is raised, after the others came in: pause, and bring it again.

    Parts under keys that were erased here stay outside, whoever still carries them; so do logs that nothing speaks
    of, unless `strangers` are asked in. `announce` is told, just before
    anything is stored, which logs have more than is held here.
    """
    copies = [_without_erased(copy, is_erased) for copy in logs]
    runs = [verify_copy(copy) for copy in copies if not is_piece(copy)]
    now_s = shelf.now_us() // 1_000_000
    pieces = [parse_run(space, copy.entries, copy.held, copy.note, now_s) for copy in copies if is_piece(copy)]
    if any(run.head.space != space for run in runs):
        raise OtherSpace
    if not store.heads(space) and not any(run.head.log == space for run in runs):
        raise FoundingMissing
    with shelf.lock:  # Nobody decides between the first log and the last.
        heads = store.heads(space)
        runs = runs if strangers else _spoken_of(shelf, space, runs, {head.log for head in heads})
        pieces = awaited(store, shelf, space, runs, pieces)
        longer = {run.head.log for run in runs if not _is_held(store, run.head, heads)}
        announce(frozenset(longer | unheard_of(store, pieces)))
        try:
            new = sum(store.admit(run) for run in _founding_first(runs))
            came = take_pieces(store, {run.head.log for run in runs}, pieces)
        finally:
            shelf.follow()  # Also when the disk was full after some: what is stored counts.
    return Admitted(len(runs) + len(pieces), new + came.entries, came.dropped)


def _spoken_of(shelf: Shelf, space: bytes, runs: list[VerifiedRun], known: set[bytes]) -> list[VerifiedRun]:
    """Those of logs that are here or count: anybody can sign others for any space, and they would stay for ever."""
    if all(run.head.log in known for run in runs):
        return runs
    clear = [clear_of(one.entry) for run in runs for one in run.sealed]
    for held in shelf.spaces():
        clear += [clear_of(each.entry) for each in held.entries()] if held.id == space else []
    counted = known | counted_logs(space, clear, signing.verify)
    return [run for run in runs if run.head.log in counted]


def _is_held(store: Store, head: Head, heads: Iterable[Head]) -> bool:
    """Whether some branch here, of these, holds everything up to this head."""
    for held in heads:
        if held.log == head.log and held.size >= head.size:
            row = store.read(held.log, held.branch, head.size - 1, 1)
            if row and entry.parse(row[0].data).id == head.id:
                return True
    return False


def _without_erased(copy: LogCopy, is_erased: Callable[[bytes], bool]) -> LogCopy:
    if all(held.keys() <= {0} for held in copy.held):
        return copy
    held = []
    for data, parts in zip(copy.entries, copy.held, strict=True):
        refs = entry.parse(data).parts if parts.keys() - {0} else ()
        held.append({n: part for n, part in parts.items() if n == 0 or n >= len(refs) or not is_erased(refs[n].key)})
    return LogCopy(copy.entries, held, copy.note)


class Fork(msgspec.Struct, frozen=True):
    """A log that signed two histories, with the evidence that anybody can check."""

    log: bytes
    index: int
    """The first seq that differs."""
    proof: bytes
    """As `fork.ForkProof` spells it: the entries themselves are not in it."""


def forks_of(store: Store, space: Space) -> list[Fork]:
    """Every fork that is held in a space, from the two notes that the log's own key signed."""
    found = []
    for log in space.forks():
        public = space.public(log)
        heads = [head for head in store.heads(space.id) if head.log == log]
        first, *others = (_history(store, head) for head in heads)
        for other in others:
            proof = ForkProof.make(public, first, other)
            found.append(Fork(log, proof.index, proof.to_bytes()))
    return found


def _history(store: Store, head: Head) -> tuple[bytes, list[bytes]]:
    """A branch as its note, and the leaf hashes under it."""
    copy = copy_of(store, head)
    point = Checkpoint(origin(head.space, head.log), copy.note.size, copy.note.root)
    return note_from(point, copy.note.signature, head.public), [leaf_hash(data) for data in copy.entries]


def _founding_first(runs: list[VerifiedRun]) -> list[VerifiedRun]:
    return sorted(runs, key=lambda run: run.head.log != run.head.space)


def open_log(store: Store, shelf: Shelf, vault: Keys, space: bytes, kind: Kind, salt: bytes, now_us: int) -> bytes:
    """A fresh log of ours in a space we do not act in yet: entry 0 alone, to be named by a grant. Returns its id."""
    key = SigningKey.generate()
    log = OwnLog.found(Genesis((), (), space, kind, "ed25519", key.public, salt), key, now_us)
    batch = log.commit()
    vault.put_log(batch.head.log, space, key.reveal_seed())
    pos = store.append(batch)
    shelf.take([Row(pos, batch.head.log, 0, batch.sealed[0].entry.data, b"")])
    return batch.head.log
