"""The tally: what of all that happened is written down, so that no hostile source can fill disk or memory.

The first cause of a type, a code and a source is listed at once; like ones within its window are counted, and told
once when the window is over. A day has room for so many series of a type, and for so many in all. What goes beyond is
counted by type and told in one line a window. Nothing here grows with the number of causes or of sources.

The room is shared fairly: a source has a few series of a type, and a part of the room is kept for the first series of
a type and a code. So nobody's noise takes the place of what somebody else does, or of what has not happened that day.

Windows and days are those of UTC by this machine's clock: nobody else moves it.
"""

from collections.abc import Iterable, Iterator

import msgspec

from scmanager.domain.audit_event import Count, Series, Source, Text
from scmanager.domain.audit_types import AuditType
from scmanager.domain.event import Id
from scmanager.domain.payload import INT_MAX, CatalogueKey, Id16, Seconds

WINDOW_S = 6 * 3600
DAY_S = 86_400
LISTED_TYPE_MAX = 32
"""Series of one type a day."""
LISTED_MAX = 128
"""Series in all a day: four types that others can raise fill it, if all do."""
LISTED_SOURCE_MAX = 8
"""Of them from one source."""
COMMON_TYPE_MAX, COMMON_MAX = 24, 96
"""Of the series of a type, and of all: beyond, only the first of a type and a code that day is listed."""
TELLS_MAX = 8
"""How often a series may be told to go on, and a type's rest a day, by processes that live shorter than a window."""
ENTRIES_MAX = LISTED_MAX * 2 + len(AuditType) * (DAY_S // WINDOW_S)
"""Entries that one node writes in a day, whatever happens to it, while it runs without a break."""


class Cause(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Something that happened, once or a few times, before it is judged whether it is listed."""

    id: Id16
    """Of the command that will record it: the same twice is recorded once."""
    type: AuditType
    code: CatalogueKey
    source: Source
    """In clear. For its hash, and for the owner."""
    text: Text
    first_s: Seconds
    last_s: Seconds
    count: Count = 1


class Opened(msgspec.Struct, frozen=True):
    """Write: a series begins."""

    entity: Id
    cause: Cause
    source: bytes
    """The hash."""


class Grown(msgspec.Struct, frozen=True):
    """Write: a series went on."""

    entity: Id
    total: int
    further: int
    """Of them, those that were not told yet."""
    last_s: int


class Beyond(msgspec.Struct, frozen=True):
    """Write: so much of a type was not listed."""

    type: AuditType
    count: int
    first_s: int
    last_s: int


Step = Opened | Grown | Beyond

_Name = tuple[AuditType, str, bytes, int]
"""(type, code, source hash, window)"""
_Share = tuple[AuditType | None, str | bytes | None]
"""Whose room it is: of all, of a type, of a type and a code, of a type and a source's hash."""


class _Open(msgspec.Struct):
    entity: Id
    last_s: int
    told: int
    further: int = 0
    tells: int = 0


class Tally:
    """Of one log of one device. Not thread-safe."""

    def __init__(self, known: Iterable[tuple[Id, Series]] = ()) -> None:
        """`known`: the series that this log holds; only those of the last days matter."""
        self._open: dict[_Name, _Open] = {}
        self._listed: dict[tuple[int, _Share], int] = {}
        """By day: how many series share a room."""
        self._beyond: dict[AuditType, Beyond] = {}
        self._rests: dict[tuple[int, AuditType], int] = {}
        """By day: how often it was told of a type how much is not listed."""
        for entity, series in known:
            if not series.code:
                self._count_rest(series.first_s, series.type)
            else:
                name = _name(series.type, series.code, series.source, series.first_s)
                self._enter(name, _Open(entity, series.last_s, series.count, 0, series.tells), series.first_s)

    def admit(self, cause: Cause, source: bytes, entity: Id) -> Opened | None:
        """What to write of a cause now. `entity`: a fresh id, should a series begin."""
        name = _name(cause.type, cause.code, source, cause.first_s)
        series = self._open.get(name)
        if series is not None:
            series.further += cause.count
            series.last_s = max(series.last_s, cause.last_s)
            return None
        day = cause.first_s // DAY_S
        if self._room(day, name):
            self._enter(name, _Open(entity, cause.last_s, cause.count), cause.first_s)
            return Opened(entity, cause, source)
        self.leave_out(cause.type, cause.count, cause.first_s, cause.last_s)
        return None

    def leave_out(self, type_: AuditType, count: int, first_s: int, last_s: int) -> None:
        """Count what is not listed one by one."""
        more = self._beyond.get(type_, Beyond(type_, 0, first_s, last_s))
        self._beyond[type_] = Beyond(type_, more.count + count, min(more.first_s, first_s), max(more.last_s, last_s))

    def closing(self, now_s: int, *, everything: bool = False) -> Iterator[Grown | Beyond]:
        """What to write of windows that are over by now; `everything`: the node stops."""
        window = now_s // WINDOW_S
        for name, series in list(self._open.items()):
            over = name[3] != window
            if (over or everything) and series.further and series.tells < TELLS_MAX:
                series.told += series.further
                yield Grown(series.entity, series.told, series.further, series.last_s)
                series.further, series.tells = 0, series.tells + 1
            if over:
                del self._open[name]
        for type_, beyond in list(self._beyond.items()):
            over = beyond.first_s // WINDOW_S != window
            if (everything or over) and self._rests.get((beyond.first_s // DAY_S, type_), 0) < TELLS_MAX:
                del self._beyond[type_]
                self._count_rest(beyond.first_s, type_)
                yield beyond
        self._forget(now_s // DAY_S - 1)

    def give_back(self, opened: Opened) -> None:
        """It could not be written: as if it had never been admitted."""
        cause = opened.cause
        name = _name(cause.type, cause.code, opened.source, cause.first_s)
        if self._open.pop(name, None) is not None:
            for share in _shares(name):
                place = (cause.first_s // DAY_S, share)
                self._listed[place] = max(self._listed.get(place, 0) - 1, 0)

    @property
    def waits(self) -> bool:
        """Whether something is to be told when its window is over."""
        return bool(self._beyond) or any(each.further for each in self._open.values())

    @property
    def size(self) -> int:
        """How many things it keeps in memory; for measurements."""
        return len(self._open) + len(self._listed) + len(self._beyond) + len(self._rests)

    def _forget(self, day: int) -> None:
        """What was counted before this day."""
        self._listed = {each: count for each, count in self._listed.items() if each[0] >= day}
        self._rests = {each: count for each, count in self._rests.items() if each[0] >= day}

    def _count_rest(self, first_s: int, type_: AuditType) -> None:
        place = (first_s // DAY_S, type_)
        self._rests[place] = self._rests.get(place, 0) + 1

    def _room(self, day: int, name: _Name) -> bool:
        every, of_type, of_code, of_source = (self._listed.get((day, share), 0) for share in _shares(name))
        if of_source >= LISTED_SOURCE_MAX:
            return False
        if not of_code:
            return of_type < LISTED_TYPE_MAX and every < LISTED_MAX
        return of_type < COMMON_TYPE_MAX and every < COMMON_MAX

    def _enter(self, name: _Name, series: _Open, first_s: int) -> None:
        self._open[name] = series
        for share in _shares(name):
            place = (first_s // DAY_S, share)
            self._listed[place] = self._listed.get(place, 0) + 1


def _name(type_: AuditType, code: str, source: bytes, at_s: int) -> _Name:
    return type_, code, source, at_s // WINDOW_S


def _shares(name: _Name) -> tuple[_Share, _Share, _Share, _Share]:
    type_, code, source, _ = name
    return (None, None), (type_, None), (type_, code), (type_, source)


def merged(causes: Iterable[Cause]) -> list[Cause]:
    """Like causes of one window as one each, by the id of the first."""
    found: dict[tuple[AuditType, str, str, int], Cause] = {}
    for cause in causes:
        name = (cause.type, cause.code, cause.source, cause.first_s // WINDOW_S)
        held = found.get(name)
        found[name] = cause if held is None else joined(held, cause)
    return list(found.values())


def joined(held: Cause, more: Cause) -> Cause:
    """Like causes as one, by the id of the first. What has one id is one cause, which one of them knows better."""
    if held.id == more.id:
        return max(held, more, key=lambda cause: cause.count)
    return msgspec.structs.replace(
        held,
        count=min(held.count + more.count, INT_MAX),
        first_s=min(held.first_s, more.first_s),
        last_s=max(held.last_s, more.last_s),
    )
