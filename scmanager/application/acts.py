"""Acts: what a member said with one command, and which of them an undo took back.

The events of an undo name, as their cause, an event of what they take back. A cause that does not count is that of
work said again (reissuing), whose own cause then stands for it.
"""

from typing import Final

import msgspec

from scmanager.application.inverses import is_declared
from scmanager.domain.event import Envelope, Event, Id, Id32
from scmanager.domain.governance import EpochOpened, Heads
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space

AGAIN_MAX: Final = 8
"""How often work that was said again is followed back."""

Name = tuple[bytes, Id]
"""What makes events one act: the command's id, and the member; anybody may give a command any id."""


class Act(msgspec.Struct):
    """The events of one command that count."""

    name: Name
    events: list[Opened]
    takes_back: Name | None = None
    """The act that this one undoes."""
    undone: bool = False
    """Whether an act that stands takes it back."""

    @property
    def last(self) -> Opened:
        """The newest event."""
        return max(self.events, key=lambda each: each.order)


class Acts:
    """All acts of a space as it is now. One look at every entry."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._by_name: dict[Name, Act] = {}
        for opened in space.entries():
            if (name := self.name_of(opened)) is not None:
                self._by_name.setdefault(name, Act(name, [])).events.append(opened)
        newest_first = sorted(self._by_name.values(), key=lambda act: act.last.order, reverse=True)
        for act in newest_first:  # So that who takes back is judged before what is taken back.
            act.takes_back = self._taken_back_by(act)
            back = self._by_name.get(act.takes_back) if act.takes_back else None
            if back is not None and not act.undone:
                back.undone = True

    def of(self, opened: Opened) -> Act | None:
        """The act that an event belongs to; None when the event does not count."""
        name = self.name_of(opened)
        return self._by_name.get(name) if name else None

    def called(self, name: Name | None) -> Act | None:
        """The act of this name."""
        return self._by_name.get(name) if name else None

    def last_of(self, member: Id) -> Act | None:
        """The newest act of a member that is no undo, is not undone, and was said by a verb that says how it is."""
        mine = (
            act
            for act in self._by_name.values()
            if act.name[1] == member and act.takes_back is None and not act.undone and _declared(act)
        )
        return max(mine, key=lambda act: act.last.order, default=None)

    def standing(self, said: list[tuple[Envelope, Event]]) -> list[tuple[Envelope, Event]]:
        """Of events in fold order: those without acts that others of them took back, and without these others."""
        names = list(dict.fromkeys((envelope.command, envelope.member) for envelope, _ in said))
        gone: set[Name] = set()
        for name in reversed(names):
            act = self._by_name.get(name)
            back = act.takes_back if act else None
            if name not in gone and back in names and back is not None and back not in gone:
                gone |= {name, back}
        return [each for each in said if (each[0].command, each[0].member) not in gone]

    def name_of(self, opened: Opened) -> Name | None:
        """By what its act is called; None of what does not count, and of mere heads."""
        if opened.shared is None or opened.event is None or isinstance(opened.event, Heads):
            return None
        verdict = self._space.verdicts.entries.get(opened.entry.id32)
        if verdict is None or not verdict.valid:
            return None
        return opened.shared.command, self._space.envelope(opened).member

    def _taken_back_by(self, act: Act) -> Name | None:
        found = next((back for each in act.events if (back := self._cause_of(each)) is not None), None)
        return found if found != act.name else None

    def _cause_of(self, opened: Opened) -> Name | None:
        cause: Id32 = opened.shared.cause if opened.shared else b""
        for _ in range(AGAIN_MAX):
            answered = self._space.opened(cause) if cause else None
            if answered is None or answered.shared is None:
                return None
            if (name := self.name_of(answered)) is not None:
                return name
            cause = answered.shared.cause
        return None


def _declared(act: Act) -> bool:
    """A node changes a space's key by itself too: nobody said that."""
    events = (each.event for each in act.events if not isinstance(each.event, EpochOpened))
    return any(event is not None and is_declared(event) for event in events)
