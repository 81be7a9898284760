"""Finding the point at which a space had a frontier that somebody wrote down: what an answer or a peer stated then.

Reads what is in clear alone, so it needs no key. A frontier names a set of heads; only those are found that this
store passed through as entries arrived, or that a cut by date gives. Any other was another machine's.
"""

from collections.abc import Iterable, Iterator

from scmanager.domain.frontier import counted
from scmanager.domain.records import Clear
from scmanager.domain.recovery import succession
from scmanager.eventstore import signing
from scmanager.eventstore.entry import Entry, digest, u64
from scmanager.eventstore.store import Row
from scmanager.spaces.facts import clear_of
from scmanager.spaces.opening import parse_row


def frontiers(space: bytes, rows: Iterable[Row]) -> Iterator[tuple[Row, bytes]]:
    """Each entry in the order given, and the frontier once it is there. Each log comes from its beginning on."""
    ends: dict[bytes, dict[bytes, bytes]] = {}
    telling: list[Clear] = []
    logs: frozenset[bytes] = frozenset()
    lines: dict[bytes, bytes] = {}
    for row in rows:
        one = parse_row(row)
        mine = ends.setdefault(one.log, {})
        mine.pop(one.prev[:32], None)
        mine[one.id32] = one.log + u64(one.seq + 1) + one.id32
        if _tells(one):
            telling.append(clear_of(one))
            logs = _counted(space, telling)
            lines = {log: _line(ends[log]) for log in logs if log in ends}
        elif one.log in logs:
            lines[one.log] = _line(mine)
        count = sum(len(ends[log]) for log in lines)
        yield row, digest("scm/frontier/1", space, u64(count), *(lines[log] for log in sorted(lines)))


def find_frontier(space: bytes, rows: Iterable[Row], named: str) -> tuple[Row, bytes] | None:
    """The last entry of the first point whose frontier begins with these hex digits; None when none does."""
    return next(((row, found) for row, found in frontiers(space, rows) if found.hex().startswith(named)), None)


def _tells(one: Entry) -> bool:
    """Whether it may say which logs count: each entry 0, and what introduces a log."""
    return one.genesis is not None or any(not dep.seq for dep in one.deps)


def _counted(space: bytes, telling: list[Clear]) -> frozenset[bytes]:
    proven = succession(space, telling, signing.verify).proven
    return counted(space, telling, proven, signing.verify).logs


def _line(ends: dict[bytes, bytes]) -> bytes:
    """A log's heads, sorted as (size, head)."""
    return b"".join(sorted(ends.values()))
