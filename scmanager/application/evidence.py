"""Evidence bundles, made where the entries are: what was asked for, and what leads from there to the founding log.

Only what was asked for, the first entries of the logs on the way and the entries that took those logs in go along.
Nothing is opened unless it is said so: then the key of each single part goes along as well, which opens nothing else.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence

from scmanager.domain.recovery import succession
from scmanager.errors import Refused
from scmanager.eventstore import parts, signing
from scmanager.eventstore.entry import Entry
from scmanager.eventstore.evidence import ENTRIES_MAX, LOGS_MAX, Bundle, LogShown, Shown
from scmanager.eventstore.log_tree import LogTree
from scmanager.eventstore.own_log import Head
from scmanager.master_ledger import submission
from scmanager.spaces.facts import clear_of
from scmanager.spaces.ledger import entered, manifests_of
from scmanager.spaces.opening import KeyOf, Opened, parse_row
from scmanager.spaces.space import Space

Place = tuple[bytes, int]
"""(log, seq)"""

TreeOf = Callable[[Head], LogTree]


class NothingToShow(Refused):
    """There is no such entry here."""

    code = "evidence-empty"
    hint = "What there is, with its log and place, is shown by: scm log show --json."


class TooMuchToShow(Refused):
    """A bundle holds {most} entries of {logs} logs at most."""

    code = "evidence-too-large"
    hint = "Ask for less at a time: --log with a --range."


def about(space: Space, entity: bytes) -> list[Opened]:
    """Every entry that says something of one thing."""
    return [each for each in space.entries() if each.shared is not None and each.shared.entity == entity]


def within(space: Space, log: bytes, first: int, last: int) -> list[Opened]:
    """The entries of a log from one place to another, both included."""
    return [each for each in space.entries() if each.entry.log == log and first <= each.entry.seq <= last]


def make(
    space: Space, heads: Sequence[Head], asked: Iterable[Opened], tree_of: TreeOf, key_of: KeyOf | None = None,
    closed: Iterable[Opened] = (),
) -> Bundle:  # fmt: skip
    """The bundle about these entries, `key_of` to open their shared parts. The caller holds the shelf's lock.

    `closed`: further entries, that are not opened.

    Raises NothingToShow, TooMuchToShow, and as LogTree.
    """
    wanted: dict[tuple[bytes, int], set[int]] = {}
    for each in asked:
        wanted.setdefault((each.entry.log, each.branch), set()).add(each.entry.seq)
    if not wanted:
        raise NothingToShow
    revealed = {(log, branch): frozenset(seqs) for (log, branch), seqs in wanted.items()}
    for each in closed:
        wanted.setdefault((each.entry.log, each.branch), set()).add(each.entry.seq)
    for log, seq in _way(space, {log for log, _ in wanted}):
        for place in [place for place in wanted if place[0] == log] or [(log, 0)]:
            wanted.setdefault(place, set()).add(seq)
    if sum(len(seqs | {0}) for seqs in wanted.values()) > ENTRIES_MAX or len(wanted) > LOGS_MAX:
        raise TooMuchToShow(most=ENTRIES_MAX, logs=LOGS_MAX)
    by_place = {(head.log, head.branch): head for head in heads}
    logs = [
        _shown(tree_of(by_place[place]), sorted(wanted[place] | {0}), revealed.get(place, frozenset()), key_of)
        for place in sorted(wanted, key=lambda place: (place[0] != space.id, place))
    ]
    manifests: tuple[bytes, ...] = ()
    if space.kind == "author":
        told = max((manifests_of(entered(space, log)) for log, _ in wanted), key=len)
        manifests = tuple(submission.encode(told).splitlines()) if told else ()
    return Bundle(tuple(logs), manifests)


def _shown(tree: LogTree, seqs: list[int], revealed: frozenset[int], key_of: KeyOf | None) -> LogShown:
    rows = [row for seq in seqs for row in tree.rows(seq, seq + 1)]
    entries = []
    for row in rows:
        one = parse_row(row)
        held = ((0, row.shared),) if row.shared else ()
        open_it = key_of if one.seq in revealed else None
        entries.append(Shown(one.seq, row.data, held, _keys(one, row.shared, tree.head.public, open_it)))
    return LogShown(tuple(entries), tree.inclusion_of(seqs), tree.note())


def _keys(one: Entry, stored: bytes, public: bytes, key_of: KeyOf | None) -> tuple[tuple[int, bytes], ...]:
    """The key of its part 0 and of nothing else; none where it is in clear, or not to be opened."""
    if key_of is None or not one.parts or not one.parts[0].key:
        return ()
    key = key_of(one.parts[0].key)
    if key is None:
        return ()
    return ((0, parts.part_key(key, public, one.seq, 0, stored[: parts.SALT_BYTES])),)


def _way(space: Space, logs: set[bytes]) -> set[Place]:
    """What shows that the space took these logs in: entries on the way to each from the founding log."""
    entries = [clear_of(each.entry) for each in space.entries()]
    proven = succession(space.id, entries, signing.verify).proven
    carriers = {each.log for each in entries if each.genesis is not None and each.genesis.statement is not None}
    leads: dict[bytes, dict[bytes, int]] = {}
    for each in sorted(entries, key=lambda each: each.seq):
        if each.genesis is not None and each.genesis.continues is not None:
            leads.setdefault(each.genesis.continues[0], {}).setdefault(each.log, 0)
        if each.deps and (log := each.new_log) is not None:
            leads.setdefault(each.log, {}).setdefault(log, each.seq)
    by = _reached([space.id, *sorted(proven)], leads)
    places = {(space.id, 0)} | {(log, 0) for log in logs}
    for log in logs:
        while step := by.get(log):
            places |= {step, (step[0], 0)}
            log = step[0]
        if log in proven:
            places |= {(carrier, 0) for carrier in carriers}
    return places


def _reached(starts: Sequence[bytes], leads: Mapping[bytes, Mapping[bytes, int]]) -> dict[bytes, Place]:
    """For each log that one of these leads to, the entry that does: the nearest to a start."""
    by: dict[bytes, Place] = {}
    waiting = deque(starts)
    while waiting:
        log = waiting.popleft()
        for following, seq in leads.get(log, {}).items():
            if following not in by and following not in starts:
                by[following] = (log, seq)
                waiting.append(following)
    return by
