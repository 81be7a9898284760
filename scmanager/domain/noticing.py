"""Noticing: which notifications the history of a thing has for one member, by kind of thing.

An event counts here as far as it left a trace in the state: what does not count for the thing tells nobody anything.
What is contested is told by the same contests that are listed (`clash`), so the two never differ.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from scmanager.domain import contact, governance, member, operation_events, ship, ship_events, squadron, treaty_events
from scmanager.domain.clash import Contest
from scmanager.domain.clash_fields import concerns, field_of
from scmanager.domain.event import Envelope, Id, State
from scmanager.domain.member import Member
from scmanager.domain.notification import SECOND_US, History, Kind, Notification, Told, notification_id
from scmanager.domain.operation import Operation, evolve
from scmanager.domain.operation_crew import manifest, places, slot_names, taker
from scmanager.domain.operation_events import Answer
from scmanager.domain.operation_parts import SignUp, Stage
from scmanager.domain.rights import Right
from scmanager.domain.ship import Ship
from scmanager.domain.treaty import Treaty, Version, ends_at, warns_from
from scmanager.errors import utc

HISTORY_MAX = 4096
"""Of longer ones nobody is told that he moved up from the wait-list: it takes a fold of its own."""

_CREW = (
    operation_events.Planned,
    operation_events.CrewLimited,
    operation_events.CrewSlotAdded,
    operation_events.SlotDropped,
    operation_events.SignedUp,
    operation_events.SignedUpFor,
)
"""What decides who comes and who waits."""
_WHAT = {
    ("member", "joining"): "joined while the invitation was withdrawn",
    ("member", "claim"): "whose entry this is",
    ("role", "template"): "rank and rights",
    ("operation", "window"): "time",
    ("operation", "course"): "what became of it",
    ("operation", "crew"): "who is",
    ("operation", "ship"): "ship for",
    ("operation", "place"): "who comes",
    ("contact", "reported"): "their stance",
    ("treaty", "agreement"): "what binds",
    ("treaty", "standing"): "agreed to while it was dropped",
    ("character", "sheet"): "description",
    ("player", "main"): "main character",
}
"""How a contested field is told where its name says too little."""
_CHANGES = {
    operation_events.Rescheduled: "time",
    operation_events.Renamed: "name",
    operation_events.Described: "objective",
}


def notifications(
    fold: str, thing: Id, state: Any, history: History, contests: Iterable[Contest], me: Id, since: int
) -> Iterator[Notification]:
    """Everything that a member should know of one thing. `fold`: its kind; `since`: when he came, microseconds."""
    find = _BY_FOLD.get(fold)
    if history:
        by_entry = {envelope.entry: envelope for envelope, _ in history}
        told = Told(me, since, thing, _title(state), by_entry)
        if find is not None:
            yield from find(told, state, history)
        for contest in contests:
            yield from _contested(told, fold, state, contest)


def _title(state: State) -> str:
    return str(getattr(state, "title", "") or getattr(state, "model", ""))


def _contested(told: Told, fold: str, state: Any, contest: Contest) -> Iterator[Notification]:
    """Two set the same thing at the same time, whoever they were: told to whom it is about, and who may settle it."""
    field = field_of(fold, contest.field)
    if field is None or contest.settled:
        return
    mine, right = concerns(field, told.thing, state, contest, told.me), governance.needs(field.says.tag)
    if not mine and right is None:
        return  # It is another member's own.
    last = max(contest.rivals, key=lambda each: (each.at, each.entry))
    cause = contest.field.encode() + contest.part + last.entry
    what = _WHAT.get((fold, contest.field), contest.field) + _slot(state, contest.part)
    yield Notification(
        notification_id(Kind.CONTESTED, told.thing, cause), Kind.CONTESTED, last.at, last.member, told.title, what,
        Right(right) if right and not mine else None,
    )  # fmt: skip


def _slot(state: Any, part: Id) -> str:
    return f" {slot_names(state).get(part, '')}" if part and isinstance(state, Operation) else ""


def _member(told: Told, state: Member, history: History) -> Iterator[Notification]:
    if told.thing == told.me:
        yield from _myself(told, state, history)
    elif state.standing is member.Standing.JOINED:
        yield from told.news(Kind.MEMBER_JOINED, told.by_entry.get(state.joined), right=Right.MEMBER_INVITE)


def _myself(told: Told, state: Member, history: History) -> Iterator[Notification]:
    kind = Kind.ADMITTED
    for envelope, event in history:
        match event:
            case governance.Granted() if event.member == told.me:
                yield from told.of(kind, envelope, f"rank {event.rank}")
                kind = Kind.ROLE_CHANGED
            case member.Invited() if state.standing is member.Standing.INVITED:
                yield from told.of(Kind.INVITED, envelope)
            case member.Removed(reason) if state.standing is member.Standing.REMOVED:
                yield from told.of(Kind.REMOVED, envelope, reason.value)


def _group(told: Told, state: Any, history: History) -> Iterator[Notification]:
    """A fleet or a squadron."""
    yield from told.claimed(Kind.LEAD_ASSIGNED, state.leads)
    if told.me in getattr(state, "members", ()):
        enlisted = (
            at for at, event in history if isinstance(event, squadron.MemberEnlisted) and event.member == told.me
        )
        yield from told.of(Kind.ENLISTED, next(enlisted, None))


def _ship(told: Told, state: Ship, history: History) -> Iterator[Notification]:
    for claim in state.owners:
        if ship.owned_by(state, told.me) and claim.value == state.owner and len(history) > 1:
            event = next((said for at, said in history if at.entry == claim.entry), None)
            if isinstance(event, ship_events.Transferred):
                yield from told.of(Kind.SHIP_GIVEN, told.by_entry.get(claim.entry))
    for loan in state.loans:
        if loan.value.borrower == told.me:
            yield from told.of(Kind.SHIP_LENT, told.by_entry.get(loan.entry))
            if loan.value.until:
                yield from told.due(Kind.SHIP_DUE, loan.value.until)
    if ship.owned_by(state, told.me):
        yield from _returned(told, history)


def _returned(told: Told, history: History) -> Iterator[Notification]:
    lent = {at.entry: event.borrower for at, event in history if isinstance(event, ship_events.Lent)}
    for envelope, event in history:
        if isinstance(event, ship_events.Returned) and lent.get(event.loan) == envelope.member:
            yield from told.of(Kind.SHIP_RETURNED, envelope)


def _operation(told: Told, state: Operation, history: History) -> Iterator[Notification]:
    if not state.id or state.template:
        return
    planned = next(((at, said) for at, said in history if isinstance(said, operation_events.Planned)), None)
    if planned is not None and planned[1].series is None:  # The others of a series are like the first.
        yield from told.news(Kind.OPERATION_ANNOUNCED, planned[0], utc(state.window.starts))
    yield from told.claimed(Kind.LEAD_ASSIGNED, state.leads)
    if told.me == state.lead or (planned is not None and told.me == planned[0].member):
        yield from _answers(told, state)
    mine = state.sign_ups.get(told.me)
    if mine is not None and mine.answer is not Answer.DECLINED:
        yield from _as_answered(told, state, history, mine)


def _answers(told: Told, state: Operation) -> Iterator[Notification]:
    """What others answered for themselves, to who leads or planned it."""
    waiting = frozenset(manifest(state).waiting)
    for each in state.sign_ups:
        if each.own:
            said = "accepted, on the wait-list" if each.member in waiting else each.answer.value
            yield from told.of(Kind.SIGNED_UP, told.by_entry.get(each.entry), said)


def _as_answered(told: Told, state: Operation, history: History, mine: SignUp) -> Iterator[Notification]:
    answered = told.by_entry.get(mine.entry)
    if not mine.own:
        yield from told.of(Kind.ANSWERED_FOR, answered, mine.answer.value)
    for envelope, event in history:
        what = _CHANGES.get(type(event))
        if what and answered is not None and envelope.hlc > answered.hlc:
            yield from told.of(Kind.OPERATION_CHANGED, envelope, what)
    called = told.by_entry.get(state.calls[0].entry) if state.calls else None
    if state.call.stage is Stage.CANCELLED:
        reason = state.call.reason.value.replace("-", " ") if state.call.reason else ""
        yield from told.of(Kind.OPERATION_CANCELLED, called, reason)
    elif state.call.stage is Stage.PLANNED:
        yield from told.of(Kind.OPERATION_REINSTATED, called)
        yield from _reminders(told, state, answered)
    crew = frozenset(manifest(state).crew)
    if told.me in crew:
        yield from told.of(Kind.MOVED_UP, _moved_up(state, history, told.me))
        for slot in state.crew_slots:
            if taker(slot, crew) == told.me:
                yield from told.claimed(Kind.SEAT_ASSIGNED, slot.claims, slot.role)


def _reminders(told: Told, state: Operation, answered: Envelope | None) -> Iterator[Notification]:
    for before in state.reminders:
        due = state.window.starts - before
        if answered is not None and due * SECOND_US > answered.hlc:
            yield from told.due(Kind.REMINDER, due, _span(before))


def _span(seconds: int) -> str:
    for length, unit in ((24 * 3600, "d"), (3600, "h"), (60, "min")):
        if seconds and seconds % length == 0:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"


def _moved_up(state: Operation, history: History, me: Id) -> Envelope | None:
    """Where he last came from the wait-list into the crew; None if he never waited."""
    if len(history) > HISTORY_MAX or (places(state) is None and not any(_limits(event) for _, event in history)):
        return None
    walked, waited, moved = Operation(), False, None
    for envelope, event in history:
        if isinstance(event, _CREW):
            walked = evolve(walked, event, envelope)
            waits = _waits(walked, me)
            moved = envelope if waited and waits is False else moved
            waited = bool(waits)
    return moved


def _limits(event: object) -> bool:
    return isinstance(event, operation_events.CrewLimited | operation_events.CrewSlotAdded)


def _waits(operation: Operation, me: Id) -> bool | None:
    coming = [each.member for each in operation.sign_ups if each.answer is Answer.ACCEPTED]
    most = places(operation)
    return me in coming[most:] if me in coming and most is not None else (False if me in coming else None)


def _contact(told: Told, _: contact.Contact, history: History) -> Iterator[Notification]:
    for envelope, event in history:
        match event:
            case contact.WarDeclared(by):
                yield from told.news(Kind.WAR_DECLARED, envelope, f"declared by {by.value}")
            case contact.PeaceMade():
                yield from told.news(Kind.PEACE_MADE, envelope)


def _treaty(told: Told, state: Treaty, history: History) -> Iterator[Notification]:
    if not state.contact:
        return
    for envelope, event in history:
        match event:
            case treaty_events.Proposed() | treaty_events.TermsChanged():
                yield from told.news(Kind.TREATY_PROPOSED, envelope, right=Right.DIPLOMACY_COMMIT)
            case treaty_events.Ended(reason, at=at) if not _by_notice(envelope, at):
                yield from told.news(Kind.TREATY_ENDED, envelope, reason.value)
    agreed = state.agreed
    if agreed is not None:
        yield from told.news(Kind.TREATY_AGREED, told.by_entry.get(state.agreements[0].entry))
        yield from _treaty_ends(told, state, agreed)


def _by_notice(said: Envelope, at_s: int) -> bool:
    """Whether an end lay ahead when it was said."""
    return at_s * SECOND_US > said.hlc


def _treaty_ends(told: Told, state: Treaty, agreed: Version) -> Iterator[Notification]:
    """That it will end, from when on that is near, and that it has; an end at once was told when it was said."""
    if agreed.until and ends_at(state) == agreed.until:
        yield from told.due(Kind.TREATY_EXPIRING, warns_from(state), right=Right.DIPLOMACY_MANAGE)
        yield from told.due(Kind.TREATY_EXPIRED, agreed.until)
    elif state.ended is not None:
        said, at = told.by_entry.get(state.ends[0].entry), state.ended.at
        if said is not None and _by_notice(said, at):
            near = max(warns_from(state), said.hlc // SECOND_US)
            yield from told.news(Kind.TREATY_NOTICE, said, utc(at))
            yield from told.due(Kind.TREATY_ENDING, near, utc(at), Right.DIPLOMACY_MANAGE)
            yield from told.due(Kind.TREATY_ENDED, at, state.ended.reason.value)


_BY_FOLD: Final[Mapping[str, Callable[[Told, Any, History], Iterator[Notification]]]] = {
    "member": _member,
    "ship": _ship,
    "fleet": _group,
    "squadron": _group,
    "operation": _operation,
    "contact": _contact,
    "treaty": _treaty,
}
