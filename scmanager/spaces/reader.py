"""The reader: as whom this node looks at a space, since when, and the history of one thing."""

from collections.abc import Callable, Collection, Iterable

import msgspec

from scmanager.domain.event import Envelope, Event, Id
from scmanager.domain.fold import Fold
from scmanager.domain.governance import Enrolled, Granted
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space

OwnLogs = Callable[[bytes], Collection[bytes]]
"""The logs that this installation wrote in a space."""


class Reader(msgspec.Struct, frozen=True):
    """This node's owner in one space, removed or not."""

    me: Id
    since: int
    """When he came: of the first grant he ever had there, UTC microseconds."""


class Readers:
    """Who reads each space. Looks anew only when grants may have changed."""

    def __init__(self, own_logs: OwnLogs) -> None:
        self._own_logs = own_logs
        self._known: dict[bytes, tuple[int, Reader | None]] = {}

    def of(self, space: Space) -> Reader | None:
        """None while nobody let this node in."""
        known = self._known.get(space.id)
        if known is None or known[0] != space.rulings:
            known = self._known[space.id] = (space.rulings, reader_of(space, self._own_logs(space.id)))
        return known[1]

    def came(self, space: Space, entries: Iterable[Opened]) -> bool:
        """Whether these entries may say who he is: then everything has to be told anew."""
        own, reader = self._own_logs(space.id), self.of(space)
        return any(_names(each, own, reader) for each in entries)


def reader_of(space: Space, own_logs: Collection[bytes]) -> Reader | None:
    """As whom the holder of these logs looks at a space; None when no grant ever named one of them."""
    standings = space.verdicts.grants.values()
    mine = next((each.grant.member for each in standings if not each.levels.keys().isdisjoint(own_logs)), None)
    if mine is None:
        return None
    came = [opened.entry.hlc for opened in _grants(space, mine)]
    return Reader(mine, min(came, default=0))


def history_of(space: Space, fold: Fold, entity: Id) -> list[tuple[Envelope, Event]]:
    """The valid events of one thing in fold order."""
    thing = space.thing(fold, entity)
    return thing.events() if thing is not None else []


def _grants(space: Space, member: Id) -> list[Opened]:
    """The entries by which a member was granted anything, the founding one too."""
    ids = (each.grant.id for each in space.verdicts.grants.values() if each.grant.member == member)
    return [opened for id32 in ids if (opened := space.opened(id32)) is not None]


def _names(opened: Opened, own_logs: Collection[bytes], reader: Reader | None) -> bool:
    if opened.entry.genesis is not None:
        return opened.entry.log in own_logs
    match opened.event:
        case Granted(member=member, log=log):
            return log in own_logs or (reader is not None and member == reader.me)
        case Enrolled(log=log):
            return log in own_logs
        case _:
            return False
