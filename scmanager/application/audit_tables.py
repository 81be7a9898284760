"""The tables of an audit, for analyses: entries, verdicts and audit events of some spaces, row by row.

Ids are lower-case hex, moments UTC. What is said of nobody (part 0) is in `payload`; personal words come only where
they are asked for, as far as they can be read here. Rows come in order of space, date, log and place.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from typing import Any, Final

import msgspec

from scmanager.domain.audit_event import AuditDetail, Series
from scmanager.domain.catalogue import AUDIT
from scmanager.domain.event import Id, Id32, Personal
from scmanager.eventstore.entry import Entry
from scmanager.eventstore.store import Row, Store
from scmanager.spaces.opening import Opened, parse_row
from scmanager.spaces.personal import Absence
from scmanager.spaces.replay import id_of
from scmanager.spaces.space import Space


class Kind(Enum):
    """What a column holds."""

    TEXT = "text"
    FEW = "few"
    """Text of which there are few different ones."""
    NUMBER = "number"
    FLAG = "flag"
    MOMENT_US = "moment, microseconds"
    MOMENT_S = "moment, seconds"


_T, _F, _N, _M = Kind.TEXT, Kind.FEW, Kind.NUMBER, Kind.MOMENT_US

ENTRIES: Final[Mapping[str, Kind]] = {
    "space": _F, "log": _F, "branch": _N, "seq": _N, "position": _N, "hlc": _N, "time": _M, "counts_from": _M,
    "type": _F, "thing": _F, "act": _F, "entity": _T, "author": _F, "rank": _N, "role": _F, "grant": _F,
    "command": _T, "cause": _T, "valid": Kind.FLAG, "reason": _F, "entry_bytes": _N, "parts": _N, "parts_bytes": _N,
    "payload": _T, "event": _T,
}  # fmt: skip
REVEALED: Final[Mapping[str, Kind]] = {"author_name": _F, "words": _T}
"""What is added where personal words are asked for."""
VERDICTS: Final[Mapping[str, Kind]] = {
    "space": _F, "event": _T, "valid": Kind.FLAG, "reason": _F, "because": _T, "because_type": _F, "because_by": _F,
}  # fmt: skip
AUDIT_EVENTS: Final[Mapping[str, Kind]] = {
    "space": _F, "entity": _T, "log": _F, "type": _F, "severity": _F, "code": _F, "count": _N,
    "first": Kind.MOMENT_S, "last": Kind.MOMENT_S, "version": _F, "region": _F, "source_hash": _T,
    "payload_hash": _T,
}  # fmt: skip
DETAILS: Final[Mapping[str, Kind]] = {"source": _T, "detail": _T}

WordsOf = Callable[[Space, Opened], list[str]]
"""The personal words of an entry, or why there are none."""
NameOf = Callable[[Space, Id], str]
Detail = Callable[[Space, Iterable[Id32]], Mapping[Id32, Personal | Absence]]
Line = dict[str, Any]


def entries(store: Store, space: Space, name_of: NameOf | None, words_of: WordsOf | None) -> Iterator[Line]:
    """One line an entry, what is closed or held too. With names and words where both are given."""
    opened = {each.entry.id32: each for each in space.entries()}
    places: list[tuple[int, bytes, int, int, Id32 | None]] = [
        (each.entry.hlc, each.entry.log, each.entry.seq, each.pos, id32) for id32, each in opened.items()
    ]
    shut = {row.pos: row for row in _shut(store, space, opened)} if any(space.waiting) else {}
    places += [(one.hlc, one.log, one.seq, pos, None) for pos, row in shut.items() for one in (parse_row(row),)]
    for _, _, _, pos, id32 in sorted(places):
        if id32 is None:
            yield _closed(space, shut[pos])
            continue
        line = _opened(space, opened[id32])
        if name_of is not None and words_of is not None:
            line["author_name"] = name_of(space, bytes.fromhex(line["author"])) if line["author"] else None
            line["words"] = "; ".join(words_of(space, opened[id32])) or None
        yield line


def _shut(store: Store, space: Space, opened: Mapping[Id32, Opened]) -> Iterator[Row]:
    at = 0
    while at < space.pos and (rows := store.tail(at, 5_000)):
        at = rows[-1].pos
        for row in rows:
            if row.pos <= space.pos and space.first_entry(row.log) is not None and id_of(row) not in opened:
                yield row


def _line(space: Space, one: Entry, pos: int, branch: int) -> Line:
    return dict.fromkeys(ENTRIES) | {
        "space": space.id.hex(), "log": one.log.hex(), "branch": branch, "seq": one.seq, "position": pos,
        "hlc": one.hlc, "time": one.hlc, "counts_from": one.hlc, "entry_bytes": len(one.data),
        "parts": len(one.parts), "parts_bytes": sum(part.length for part in one.parts), "event": one.id.hex(),
    }  # fmt: skip


def _closed(space: Space, row: Row) -> Line:
    return _line(space, parse_row(row), row.pos, row.branch)


def _opened(space: Space, opened: Opened) -> Line:
    one, shared = opened.entry, opened.shared
    line = _line(space, one, opened.pos, opened.branch)
    verdict = space.verdicts.entries.get(one.id32)
    if verdict is not None:
        line |= {"valid": verdict.valid, "reason": verdict.reason.value if verdict.reason else None}
    standing = space.verdicts.grants.get(shared.by if shared else one.id32)
    if standing is not None:
        grant = standing.grant
        line |= {"author": grant.member.hex(), "rank": grant.rank, "role": _hex(grant.role)}
    if shared is not None:
        thing, _, act = shared.type.partition("/")[0].partition(".")
        line |= {
            "type": shared.type, "thing": thing, "act": act, "entity": shared.entity.hex(), "grant": shared.by.hex(),
            "command": _hex(shared.command), "cause": _hex(shared.cause),
        }  # fmt: skip
        if opened.event is not None:
            line["payload"] = msgspec.json.encode(_spelt(opened.event)).decode()
        if verdict is not None and verdict.valid and standing is not None:
            line["counts_from"] = space.envelope(opened).hlc
    return line


def verdicts(space: Space) -> Iterator[Line]:
    """One line an entry that was judged, in the same order."""
    for opened in sorted(space.entries(), key=lambda each: each.order):
        verdict = space.verdicts.entries.get(opened.entry.id32)
        if verdict is None:
            continue
        cause = space.opened(verdict.cause) if verdict.cause else None
        said = cause.shared if cause else None
        grant = space.grant(said.by) if said else None
        yield {
            "space": space.id.hex(), "event": opened.entry.id.hex(), "valid": verdict.valid,
            "reason": verdict.reason.value if verdict.reason else None, "because": _hex(verdict.cause),
            "because_type": said.type if said else None, "because_by": grant.member.hex() if grant else None,
        }  # fmt: skip


def audit_events(space: Space, detail: Detail | None) -> Iterator[Line]:
    """One line a series of like causes, the oldest first."""
    found = [(entity, one) for entity, one in space.things(AUDIT) if isinstance(one, Series)]
    words = detail(space, [one.detail for _, one in found if one.detail]) if detail else {}
    for entity, one in sorted(found, key=lambda each: (each[1].first_s, each[0])):
        line: Line = {
            "space": space.id.hex(), "entity": entity.hex(), "log": one.log.hex(), "type": one.type.value,
            "severity": one.severity.value, "code": one.code or None, "count": one.count, "first": one.first_s,
            "last": one.last_s, "version": one.version or None, "region": one.region,
            "source_hash": _hex(one.source), "payload_hash": _hex(one.payload),
        }  # fmt: skip
        if detail is not None:
            said = words.get(one.detail)
            known = said if isinstance(said, AuditDetail) else None
            line |= {"source": known.source if known else None, "detail": known.text if known else None}
        yield line


def _hex(value: bytes | None) -> str | None:
    return value.hex() if value else None


def _spelt(value: Any) -> Any:
    """An event for JSON, with ids as they stand in the columns."""
    match value:
        case bytes():
            return value.hex()
        case msgspec.Struct():
            return {name: _spelt(each) for name, each in msgspec.structs.asdict(value).items()}
        case tuple() | list():
            return [_spelt(each) for each in value]
        case _:
            return value
