"""What a store compares when it opens: heads are a cache, and a cache may lie (DESIGN 4, append)."""

import msgspec

from scmanager.errors import Untrusted
from scmanager.eventstore import entry, merkle
from scmanager.eventstore.store import StoreDamaged

ENDS = """
SELECT l.id, l.space, l.public,
    (SELECT data FROM entry WHERE log = (SELECT no FROM log WHERE id = l.id) AND branch = 0 AND seq = 0),
    b.number, h.size, h.id, h.hlc, h.tree,
    (SELECT data FROM entry e WHERE e.log = b.log AND e.branch = b.number AND e.seq = h.size - 1 AND NOT EXISTS
        (SELECT 1 FROM entry x WHERE x.log = b.log AND x.branch = b.number AND x.seq >= h.size)),
    n.size, n.root
FROM branch b
LEFT JOIN log l ON l.no = b.log
LEFT JOIN head h ON h.log = b.log AND h.branch = b.number
LEFT JOIN note n ON n.log = b.log AND n.branch = b.number AND n.size =
    (SELECT max(size) FROM note WHERE log = b.log AND branch = b.number)
"""
"""In SQLite: a row for each branch, as `End` wants it."""
COUNTS = """
SELECT (SELECT ifnull(max(pos), 0) FROM entry), (SELECT ifnull(sum(h.size - b.start), 0)
    FROM branch b JOIN head h ON h.log = b.log AND h.branch = b.number JOIN log l ON l.no = b.log)
"""
"""In SQLite: the newest entry's position, and how many entries the heads count."""


class End(msgspec.Struct, frozen=True):
    """One branch: its head, its last entry, its newest note. In a damaged file any of them may be absent."""

    log: bytes
    space: bytes
    public: bytes
    first: bytes | None
    """The log's entry 0, which says what the three above must be."""
    branch: int
    size: int
    id: bytes
    hlc: int
    tree: bytes
    data: bytes | None
    """The entry at size - 1, when it is there and the last one."""
    note_size: int | None
    root: bytes | None


def check_end(end: End) -> None:
    """Raises StoreDamaged unless head, last entry and newest note say the same: no note may reach further (F16)."""
    try:
        sound = _agrees(end)
    except (Untrusted, ValueError, TypeError):
        sound = False
    if not sound:
        name = end.log.hex()[:16] if isinstance(end.log, bytes) else "?"
        raise StoreDamaged(reason=f"head {end.branch} of log {name} does not match its entries")


def check_count(last_pos: int, newest: int, counted: int) -> None:
    """Raises StoreDamaged unless the heads account for every entry: a lost head would hide a whole branch."""
    if not last_pos == newest == counted:
        facts = f"its last position is {last_pos}, the newest entry's {newest}, and its heads count {counted}"
        raise StoreDamaged(reason=facts)


def _agrees(end: End) -> bool:
    if end.data is None or end.first is None:
        return False
    first = entry.parse(end.first)
    if first.genesis is None or (first.log, first.space, first.genesis.key) != (end.log, end.space, end.public):
        return False
    last = entry.parse(end.data)
    tree = merkle.CompactRange.from_bytes(end.tree)
    return (last.id, last.hlc, tree.size, end.note_size, end.root) == (
        end.id,
        end.hlc,
        end.size,
        end.size,
        tree.root(),
    )
