"""One entity of a space: its valid events in fold order, the state they tell, and the newest ones nobody saw past."""

from bisect import insort
from collections.abc import Iterable

from scmanager.domain.clash import Clashes, Contest
from scmanager.domain.clash_fields import FIELDS
from scmanager.domain.event import Envelope, Event, Id32, State
from scmanager.domain.fold import Fold

Order = tuple[int, bytes, int, bytes]


def order_of(envelope: Envelope) -> Order:
    """Fold order: what decides how state looks, never what is valid."""
    return (envelope.hlc, envelope.log, envelope.seq, envelope.entry)


def _order(held: tuple[Envelope, Event]) -> Order:
    return order_of(held[0])


class Thing:
    """Events arrive in any order and may lose their validity again;
    the state is always the fold of those that count.
    """

    __slots__ = ("_clashes", "_events", "_tips", "clashed", "fold", "has_clashed", "state")

    def __init__(self, fold: Fold) -> None:
        self.fold = fold
        self.state: State = fold.empty
        self._tips: dict[Id32, None] = {}
        self._events: list[tuple[Envelope, Event]] = []
        self.clashed = False
        """Whether two wrote of it without knowing of each other."""
        self.has_clashed = False
        """Whether that was ever so while this process looked: what was void later counts too."""
        self._clashes: Clashes | None = None

    def add(self, envelope: Envelope, event: Event) -> bool:
        """Take in one valid event; True when it came in order and the state is up to date."""
        events = self._events
        if not events or envelope.hlc > (last := events[-1][0]).hlc or order_of(envelope) > order_of(last):
            events.append((envelope, event))
            self._evolve(envelope, event)
            return True
        insort(events, (envelope, event), key=_order)
        return False

    def drop(self, entries: Iterable[Id32]) -> bool:
        """Forget events that turned out void; True if there were any, then call `refold`."""
        gone = set(entries)
        kept = [held for held in self._events if held[0].entry not in gone]
        dropped = len(kept) < len(self._events)
        self._events = kept
        return dropped

    def refold(self) -> None:
        """From the beginning, in fold order."""
        self.state, self._tips, self.clashed, self._clashes = self.fold.empty, {}, False, None
        for envelope, event in self._events:
            self._evolve(envelope, event)

    def _evolve(self, envelope: Envelope, event: Event) -> None:
        self.state = self.fold.evolve(self.state, event, envelope)
        for seen in envelope.saw:
            self._tips.pop(seen, None)
        self._tips[envelope.entry] = None
        if len(self._tips) > 1:
            self.clashed = self.has_clashed = True

    @property
    def tips(self) -> tuple[Id32, ...]:
        """The newest events, in fold order: those that nobody saw who wrote later."""
        return tuple(self._tips)

    @property
    def is_said(self) -> bool:
        """Whether anything that counts was said of it."""
        return bool(self._events)

    def contests(self) -> tuple[Contest, ...]:
        """What is contested about it, then what was and how it was settled."""
        if not self.clashed:
            return ()
        if self._clashes is None:
            self._clashes = Clashes(self.fold, FIELDS.get(self.fold.name, ()))
        return self._clashes.follow(self._events)

    def events(self) -> list[tuple[Envelope, Event]]:
        """The valid events in fold order."""
        return list(self._events)


def tips_after(tips: tuple[Id32, ...], envelope: Envelope) -> tuple[Id32, ...]:
    """The newest events of an entity once one more has arrived: those it saw are newest no longer."""
    if tips == envelope.saw:
        return (envelope.entry,)  # Nearly always: its author knew all there was.
    saw = set(envelope.saw)
    return (*(tip for tip in tips if tip not in saw), envelope.entry)
