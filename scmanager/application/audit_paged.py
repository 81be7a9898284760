"""What counts in a log too long to be loaded, such as an author's of what was reported: judged page by page.

Of a log that founded its space, is its only one, and in which nothing governs, every entry is judged by the founding
one alone (Court.judge_next): none has to be kept for the next. Anything else, and all that has more to tell than
whether it counts, is left to who holds all of it in memory (audit_full).
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import attrgetter
from typing import Final

from scmanager.application.audit_full import SpaceFound, StatementsFound, of_statements
from scmanager.domain.court import Court
from scmanager.domain.ledger import KeysPublished, PluginSigned, UpdateSigned
from scmanager.eventstore import signing
from scmanager.eventstore.audit import branches_of
from scmanager.eventstore.audit_chunk import Branch, rows_of
from scmanager.eventstore.audit_source import Tables
from scmanager.eventstore.entry import Entry
from scmanager.eventstore.store import Row
from scmanager.spaces.facts import fact_of, founding_fact
from scmanager.spaces.opening import Opened, Same, check_row, open_row, parse_row
from scmanager.spaces.space import AHEAD_US_MAX

PAGE: Final = 5_000
"""Entries in memory."""
_STATEMENTS = KeysPublished | UpdateSigned | PluginSigned

Advance = Callable[[int], None]
Judged = tuple[SpaceFound, list[StatementsFound]]


def of_spaces(
    tables: Tables, sizes: dict[tuple[bytes, int], int], now_us: int, advance: Advance = lambda _: None
) -> tuple[list[Judged], list[bytes]]:
    """What counts in each space that can be judged so, as `audit_full` tells it; and the spaces that cannot.

    `sizes`: how far each branch was verified, by log and number; what was committed since is not read. `advance` is
    told how many entries were. Raises StoreDamaged for a row that is not what was signed, and what the tables raise.
    """
    judged, left = list[Judged](), list[bytes]()
    by_space = sorted(branches_of(tables), key=attrgetter("space"))
    for space, branches in groupby(by_space, attrgetter("space")):
        listed = list(branches)
        found = _of_log(tables, listed, sizes.get((space, 0), 0), now_us + AHEAD_US_MAX, advance)
        if found is None:
            left.append(space)
        else:
            judged.append(found)
    return judged, left


def _of_log(tables: Tables, branches: Sequence[Branch], size: int, until_us: int, advance: Advance) -> Judged | None:
    if len(branches) > 1 or branches[0].number or branches[0].log != branches[0].space:
        return None
    branch, verdicts = branches[0], Counter[str]()
    court = Court(branch.space, signing.verify)
    is_author = False
    for opened in _opened(tables, branch, size, advance):
        if opened is None:
            return None
        one, fact = opened.entry, fact_of(opened)
        if one.hlc > until_us:
            break  # It waits for its time, and so does all that comes after it: time rises in a log.
        if one.genesis is not None:
            is_author = one.genesis.kind == "author"
            verdict = court.admit([fact])[fact.id]
        elif founding_fact(fact) or one.deps or len(one.parts) > 1 or isinstance(opened.event, _STATEMENTS):
            return None
        else:
            verdict = court.judge_next(fact)
        verdicts["" if verdict.valid else verdict.reason.value if verdict.reason else "void"] += 1
    valid = verdicts.pop("", 0)
    found = SpaceFound(branch.space, valid, dict(verdicts), 0, (), 0)
    return found, [of_statements(branch.log, [])] if is_author else []


def _opened(tables: Tables, branch: Branch, size: int, advance: Advance) -> Iterator[Opened | None]:
    """The entries, as far as they are in clear."""
    before: Entry | None = None
    same: Same = {}
    for first in range(0, size, PAGE):
        end = min(first + PAGE, size)
        for _, data, shared, pos in rows_of(tables, branch, first, end):
            row = Row(pos, branch.log, branch.number, bytes(data), bytes(shared))
            parsed = parse_row(row)
            check_row(row, parsed, before)
            before = parsed
            yield open_row(row, parsed, branch.public, lambda _: None, same)
        same.clear()
        advance(end - first)
