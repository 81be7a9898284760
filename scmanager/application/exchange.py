"""Exchange: what came from another machine is verified, admitted, and then follows the path of our own events."""

from collections.abc import Callable, Iterable, Set

import msgspec

from scmanager.application.keys import Keys
from scmanager.application.pieces import Brief, OtherSpace, awaited, is_piece, take_piece, unheard_of
from scmanager.domain.frontier import counted
from scmanager.domain.records import Clear
from scmanager.domain.recovery import succession
from scmanager.errors import Untrusted
from scmanager.eventstore import entry, signing, verification
from scmanager.eventstore.checkpoint import Checkpoint, note_from, origin
from scmanager.eventstore.entry import Genesis, Kind
from scmanager.eventstore.filling import Drained, drain
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

LOGS_MAX = 100_000
"""Of which one file may speak: what is remembered of a file between its readings stays small."""


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

    They are gone through several times, and one at a time lies in memory. A copy that does not begin with entry 0 is
    a piece: it is admitted if it fits by then, else it waits in `pending`. When there is no room for it PendingFull
    is raised, after the others came in: pause, and bring it again.

    Parts under keys that were erased here stay outside, whoever still carries them; so do logs that nothing speaks
    of, unless `strangers` are asked in. `announce` is told, just before anything is stored, which logs have more than
    is held here.
    """
    seen = _seen(space, logs)
    if not store.heads(space) and space not in seen.logs:
        raise FoundingMissing
    with shelf.lock:  # Nobody decides between the first log and the last.
        heads = store.heads(space)
        wanted = seen.logs if strangers else _spoken_of(shelf, space, seen, {head.log for head in heads})
        coming = {end.log: end for end in seen.ends.values() if end.log in wanted}
        pieces = awaited(store, shelf, space, coming, seen.named, seen.pieces)
        longer = {end.log for end in seen.ends.values() if end.log in wanted and not _is_held(store, end, heads)}
        announce(frozenset(longer | unheard_of(store, pieces)))
        wanted |= {piece.log for piece in pieces}
        try:
            done = _take_in(store, shelf, space, logs, wanted, is_erased)
        finally:
            shelf.follow()  # Also when the disk was full after some: what is stored counts.
    return Admitted(len(wanted), done.entries, done.dropped)


def _take_in(
    store: Store,
    shelf: Shelf,
    space: bytes,
    logs: Iterable[LogCopy],
    wanted: Set[bytes],
    is_erased: Callable[[bytes], bool],
) -> Drained:
    """Admit the founding log, the other logs' beginnings, what waited for them, and then the pieces."""
    new, dropped, now_s = 0, list[Dropped](), shelf.now_us() // 1_000_000
    for founding in (True, False):
        for copy in logs:
            log = entry.parse(copy.entries[0]).log
            if (log == space) is founding and log in wanted and not is_piece(copy):
                copy = _without_erased(copy, is_erased)
                new += store.admit(verify_copy(copy))
                _erase_again(store, copy, is_erased)
    came = drain(store, wanted)
    for copy in logs:
        new, dropped = new + came.entries, [*dropped, *came.dropped]
        came = Drained(0)
        if is_piece(copy) and entry.parse(copy.entries[0]).log in wanted:
            copy = _without_erased(copy, is_erased)
            came = take_piece(store, parse_run(space, copy.entries, copy.held, copy.note, now_s))
            _erase_again(store, copy, is_erased)
    return Drained(new + came.entries, (*dropped, *came.dropped))


class TooManyLogs(Untrusted):
    """This file speaks of more than {most} logs."""

    code = "exchange-too-many-logs"
    hint = "No organisation has as many. Ask who made it; the whole file was left outside."


class _Seen:
    """What the first going through leaves of all copies: enough to decide what may come in, never their bytes."""

    def __init__(self) -> None:
        self.ends: dict[tuple[bytes, int, bytes], Head] = {}
        """Heads up to which a branch is whole from entry 0 on, by log, size and id."""
        self.pieces: list[Brief] = []
        """Of those that continue none of these."""
        self.named: set[bytes] = set()
        """Logs of which some entry speaks."""
        self.clear: list[Clear] = []
        """Of what is whole: each entry 0, and each entry that introduces a log."""

    @property
    def logs(self) -> set[bytes]:
        """The logs of which something is whole."""
        return {log for log, _, _ in self.ends}

    def check_bounds(self) -> None:
        """Raises TooManyLogs."""
        if max(map(len, (self.ends, self.pieces, self.named, self.clear))) > LOGS_MAX:
            raise TooManyLogs(most=LOGS_MAX)


def _seen(space: bytes, logs: Iterable[LogCopy]) -> _Seen:
    """Verify every copy; a piece that continues none before it as far as it shows by itself.

    Raises Untrusted, OtherSpace, TooManyLogs.
    """
    seen = _Seen()
    for copy in logs:
        run = _verified(seen, copy)
        if run is None:
            piece = parse_run(space, copy.entries, copy.held, copy.note)
            seen.pieces.append(Brief(piece.log, piece.first, piece.note))
        elif run.head.space != space:
            raise OtherSpace
        else:
            seen.ends.pop(_place(run.after), None)
            seen.ends[_place(run.head)] = run.head
            for one in (one.entry for one in run.sealed if one.entry.deps or one.entry.genesis):
                clear = clear_of(one)
                seen.named.update(log for log, _, _ in clear.deps)
                if clear.genesis is not None or clear.new_log is not None:
                    seen.clear.append(clear)
        seen.check_bounds()
    return seen


def _verified(seen: _Seen, copy: LogCopy) -> VerifiedRun | None:
    """A copy from entry 0 on, or one that continues a copy before it; None for another piece. Raises Untrusted."""
    if not is_piece(copy):
        return verify_copy(copy)
    first = entry.parse(copy.entries[0])
    after = seen.ends.get((first.log, first.seq, first.prev))
    return verification.verify(after, copy.entries, copy.held, copy.note) if after is not None else None


def _place(head: Head) -> tuple[bytes, int, bytes]:
    return head.log, head.size, head.id


def _spoken_of(shelf: Shelf, space: bytes, seen: _Seen, known: set[bytes]) -> set[bytes]:
    """Those of logs that are here or count: anybody can sign others for any space, and they would stay for ever.

    Which logs count is told by entries 0 and by the entries that introduce logs alone: all of them are whole.
    """
    if seen.logs <= known:
        return seen.logs
    clear = list(seen.clear)
    for held in shelf.spaces():
        clear += [clear_of(each.entry) for each in held.entries()] if held.id == space else []
    proven = succession(space, clear, signing.verify).proven
    return seen.logs & (known | counted(space, clear, proven, signing.verify).logs)


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


def _erase_again(store: Store, copy: LogCopy, is_erased: Callable[[bytes], bool]) -> None:
    """An erasure that came between the look at its keys and the commit has missed the parts: they go now."""
    brought = zip(copy.entries, copy.held, strict=True)
    keys = {ref.key for data, parts in brought for n, ref in enumerate(entry.parse(data).parts) if n and n in parts}
    if gone := [key for key in keys if is_erased(key)]:
        store.erase(gone)


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


def open_log(store: Store, shelf: Shelf, vault: Keys, space: bytes, kind: Kind, salt: bytes, now_us: int) -> bytes:
    """A fresh log of ours in a space we do not act in yet: entry 0 alone, to be named by a grant. Returns its id."""
    key = SigningKey.generate()
    log = OwnLog.found(Genesis((), (), space, kind, "ed25519", key.public, salt), key, now_us)
    batch = log.commit()
    vault.put_log(batch.head.log, space, key.reveal_seed())
    pos = store.append(batch)
    shelf.take([Row(pos, batch.head.log, 0, batch.sealed[0].entry.data, b"")])
    return batch.head.log
