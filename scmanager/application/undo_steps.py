"""Steps back that need a look at how the thing was before: what `former` and `back` do not say by themselves."""

from collections.abc import Callable
from typing import Any

from scmanager.application.desk import Desk
from scmanager.application.inverses import NotUndoable, Past, again
from scmanager.application.saying_again import SAY, Step, words_of
from scmanager.domain import character, governance
from scmanager.domain.catalogue import CHARACTERS, OPERATIONS
from scmanager.domain.character import CharacterSheet, Copy, SheetText
from scmanager.domain.character import Standing as Shown
from scmanager.domain.contact import Contact
from scmanager.domain.event import Envelope, Id
from scmanager.domain.operation import Operation
from scmanager.domain.operation_events import Answer, CancelReason, Planned, SignedUpFor
from scmanager.domain.operation_parts import Stage
from scmanager.domain.organisation import Organisation
from scmanager.domain.ship import Ship, Standing
from scmanager.domain.ship_events import Readiness
from scmanager.domain.treaty import Treaty
from scmanager.domain.treaty_events import DropReason

# Keys and arguments


def other(event: Any, _envelope: Envelope) -> Id:
    """The other organisation that it names."""
    found: Id = event.organisation
    return found


def whose(event: Any, envelope: Envelope) -> Id:
    """The member that it is about: the one it names, or its author."""
    found: Id = getattr(event, "member", envelope.member)
    return found


def slot_of(event: Any, _envelope: Envelope) -> Id:
    """The slot that it names."""
    found: Id = event.slot
    return found


def author(past: Past) -> Id:
    """Whoever said it."""
    return past.envelope.member


def was(name: str) -> Callable[[Past], Any]:
    """What the thing's state had under this name before."""
    return lambda past: getattr(past.before, name)


# Steps


def affiliation(past: Past) -> list[Step]:
    """As it was noted before, or not at all."""
    before: Organisation = past.before
    other = past.event.organisation
    noted = before.affiliations.get(other)
    if noted is None:
        return [Step("organisation.unaffiliate", {"other": other})]
    return [Step("organisation.affiliate", {"other": other, "title": noted.title})]


def role_of_member(past: Past) -> list[Step]:
    """The role by which the grants that it ended were given. A first grant ends with the member's removal only."""
    ended = [event.grant for _, event in past.command if isinstance(event, governance.Removed)]
    grants = past.desk.space.verdicts.grants
    roles = {grants[each].grant.role for each in ended if each in grants and grants[each].grant.role}
    if len(roles) != 1:
        raise NotUndoable(what=past.event.tag, why="a grant ends by another role or by removal: scm member remove.")
    return [Step("member.set-role", {"member_id": past.event.member, "role_id": roles.pop()})]


def invitation(past: Past) -> list[Step]:
    """Invited again until the time that was said."""
    return [Step("member.invite", {"member_id": past.thing, "until_s": past.before.invited_until})]


def ship_removed(past: Past) -> list[Step]:
    """Off the list again, for the reason of before."""
    before: Ship = past.before
    if before.removed_for is None:
        raise NotUndoable(what=past.event.tag, why="it had not been removed.")
    return [Step("ship.remove", {"ship_id": past.thing, "reason": before.removed_for})]


def ship_owner(past: Past) -> list[Step]:
    """Back to the owner of before. Nickname and details went with the claim, and stay away."""
    return [SAY["ship", "owner"](past.desk, again(past, "owner"))]


def ship_readiness(past: Past) -> list[Step]:
    """As ready as it was."""
    before: Ship = past.before
    until = before.claim_until if before.readiness is Readiness.IN_CLAIM else 0
    told = {"ship_id": past.thing, "readiness": before.readiness, "until_s": until}
    return [Step("ship.set-readiness", told)]


def ship_shared(past: Past) -> list[Step]:
    """Shown no longer, if it was not shown before."""
    before: Ship = past.before
    if before.standing is Standing.PRESENT:
        raise NotUndoable(what=past.event.tag, why="it told of another model of a ship that was shown already.")
    return [Step("ship.withdraw", {"ship_id": past.thing})]


def ship_lent_again(past: Past) -> list[Step]:
    """Lent to whoever had it, until the day that was agreed on."""
    before: Ship = past.before
    loan = next((each.value for each in before.loans if each.entry == past.event.loan), None)
    if loan is None:
        raise NotUndoable(what=past.event.tag, why="that loan had ended before.")
    return [Step("ship.lend", {"ship_id": past.thing, "borrower": loan.borrower, "until_s": loan.until})]


def planned(past: Past) -> list[Step]:
    """Called off: an operation that was planned is not unplanned."""
    if isinstance(past.event, Planned) and past.event.template:
        raise NotUndoable(what=past.event.tag, why="a template stays; it can be renamed.")
    return [Step("operation.cancel", {"operation_id": past.thing, "reason": CancelReason.OTHER})]


def answer(past: Past) -> list[Step]:
    """The answer of before; who had given none declines."""
    before: Operation = past.before
    member = past.event.member if isinstance(past.event, SignedUpFor) else past.envelope.member
    known = before.sign_ups.get(member)
    told = {"operation_id": past.thing, "member_id": member}
    if known is None:
        return [Step("operation.sign-up", told | {"answer": Answer.DECLINED})]
    return [Step("operation.sign-up", told | {"answer": known.answer, "roles": known.roles})]


def crew_slot(past: Past) -> list[Step]:
    """Whoever was in the slot is in it again; who took it goes back to the slot he had, or to none."""
    before: Operation = past.before
    moved = getattr(past.event, "member", past.envelope.member)
    slot, told = past.event.slot, {"operation_id": past.thing}
    had = next((each.id for each in before.crew_slots if any(one.value == moved for one in each.claims)), None)
    there = next((each.claims[0].value for each in before.crew_slots if each.id == slot and each.claims), None)
    steps = []
    if had is not None and had != slot:
        steps.append(Step("operation.take-slot", told | {"slot": had, "member_id": moved}))
    if there is not None:
        steps.append(Step("operation.take-slot", told | {"slot": slot, "member_id": there}))
    return steps or [Step("operation.leave-slot", told | {"slot": slot})]


def course(past: Past) -> list[Step]:
    """What had become of an operation: reinstated first where it is over, begun first where it was completed."""
    before: Operation = past.before
    now: Operation = past.desk.state(OPERATIONS, past.thing)
    wanted, stage = before.call.stage, now.call.stage
    ids = {"operation_id": past.thing}
    steps = []
    over = stage in (Stage.COMPLETED, Stage.CANCELLED)
    if wanted is Stage.PLANNED or (over and wanted is not stage):
        steps.append(Step("operation.reinstate", ids))
        stage = Stage.PLANNED
    if wanted is Stage.COMPLETED and stage is Stage.PLANNED:
        steps.append(Step("operation.start", ids))
    if wanted is not Stage.PLANNED:
        steps.append(SAY["operation", "course"](past.desk, again(past, "course")))
    return steps


def war_again(past: Past) -> list[Step]:
    """War as it was declared."""
    before: Contact = past.before
    if not before.wars:
        raise NotUndoable(what=past.event.tag, why="there was no war.")
    return [Step("contact.declare-war", {"contact_id": past.thing, "by": before.wars[0].value})]


def ended_again(past: Past) -> list[Step]:
    """Dropped or ended as it was before it was reinstated."""
    before: Treaty = past.before
    ids = {"treaty_id": past.thing}
    if before.ended is not None:
        return [Step("treaty.end", ids | {"reason": before.ended.reason, "by": before.ended.by})]
    declined = before.dropped is not None and before.dropped.reason is DropReason.DECLINED
    return [Step("treaty.decline" if declined else "treaty.withdraw", ids)]


def fate(past: Past) -> list[Step]:
    """Played again, or not played, as it was."""
    ids, before = {"character_id": past.thing}, past.before.fate
    return [Step("character.retire", ids | {"fate": before}) if before else Step("character.return", ids)]


def character_shown(past: Past) -> list[Step]:
    """Shown no longer, if it was not shown before; else shown as it was, with the text that went along then."""
    before = character.played_by(past.before, past.desk.me)
    ids = {"character_id": past.thing}
    if before.standing is not Shown.PRESENT:
        return [Step("character.withdraw", ids)]
    text = words_of(past.desk, before.text, SheetText)
    copy = Copy(words_of(past.desk, before.sheet, CharacterSheet), before.fate, text)

    def act(at: Desk) -> None:
        at.decide(CHARACTERS, past.thing, character.share, at.me, copy, None)

    return [Step("character.share", ids, act, private=True)]
