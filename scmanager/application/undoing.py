"""Undo: what a command said is taken back by saying what undoes it, with ordinary rights and checks.

Nothing is deleted: both stay on record. It is refused where nothing undoes it, and where the same has changed since,
unless that is wanted anyway.
"""

from typing import Any

from scmanager.application.acts import Act, Acts
from scmanager.application.desk import Desk
from scmanager.application.inverses import SPOKEN, Inverse, NotUndoable, Past, inverse_of
from scmanager.application.reissuing import EventNotHere
from scmanager.application.saying_again import Step
from scmanager.application.verbs import EntryId, verb
from scmanager.domain.catalogue import FOLDS
from scmanager.domain.event import Envelope, Event, Id
from scmanager.domain.governance import Granted
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
    """You have said nothing here that could still be taken back."""

    code = "undo-nothing"
    hint = 'In an empty folder begin with: scm org found "My Org" --handle MyHandle; else look at scm log show.'


@verb("undo", "org", "personal", speaks=True, undo=SPOKEN)
def undo(desk: Desk, *, event: EntryId | None = None, anyway: bool = False, preview: bool = False) -> Result:
    """Take back what a command said, by saying what undoes it; without an event, the last that you did not take back.

    To take back an undo is to redo: `redone` names what holds again. `preview`: only tell what would be said.
    `anyway`: also if the same has changed since.
    """
    acts = Acts(desk.space)
    found = _meant(desk, acts, event)
    act = acts.of(found)
    if act is None:
        raise EventNotHere(event=found.entry.id32.hex())
    said = _said(desk.space, act)
    steps = [step for each in reversed(_to_undo(said)) for step in _steps(desk, acts, each, said, anyway=anyway)]
    told = [step.told for step in steps]
    redone = acts.taken_back_by(act)
    ids = {"event": found.entry.id32.hex()} | ({"redone": redone.last.entry.id32.hex()} if redone else {})
    if preview:
        return ids | {"would": told}
    desk.answers = found.entry.id32
    for step in steps:
        step.take(desk)
    return ids | {"said": told}


def last_act(space: Space, member: Id) -> Opened | None:
    """The newest event of a member's last act that is no undo and was not undone; None when there is none."""
    act = Acts(space).last_of(member)
    return act.last if act else None


def _said(space: Space, act: Act) -> tuple[Said, ...]:
    """In the order in which it was said."""
    ordered = sorted(act.events, key=lambda each: each.order)
    return tuple((space.envelope(each), each.event) for each in ordered if each.event is not None)


def _meant(desk: Desk, acts: Acts, event: bytes | None) -> Opened:
    """Raises EventNotHere, NotUndoable, NothingToUndo."""
    if event is None:
        last = acts.last_of(desk.me)
        if last is None:
            raise NothingToUndo
        return last.last
    opened = desk.space.opened(event)
    if opened is None or opened.shared is None or opened.event is None:
        raise EventNotHere(event=event.hex())
    if not desk.space.verdict(event).valid:
        raise NotUndoable(what=opened.shared.type, why="it does not count.")
    return opened


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


def _steps(desk: Desk, acts: Acts, said: Said, command: tuple[Said, ...], *, anyway: bool) -> list[Step]:
    """Raises NotUndoable, ChangedSince."""
    envelope, event = said
    inverse = inverse_of(event)
    if inverse.steps is None:
        raise NotUndoable(what=event.tag, why=inverse.why)
    before, later = _around(desk.space, envelope, event)
    others = [each for each in later if each[0].command != envelope.command and _concerns(inverse, said, each)]
    changes = acts.standing(others)
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
