"""What a folder holds of the ledger's logs, held against the heads that this machine goes by (ADR 21).

Entries come from sources that were followed, and as files from anybody, under heads that the log's key alone signed.
So what lies at home counts as far as it is the history that was followed. What came beyond that can take something
back, as the author signed it; it lets nothing pass, and keeps nobody from being asked.
"""

from collections.abc import Collection, Iterable, Mapping

from msgspec import Struct
from msgspec.structs import replace

from scmanager.application.published import Head
from scmanager.application.published_registry import statement_in
from scmanager.domain.counting import Counted, PluginCounted
from scmanager.domain.ledger import LedgerLog, Plugin, PluginSigned, UpdateSigned
from scmanager.errors import Untrusted
from scmanager.eventstore import entry, own_log
from scmanager.eventstore.checkpoint import Checkpoint, note_from, origin, parse_origin
from scmanager.eventstore.head_fork import HeadFork
from scmanager.eventstore.log_copy import PAGE_ROWS, note_of
from scmanager.eventstore.merkle import CompactRange, consistency_proof, leaf_hash, root_of
from scmanager.eventstore.store import Store
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.registry import Registered, Registry
from scmanager.master_ledger.seen import Outcome, Seen


class OtherCopy(Untrusted):
    """What lies here of log {log} is another history than the one that was followed."""

    code = "ledger-copy-differs"
    hint = (
        "Nothing of it counts. Fetch the ledger into a new data folder, and keep this one: who gave it to you lied."
    )


class HomeLog(Struct, frozen=True):
    """A log of the ledger as it lies here."""

    log: LedgerLog
    note: bytes
    """The newest head that came with it, signed by the log."""
    leaves: tuple[bytes, ...]
    whole: int
    """So many entries from the beginning have their words."""
    said: tuple[Registered, ...]
    counts: tuple[Counted, ...] = ()

    def root(self, size: int) -> bytes:
        """Over the first `size` leaves."""
        return root_of(self.leaves[:size])


class Compared(Struct, frozen=True):
    """What came of it."""

    seen: Seen
    """With evidence against each log that signed both what lies here and what was followed."""
    known: Mapping[bytes, int]
    """Of each log so many entries from its beginning are those that were followed."""


class Judged(Struct, frozen=True):
    """What counts of the registry by all logs of the ledger that are here, as event ids, 64 bytes each."""

    updates: tuple[bytes, ...] = ()
    """What holds of each version on each channel, in the order of `Registry.updates`."""
    settled: tuple[bytes, ...] = ()
    """Of each version what holds on the most settled channel."""
    plugins: tuple[bytes, ...] = ()
    """What holds of each plugin, by its id."""
    counts: tuple[PluginCounted | None, ...] = ()
    """What was counted of each of these plugins."""
    entries: tuple[bytes, ...] = ()
    """All that counts about plugins, of each the history."""


def home_logs(store: Store, logs: Iterable[LedgerLog], seen: Seen) -> list[HomeLog]:
    """Those of the ledger's logs of which something is here. Raises as the store.

    Of a closed log that is here with several histories, the one that its end belongs to; where that is not here yet,
    the one of which most was followed.
    """
    found = list[HomeLog]()
    for log in logs:
        branches = sorted((each for each in store.heads(log.space) if each.log == log.log), key=_branch)
        if log.final is not None and len(branches) > 1:
            followed = [(each.size, each.root) for each in reversed(seen.heads_of(log.log))]
            ends = [(log.final.size, log.final.root), *(each for each in followed if each[0] < log.final.size)]
            roots = {each.branch: _roots(store, each, {size for size, _ in ends}) for each in branches}
            fitting = (each for size, root in ends for each in branches if roots[each.branch].get(size) == root)
            branches = [next(fitting, branches[0])]
        found += [_copy(store, log, each) for each in branches[:1]]
    return found


def _branch(head: own_log.Head) -> int:
    return head.branch


def _roots(store: Store, head: own_log.Head, sizes: Collection[int]) -> dict[int, bytes]:
    """Over so many of the first leaves of a branch, none of which is kept; of the sizes that it has."""
    tree, found = CompactRange(), dict[int, bytes]()
    for size in sorted(each for each in sizes if each <= head.size):
        while tree.size < size:
            rows = store.read(head.log, head.branch, tree.size, min(PAGE_ROWS, size - tree.size))
            tree = tree.extend(leaf_hash(row.data) for row in rows)
        found[size] = tree.root()
    return found


def _copy(store: Store, log: LedgerLog, head: own_log.Head) -> HomeLog:
    leaves, whole, said, counts = list[bytes](), 0, list[Registered](), list[Counted]()
    while page := store.read(log.log, head.branch, len(leaves), min(PAGE_ROWS, head.size - len(leaves))):
        for row in page:
            one = entry.parse(row.data)
            whole += whole == len(leaves) and bool(row.shared or not one.parts)
            match statement_in(row.shared):
                case UpdateSigned() | PluginSigned() as statement:
                    said.append(Registered(log.log, len(leaves), one.id, statement))
                case PluginCounted() as counted:
                    counts.append(Counted(log.log, len(leaves), counted))
            leaves.append(leaf_hash(row.data))
    note = note_of(store, head)
    point = Checkpoint(origin(log.space, log.log), note.size, note.root)
    signed = note_from(point, note.signature, log.key)
    return HomeLog(log, signed, tuple(leaves), whole, tuple(said), tuple(counts))


def compared(seen: Seen, homes: Iterable[HomeLog], shown: Head | None = None) -> Compared:
    """The logs at home beside what was seen. `shown`: the newest head of a source, which was followed."""
    known = dict[bytes, int]()
    for home in homes:
        log = home.log
        if seen.fork_of(log):
            continue
        places = _followed(seen, home, shown)
        if log.final is not None:  # What a thief signed before it was closed convicts nobody any more.
            end = [(log.final.size, log.final.root)] if log.final.size <= len(home.leaves) else []
            places = end or [(size, root) for size, root in places if home.root(size) == root]
        if all(home.root(size) == root for size, root in places):
            known[log.log] = min(max((size for size, _ in places), default=0), home.whole)
        elif log.final is None and (proof := _evidence(seen, home, shown)):
            seen = replace(seen, forks=(*seen.forks, proof))
    return Compared(seen, known)


def told_below(found: Compared, homes: Iterable[HomeLog]) -> dict[bytes, int]:
    """How much of each log is told in lists: of an open one all that is here, of a closed one what is known.

    Nothing of one that signed two histories. A thief may have gone on with a closed one.
    """
    sizes = dict(found.known)
    sizes |= {each.log.log: len(each.leaves) for each in homes if each.log.log in sizes and each.log.final is None}
    return {each.log.log: sizes.get(each.log.log, 0) for each in homes}


def checked(seen: Seen, homes: Iterable[HomeLog], shown: Head | None = None) -> Outcome:
    """The same, where nothing else is asked. The problem: OtherCopy."""
    homes = list(homes)
    found = compared(seen, homes, shown)
    others = [each.log for each in homes if each.log.log not in found.known]
    return Outcome(found.seen, OtherCopy(log=others[0].log.hex()[:16]) if others else None)


def registry_of(homes: Iterable[HomeLog], keys: TrustedKeys, known: Mapping[bytes, int] | None = None) -> Registry:
    """What is registered at home, or below these sizes of it; `homes` as the manifest lists the logs."""
    registry = Registry(keys)
    for home in homes:
        below = len(home.leaves) if known is None else known.get(home.log.log, 0)
        for each in home.said:
            if each.index < below:
                registry.enter(each)
        for counted in home.counts:
            if counted.index < below:
                registry.count(counted)
    return registry


def judged(store: Store, seen: Seen, logs: Iterable[LedgerLog]) -> Judged:
    """As `scm ledger` tells it of these logs. Raises as the store."""
    homes = home_logs(store, logs, seen)
    registry = registry_of(homes, seen.keys(), told_below(compared(seen, homes), homes))
    updates, plugins = registry.updates(), list(registry.plugins())
    versions = dict.fromkeys(each.said.statement.version for each in updates)
    settled = [one for version in versions if (one := registry.update(version))]
    ids = [_plugin_id(each) for each in plugins]
    entries = [each for id_ in ids for each in registry.plugin(id_)]
    counts = tuple(registry.counts(id_) for id_ in ids)
    return Judged(_ids(updates), _ids(settled), _ids(plugins), counts, _ids(entries))


def _ids(found: Iterable[Registered]) -> tuple[bytes, ...]:
    return tuple(each.event_id for each in found)


def _plugin_id(one: Registered) -> str:
    said = one.said.statement
    assert isinstance(said, Plugin)
    return said.id


def _followed(seen: Seen, home: HomeLog, shown: Head | None) -> list[tuple[int, bytes]]:
    """(size, root) of each head that was followed and is not larger than what lies here; as large, where it is.

    Of a source that lags behind the head that it shows: it counts by itself, and home has to agree with it.
    """
    log, size = home.log, len(home.leaves)
    found = [(each.size, each.root) for each in seen.heads_of(log.log)]
    if shown is not None and _is_of(log, shown):
        place = min(size, shown.point.size)
        found.append((place, shown.tree.root(place)))
    return [(place, root) for place, root in found if place <= size]


def _is_of(log: LedgerLog, head: Head) -> bool:
    return parse_origin(head.point.origin) == (log.space, log.log)


def _evidence(seen: Seen, home: HomeLog, shown: Head | None) -> HeadFork | None:
    """None where the head at home is not signed by the key that the keepers list."""
    log, size = home.log, len(home.leaves)
    try:
        smaller = [(each.note, each.point()) for each in seen.heads]
        smaller += [(shown.note, shown.point)] if shown is not None else []
        for note, point in smaller:
            if (
                parse_origin(point.origin)[1] == log.log
                and point.size <= size
                and home.root(point.size) != point.root
            ):
                path = tuple(consistency_proof(point.size, home.leaves))
                return HeadFork.make(log.key, note, home.note, home.root(point.size), path)
        if shown is not None and _is_of(log, shown) and shown.point.size > size:
            root, path = shown.tree.root(size), tuple(shown.tree.consistency(size, shown.point.size))
            return HeadFork.make(log.key, home.note, shown.note, root, path)
    except Untrusted:
        pass
    return None
