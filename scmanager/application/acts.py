"""Acts: what a member said with one command, and which of them an undo took back.

The events of an undo name, as their cause, an event of what they take back. A cause that does not count is that of
work said again (reissuing), whose own cause then stands for it.
"""

from collections.abc import Iterator
from typing import Final

import msgspec

from scmanager.application.inverses import is_declared
from scmanager.domain.event import Envelope, Event, Id, Id32
from scmanager.domain.governance import EpochOpened, Heads
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space

AGAIN_MAX: Final = 8
"""How often work that was said again is followed."""
UNDOS_MAX: Final = 200

Name = tuple[bytes, Id]
"""What makes events one act: the command's id, and the member; anybody may give a command any id."""


class Act(msgspec.Struct, frozen=True):
    """The events of one command that count, in fold order."""

    name: Name
    events: tuple[Opened, ...]

    @property
    def last(self) -> Opened:
        """The newest event."""
        return self.events[-1]


class Acts:
    """The acts of a space as it is now, looked up as they are asked for."""

    def __init__(self, space: Space) -> None:
        self._space = space
        self._undone: dict[Name, bool] = {}

    def of(self, opened: Opened) -> Act | None:
        """The act that an event belongs to; None when the event does not count."""
        name = self._name_of(opened)
        return self._called(name) if name else None

    def taken_back_by(self, act: Act) -> Act | None:
        """What an act undoes; None of one that is no undo."""
        for each in act.events:
            if (name := self._cause_of(each)) is not None and name != act.name:
                return self._called(name)
        return None

    def last_of(self, member: Id) -> Act | None:
        """The newest act of a member that is no undo, is not undone, and was said by a verb that says how it is."""
        newest = (self._last_in(log, member) for log in self._logs_of(member))
        return max((act for act in newest if act), key=lambda act: act.last.order, default=None)

    def standing(self, said: list[tuple[Envelope, Event]]) -> list[tuple[Envelope, Event]]:
        """Of events in fold order: those without acts that others of them took back, and without these others."""
        names = list(dict.fromkeys((envelope.command, envelope.member) for envelope, _ in said))
        gone: set[Name] = set()
        for name in reversed(names):
            back = self.taken_back_by(self._called(name))
            if name not in gone and back is not None and back.name in names and back.name not in gone:
                gone |= {name, back.name}
        return [each for each in said if (each[0].command, each[0].member) not in gone]

    def _last_in(self, log: Id32, member: Id) -> Act | None:
        for opened in self._space.outcomes.newest(log):
            name = self._name_of(opened)
            if name is None or name[1] != member or self._is_undone(name, UNDOS_MAX):
                continue
            act = self._called(name)
            if _declared(act) and self.taken_back_by(act) is None:
                return act
        return None

    def _called(self, name: Name) -> Act:
        command, member = name
        found = self._space.outcomes.of(command, self._logs_of(member))
        return Act(name, tuple(each for each in found if self._name_of(each) == name))

    def _is_undone(self, name: Name, depth: int) -> bool:
        """Whether an act that stands takes it back. Beyond `depth` undos of undos nobody looks."""
        if name not in self._undone:
            answers = {other for each in self._called(name).events for other in self._answers(each, AGAIN_MAX)}
            self._undone[name] = depth > 0 and any(not self._is_undone(each, depth - 1) for each in answers - {name})
        return self._undone[name]

    def _answers(self, opened: Opened, depth: int) -> Iterator[Name]:
        """The acts that name this entry as their cause, by work that was said again too."""
        for each in self._space.outcomes.answering(opened.entry.id32):
            if (name := self._name_of(each)) is not None:
                yield name
            elif depth > 0:
                yield from self._answers(each, depth - 1)

    def _cause_of(self, opened: Opened) -> Name | None:
        cause: Id32 = opened.shared.cause if opened.shared else b""
        for _ in range(AGAIN_MAX):
            answered = self._space.opened(cause) if cause else None
            if answered is None or answered.shared is None:
                return None
            if (name := self._name_of(answered)) is not None:
                return name
            cause = answered.shared.cause
        return None

    def _name_of(self, opened: Opened) -> Name | None:
        """By what its act is called; None of what does not count, and of mere heads."""
        if opened.shared is None or opened.event is None or isinstance(opened.event, Heads):
            return None
        verdict = self._space.verdicts.entries.get(opened.entry.id32)
        if verdict is None or not verdict.valid:
            return None
        return opened.shared.command, self._space.envelope(opened).member

    def _logs_of(self, member: Id) -> set[Id32]:
        """Where what a member says can count."""
        grants = self._space.verdicts.grants.values()
        return {log for each in grants if each.grant.member == member for log in each.levels}


def _declared(act: Act) -> bool:
    """A node changes a space's key by itself too: nobody said that."""
    events = (each.event for each in act.events if not isinstance(each.event, EpochOpened))
    return any(event is not None and is_declared(event) for event in events)
