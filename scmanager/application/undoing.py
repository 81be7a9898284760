"""Undo: what a command said is taken back by saying what undoes it, with ordinary rights and checks.

Nothing is deleted: both stay on record. It is refused where nothing undoes it, and where the same has changed since,
unless that is wanted anyway.
"""

from typing import Any

from scmanager.application.desk import Desk
from scmanager.application.inverses import SPOKEN, Inverse, NotUndoable, Past, inverse_of, is_silent
from scmanager.application.reissuing import EventNotHere
from scmanager.application.saying_again import Step
from scmanager.application.verbs import EntryId, verb
from scmanager.domain.catalogue import FOLDS
from scmanager.domain.event import Envelope, Event, Id, Id32
from scmanager.domain.governance import Granted, Heads
from scmanager.domain.hangar_import import Applied
from scmanager.errors import Conflict, Refused
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space

Result = dict[str, Any]
Said = tuple[Envelope, Event]

CHANGES_SHOWN = 8


class ChangedSince(Conflict):
    """This has changed since: {what}."""

    code = "undo-changed-since"
    hint = "Look at what was said after it: scm why EVENT. To undo it all the same: --anyway."


class NothingToUndo(Refused):
    """You have said nothing here that counts."""

    code = "undo-nothing"
    hint = "Name the event: scm log show."


@verb("undo", "org", "personal", speaks=True, undo=SPOKEN)
def undo(desk: Desk, *, event: EntryId | None = None, anyway: bool = False, preview: bool = False) -> Result:
    """Take back what a command said, by saying what undoes it; without an event, what you said last.

    `preview`: only tell what would be said. `anyway`: also if the same has changed since.
    """
    found = _meant(desk, event)
    said = command_of(desk.space, found)
    steps = [step for each in reversed(_to_undo(said)) for step in _steps(desk, each, said, anyway=anyway)]
    told = [step.told for step in steps]
    if preview:
        return {"event": found.entry.id32.hex(), "would": told}
    for step in steps:
        step.take(desk)
    return {"event": found.entry.id32.hex(), "said": told}


def command_of(space: Space, opened: Opened) -> tuple[Said, ...]:
    """The events of one command that count, in the order in which they were said."""
    if opened.shared is None:
        raise EventNotHere(event=opened.entry.id32.hex())
    by = space.envelope(opened).member
    found = space.outcomes.of(opened.shared.command, _logs_of(space, by))
    valid = [each for each in found if each.event is not None and space.verdict(each.entry.id32).valid]
    return tuple(
        (envelope, each.event)
        for each in valid
        if (envelope := space.envelope(each)).member == by
        and each.event is not None and not isinstance(each.event, Heads)
    )  # fmt: skip


def _meant(desk: Desk, event: bytes | None) -> Opened:
    """Raises EventNotHere, NotUndoable, NothingToUndo."""
    if event is None:
        last = said_last(desk.space, desk.me)
        if last is None:
            raise NothingToUndo
        return last
    opened = desk.space.opened(event)
    if opened is None or opened.shared is None or opened.event is None:
        raise EventNotHere(event=event.hex())
    if not desk.space.verdict(event).valid:
        raise NotUndoable(what=opened.shared.type, why="it does not count.")
    return opened


def said_last(space: Space, member: Id) -> Opened | None:
    """The newest event of a member that counts and that there is anything to undo of; None when there is none."""
    newest = (
        next((each for each in space.outcomes.newest(log) if _may_be_undone(space, each, member)), None)
        for log in _logs_of(space, member)
    )
    return max((each for each in newest if each is not None), key=lambda each: each.order, default=None)


def _logs_of(space: Space, member: Id) -> set[Id32]:
    """Where what a member says can count."""
    return {log for each in space.verdicts.grants.values() if each.grant.member == member for log in each.levels}


def _may_be_undone(space: Space, opened: Opened, member: Id) -> bool:
    event, verdict = opened.event, space.verdicts.entries.get(opened.entry.id32)
    if event is None or opened.shared is None or verdict is None or not verdict.valid or isinstance(event, Heads):
        return False
    return space.envelope(opened).member == member and not is_silent(event)


def _to_undo(said: tuple[Said, ...]) -> list[Said]:
    """What began a thing stands for all that the command said of it."""
    begun = {_thing(each) for each in said if inverse_of(each[1]).begins}
    whole = next((each for each in said if isinstance(each[1], Applied | Granted)), None)
    if whole is not None:
        return [whole]  # An import, and another role on all devices, are taken back as a whole.
    kept = (each for each in said if inverse_of(each[1]).begins or _thing(each) not in begun)
    return [each for each in kept if not inverse_of(each[1]).silent]


def _thing(said: Said) -> tuple[str, Id]:
    """The kind and the id: an organisation and its founder have one id."""
    return said[1].tag.partition(".")[0], said[0].entity


def _steps(desk: Desk, said: Said, command: tuple[Said, ...], *, anyway: bool) -> list[Step]:
    """Raises NotUndoable, ChangedSince."""
    envelope, event = said
    inverse = inverse_of(event)
    if inverse.steps is None:
        raise NotUndoable(what=event.tag, why=inverse.why)
    before, later = _around(desk.space, envelope, event)
    changes = [each for each in later if each[0].command != envelope.command and _concerns(inverse, said, each)]
    if changes and not anyway:
        what = ", ".join(f"{change.tag} {at.entry.hex()[:12]}" for at, change in changes[:CHANGES_SHOWN])
        raise ChangedSince(what=what)
    return inverse.steps(Past(desk, event, envelope, before, command))


def _around(space: Space, envelope: Envelope, event: Event) -> tuple[Any, list[Said]]:
    """The thing's state before an event, and what was said of it afterwards, in fold order."""
    fold = FOLDS.get(event.tag)
    thing = space.thing(fold, envelope.entity) if fold else None
    if fold is None or thing is None:
        return None, []
    state, later, met = fold.empty, [], False
    for at, each in thing.events():
        if at.entry == envelope.entry:
            met = True
        elif met:
            later.append((at, each))
        else:
            state = fold.evolve(state, each, at)
    return state, later


def _concerns(inverse: Inverse, said: Said, later: Said) -> bool:
    """Whether something said later changed the same: the same aspect of the thing, and the same part of it."""
    if inverse.begins:
        return True
    try:
        other = inverse_of(later[1])
    except NotUndoable:
        return False
    same = other.aspect == inverse.aspect
    return same and other.key(later[1], later[0]) == inverse.key(said[1], said[0])
