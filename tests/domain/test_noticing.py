"""What a member is told of a thing's history: what others did that concerns him, what is due, what awaits him."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.domain import (
    contact,
    fleet,
    member,
    operation_events,
    organisation,
    player,
    ship_events,
    squadron,
    treaty_events,
)
from scmanager.domain.catalogue import (
    CONTACTS,
    FLEETS,
    MEMBERS,
    OPERATIONS,
    ORGANISATIONS,
    PLAYERS,
    SHIPS,
    SQUADRONS,
    TREATIES,
)
from scmanager.domain.clash import Clashes, Contest
from scmanager.domain.clash_fields import FIELDS, concerns, field_of
from scmanager.domain.event import Envelope, Event
from scmanager.domain.fold import Fold
from scmanager.domain.governance import Granted, needs
from scmanager.domain.noticing import HISTORY_MAX, notifications
from scmanager.domain.notification import SENTENCES, Kind, sentence
from scmanager.domain.operation_events import Answer
from scmanager.domain.rights import Right
from scmanager.domain.ship_events import Owner, OwnerKind
from tests.properties.test_domain_evolve import THINGS, kinds_of
from tests.support.arbitrary import envelopes, events
from tests.support.effort import examples
from tests.support.scenario import THING, entry, who

ME, BESS, CARL = who("me"), who("bess"), who("carl")
START = 1_800_000_000
PLANNED = operation_events.Planned("Jumptown", START, START + 7200)
YES, NO = Answer.ACCEPTED, Answer.DECLINED

Said = tuple[Event, bytes] | tuple[Event, bytes, tuple[bytes, ...]]


def history(*said: Any) -> list[tuple[Envelope, Event]]:
    """Each said by somebody who knew what came before, unless it says what was known."""
    told = []
    for number, each in enumerate(said, 1):
        event, by = each[0], each[1]
        saw = each[2] if len(each) > 2 else tuple(entry(n) for n in range(1, number))
        told.append((Envelope(entry(number), by * 2, number, number, by * 2, by, 3, THING, saw), event))
    return told


def told(
    fold: Fold, past: list[tuple[Envelope, Event]], *, thing: bytes = THING, since: int = 0
) -> list[tuple[Any, ...]]:
    """(kind, said, right) of each, in order of time."""
    state = fold.empty
    for envelope, event in past:
        if not isinstance(event, Granted):
            state = fold.evolve(state, event, msgspec.structs.replace(envelope, entity=thing))
    said = [
        (msgspec.structs.replace(at, entity=thing), event) for at, event in past if not isinstance(event, Granted)
    ]
    contests = Clashes(fold, FIELDS.get(fold.name, ())).follow(said)
    found = sorted(notifications(fold.name, thing, state, past, contests, ME, since), key=lambda each: each.at)
    assert len({each.id for each in found}) == len(found)
    return [(each.kind, each.said, each.right) for each in found]


def test_an_operation_is_announced_to_whoever_was_there_before_it() -> None:
    past = history((PLANNED, BESS))
    assert told(OPERATIONS, past) == [(Kind.OPERATION_ANNOUNCED, "2027-01-15 08:00 UTC", None)]
    assert told(OPERATIONS, past, since=1) == []
    assert told(OPERATIONS, history((PLANNED, ME))) == []
    assert told(OPERATIONS, history((operation_events.Planned("A", 0, 60, template=True), BESS))) == []


def test_who_signed_up_hears_of_changes_and_that_it_is_called_off() -> None:
    signed = (operation_events.SignedUp(YES), ME)
    moved = (operation_events.Rescheduled(START + 60, START + 7200), BESS)
    called = (operation_events.Cancelled(operation_events.CancelReason.TOO_FEW), BESS)
    past = history((PLANNED, ME), moved, signed, moved, (operation_events.Renamed("Bigtown"), ME), called)
    assert told(OPERATIONS, past) == [
        (Kind.OPERATION_CHANGED, "time", None),
        (Kind.OPERATION_CANCELLED, "too few", None),
    ]
    declined = history((PLANNED, ME), (operation_events.SignedUp(NO), ME), moved, called)
    assert told(OPERATIONS, declined) == []
    again = history((PLANNED, ME), signed, called, (operation_events.Reinstated(), BESS))
    assert told(OPERATIONS, again) == [(Kind.OPERATION_REINSTATED, "", None)]


def test_who_planned_or_leads_hears_what_others_answer_and_who_waits() -> None:
    says = operation_events.SignedUp
    answers = ((operation_events.CrewLimited(1), ME), (says(YES), BESS), (says(YES), CARL), (says(NO), ME))
    heard = [(Kind.SIGNED_UP, "accepted", None), (Kind.SIGNED_UP, "accepted, on the wait-list", None)]
    assert told(OPERATIONS, history((PLANNED, ME), *answers)) == heard
    led = history((PLANNED, BESS), *answers, (operation_events.LeadAssigned(ME), BESS))
    assert [each for each in told(OPERATIONS, led) if each[0] is Kind.SIGNED_UP] == heard
    assert Kind.SIGNED_UP not in [kind for kind, _, _ in told(OPERATIONS, history((PLANNED, BESS), *answers))]


def test_who_may_invite_hears_that_somebody_joined() -> None:
    past = history((member.Invited(), ME), (member.Joined(), THING))
    assert told(MEMBERS, past) == [(Kind.MEMBER_JOINED, "", Right.MEMBER_INVITE)]
    assert told(MEMBERS, past, since=2) == []
    assert told(MEMBERS, [*past, *history((member.Left(), THING))]) == []


def test_reminders_are_due_before_it_begins_and_only_after_the_answer() -> None:
    reminders = (operation_events.RemindersSet((3600, 900, 2 * START)), BESS)
    past = history((PLANNED, ME), reminders, (operation_events.SignedUp(YES), ME))
    assert [each[:2] for each in told(OPERATIONS, past)] == [(Kind.REMINDER, "1 h"), (Kind.REMINDER, "15 min")]
    found = list(notifications("operation", THING, _folded(OPERATIONS, past), past, (), ME, 0))
    assert sorted(each.at for each in found) == [(START - 3600) * 10**6, (START - 900) * 10**6]
    over = history(*[(event, at.member) for at, event in past], (operation_events.Started(), BESS))
    assert told(OPERATIONS, over) == []


def _folded(fold: Fold, past: list[tuple[Envelope, Event]]) -> Any:
    state = fold.empty
    for envelope, event in past:
        state = fold.evolve(state, event, envelope)
    return state


def test_who_moves_up_from_the_wait_list_is_told_once() -> None:
    says = operation_events.SignedUp
    begin = ((PLANNED, CARL), (operation_events.CrewLimited(1), CARL), (says(YES), BESS), (says(YES), ME))
    assert told(OPERATIONS, history(*begin), since=99) == []
    moved = history(*begin, (says(NO), BESS))
    assert told(OPERATIONS, moved, since=99) == [(Kind.MOVED_UP, "", None)]
    assert told(OPERATIONS, history(*begin, (operation_events.CrewLimited(2), BESS)), since=99) == [
        (Kind.MOVED_UP, "", None)
    ]
    wavering = ((says(NO), BESS), (says(YES), CARL), (says(NO), CARL))
    assert told(OPERATIONS, history(*begin, *wavering), since=99) == [(Kind.MOVED_UP, "", None)]
    again = [(says(YES), CARL, (entry(len(begin) + number),)) for number in range(HISTORY_MAX)]
    assert told(OPERATIONS, history(*begin, *again), since=99) == []


def test_slots_lead_and_answers_that_others_gave_are_told() -> None:
    gun = who("gun")
    past = history(
        (PLANNED, ME),
        (operation_events.CrewSlotAdded(gun, "gunner"), ME),
        (operation_events.SignedUpFor(ME, YES), BESS),
        (operation_events.SlotTakenFor(gun, ME), BESS),
        (operation_events.LeadAssigned(ME), CARL),
    )
    assert told(OPERATIONS, past) == [
        (Kind.ANSWERED_FOR, "accepted", None),
        (Kind.SEAT_ASSIGNED, "gunner", None),
        (Kind.LEAD_ASSIGNED, "", None),
    ]


def test_loans_returns_and_gifts_concern_who_lends_and_who_borrows() -> None:
    mine, hers = Owner(OwnerKind.MEMBER, ME), Owner(OwnerKind.MEMBER, BESS)
    added = ship_events.AddedFor("DRAK_Corsair", hers)
    lent = history((added, BESS), (ship_events.Lent(ME, START), BESS))
    assert told(SHIPS, lent) == [(Kind.SHIP_LENT, "", None), (Kind.SHIP_DUE, "", None)]
    assert told(SHIPS, history((added, BESS), (ship_events.Lent(ME), CARL))) == []  # It is not his to lend.
    own = ship_events.AddedFor("DRAK_Corsair", mine)
    back = history((own, ME), (ship_events.Lent(BESS), ME), (ship_events.Returned(entry(2)), BESS))
    assert told(SHIPS, back) == [(Kind.SHIP_RETURNED, "", None)]
    given_ = history((added, BESS), (ship_events.Transferred(mine, (entry(1),)), BESS))
    assert told(SHIPS, given_) == [(Kind.SHIP_GIVEN, "", None)]


def test_a_member_hears_that_he_was_let_in_his_role_changed_and_he_was_removed() -> None:
    def grant(rank: int) -> Granted:
        return Granted(ME, bytes(32), bytes(32), bytes(32), rank)

    past = history((member.Invited(), BESS), (grant(5), BESS))
    assert told(MEMBERS, past, thing=ME) == [(Kind.INVITED, "", None), (Kind.ADMITTED, "rank 5", None)]
    past = history(
        (member.Recorded(), BESS),
        (grant(5), BESS),
        (grant(2), CARL),
        (member.Removed(member.RemovalReason.INACTIVE), BESS),
    )
    state = msgspec.structs.replace(MEMBERS.empty, standing=member.Standing.REMOVED)
    kinds = [each.kind for each in notifications("member", ME, state, past, (), ME, 0)]
    assert kinds == [Kind.ADMITTED, Kind.ROLE_CHANGED, Kind.REMOVED]
    assert told(MEMBERS, history((member.Recorded(), BESS), (member.Left(), THING))) == []


def test_war_is_told_to_everybody_and_proposals_to_who_can_sign() -> None:
    recorded = (contact.Recorded("Tallow"), ME)
    past = history(recorded, (contact.WarDeclared(), BESS), (contact.PeaceMade((entry(2),)), BESS))
    assert told(CONTACTS, past) == [(Kind.WAR_DECLARED, "declared by us", None), (Kind.PEACE_MADE, "", None)]
    assert told(CONTACTS, past, since=2) == [(Kind.PEACE_MADE, "", None)]
    proposed = treaty_events.Proposed(THING, treaty_events.Kind.PEACE, "Pact", until=START, warn_days=1)
    past = history(
        (proposed, BESS), (treaty_events.Signed(entry(1)), BESS), (treaty_events.AcceptanceClaimed(entry(1)), BESS)
    )
    assert told(TREATIES, past[:1]) == [(Kind.TREATY_PROPOSED, "", Right.DIPLOMACY_COMMIT)]
    assert told(TREATIES, past)[1:] == [
        (Kind.TREATY_AGREED, "", None),
        (Kind.TREATY_EXPIRING, "", Right.DIPLOMACY_MANAGE),
        (Kind.TREATY_EXPIRED, "", None),
    ]


def _ended(at: int, by: bytes, until: int = START, said_us: int = 4) -> list[tuple[Envelope, Event]]:
    """An agreed treaty, and its end, said at `said_us`; warned of 10 days before."""
    proposed = treaty_events.Proposed(THING, treaty_events.Kind.PEACE, "Pact", until=until, warn_days=10)
    past = history(
        (proposed, ME), (treaty_events.Signed(entry(1)), BESS), (treaty_events.AcceptanceClaimed(entry(1)), BESS),
        (treaty_events.Ended(treaty_events.EndReason.FULFILLED, at=at), by),
    )  # fmt: skip
    past[3] = (msgspec.structs.replace(past[3][0], hlc=said_us), past[3][1])
    return past


def test_a_treaty_that_somebody_ended_at_once_does_not_end_soon() -> None:
    for until in (START, 0):
        past = told(TREATIES, _ended(100, BESS, until, 100_000_001))
        assert past == [(Kind.TREATY_AGREED, "", None), (Kind.TREATY_ENDED, "fulfilled", None)]


def test_an_end_by_notice_is_told_when_it_is_given_and_when_it_is_near_and_when_it_has_come() -> None:
    day, when = 86_400, "2027-01-12 08:00 UTC"
    for until in (START, 0):
        past = _ended(START - 3 * day, BESS, until)
        assert told(TREATIES, past)[1:] == [
            (Kind.TREATY_NOTICE, when, None),
            (Kind.TREATY_ENDING, when, Right.DIPLOMACY_MANAGE),
            (Kind.TREATY_ENDED, "fulfilled", None),
        ]
        near = {each.kind: each.at for each in notifications("treaty", THING, _treaty(past), past, (), ME, 0)}
        assert near[Kind.TREATY_ENDING] == (START - 13 * day) * 1_000_000
        assert near[Kind.TREATY_ENDED] == (START - 3 * day) * 1_000_000
    assert [kind for kind, _, _ in told(TREATIES, _ended(START - 3 * day, ME))] == [
        Kind.TREATY_AGREED, Kind.TREATY_ENDING, Kind.TREATY_ENDED,
    ]  # fmt: skip
    assert [kind for kind, _, _ in told(TREATIES, _ended(START + 3 * day, BESS))] == [
        Kind.TREATY_AGREED, Kind.TREATY_EXPIRING, Kind.TREATY_EXPIRED,
    ], "it runs out before"  # fmt: skip


def test_notice_within_the_days_of_warning_is_near_at_once_and_is_gone_when_it_is_taken_back() -> None:
    late = (START - 2 * 86_400) * 1_000_000
    past = _ended(START - 86_400, BESS, 0, late)
    told_at = {each.kind: each.at for each in notifications("treaty", THING, _treaty(past), past, (), ME, 0)}
    assert (told_at[Kind.TREATY_NOTICE], told_at[Kind.TREATY_ENDING]) == (late, late)
    back = Envelope(entry(5), BESS * 2, 5, late + 1, BESS * 2, BESS, 3, THING, (entry(4),))
    past.append((back, treaty_events.Reinstated((entry(4),))))
    assert [kind for kind, _, _ in told(TREATIES, past)] == [Kind.TREATY_AGREED]


def _treaty(past: list[tuple[Envelope, Event]]) -> Any:
    state = TREATIES.empty
    for envelope, event in past:
        state = TREATIES.evolve(state, event, envelope)
    return state


def test_what_is_contested_awaits_who_may_settle_it_and_is_gone_with_the_decision() -> None:
    begin = ((fleet.Formed("Home"), BESS), (fleet.Renamed("One"), BESS), (fleet.Renamed("Two"), ME, (entry(1),)))
    assert told(FLEETS, history(*begin)) == [(Kind.CONTESTED, "name", Right.FLEET_MANAGE)]
    assert told(FLEETS, history(*begin, (fleet.Renamed("Two", (entry(2), entry(3))), BESS))) == []


def test_a_contest_is_told_with_the_thing_s_title_and_who_set_the_last_value() -> None:
    past = history(
        (fleet.Formed("Home"), BESS), (fleet.Renamed("One"), BESS), (fleet.Renamed("Two"), CARL, (entry(1),))
    )
    contests = Clashes(FLEETS, FIELDS["fleet"]).follow(past)
    (found,) = notifications("fleet", THING, _folded(FLEETS, past), past, contests, ME, 0)
    assert (found.title, found.who, found.at) == ("One", CARL, 3)


def test_what_is_ones_own_to_settle_is_told_to_nobody_else() -> None:
    for who_plays, heard in ((ME, [(Kind.CONTESTED, "main character", None)]), (BESS, [])):
        chosen = (player.MainChosen(who(name)) for name in ("one", "two"))
        assert told(PLAYERS, history(*((each, who_plays, ()) for each in chosen)), thing=who_plays) == heard
    added = ship_events.AddedFor("DRAK_Corsair", Owner(OwnerKind.MEMBER, ME))
    named = history((added, BESS), (ship_events.NamedFor(), BESS), (ship_events.NamedFor(), CARL, (entry(1),)))
    assert told(SHIPS, named) == [(Kind.CONTESTED, "nickname", None)]
    hers = ship_events.AddedFor("DRAK_Corsair", Owner(OwnerKind.MEMBER, BESS))
    assert told(SHIPS, [(named[0][0], hers), *named[1:]]) == [(Kind.CONTESTED, "nickname", Right.SHIP_MANAGE)]


def test_a_reminder_says_its_span_in_the_largest_unit_that_fits() -> None:
    spans = {2 * 86_400: "2 d", 86_400: "1 d", 7200: "2 h", 120: "2 min", 90: "90 s", 0: "0 s"}
    reminders = (operation_events.RemindersSet(tuple(spans)), ME)
    past = history((PLANNED, ME), reminders, (operation_events.SignedUp(YES), ME))
    assert [said for _, said, _ in told(OPERATIONS, past)] == list(spans.values())


def test_a_ship_given_to_somebody_else_is_no_news() -> None:
    mine, hers = Owner(OwnerKind.MEMBER, ME), Owner(OwnerKind.MEMBER, BESS)
    given = ship_events.TransferredFor(hers, (entry(1),))
    assert told(SHIPS, history((ship_events.AddedFor("DRAK_Corsair", mine), CARL), (given, CARL))) == []
    assert told(SHIPS, history((ship_events.AddedFor("DRAK_Corsair", mine), BESS))) == []


def test_an_end_at_once_says_why() -> None:
    proposed = treaty_events.Proposed(THING, treaty_events.Kind.PEACE, "Pact")
    past = history(
        (proposed, ME), (treaty_events.Signed(entry(1)), ME), (treaty_events.AcceptanceClaimed(entry(1)), ME),
        (treaty_events.Ended(treaty_events.EndReason.FULFILLED), BESS),
    )  # fmt: skip
    assert told(TREATIES, past) == [(Kind.TREATY_ENDED, "fulfilled", None)]


def test_who_is_enlisted_or_made_a_lead_is_told() -> None:
    past = history(
        (squadron.Formed("Red"), BESS), (squadron.MemberEnlisted(ME), BESS), (squadron.LeadAssigned(ME), BESS)
    )
    assert told(SQUADRONS, past) == [(Kind.ENLISTED, "", None), (Kind.LEAD_ASSIGNED, "", None)]
    past = history((squadron.Formed("Red"), BESS), (squadron.MemberEnlisted(ME), BESS), (squadron.MemberLeft(), ME))
    assert told(SQUADRONS, past) == []


@pytest.mark.parametrize("kind", list(Kind))
def test_each_kind_has_a_sentence_that_a_hostile_name_cannot_bend(kind: Kind) -> None:
    assert kind in SENTENCES
    text = sentence(kind, "{said}", "{who}%s", "x")
    assert text.count("{who}%s") == SENTENCES[kind].count("{title}")
    assert sentence(kind, "", "", "")


@pytest.mark.parametrize("name", sorted(THINGS))
@settings(max_examples=examples(40))
@given(data=st.data())
def test_whatever_was_said_of_a_thing_telling_it_never_raises(name: str, data: st.DataObject) -> None:
    blank, evolve = THINGS[name]
    fold, past = Fold(name, blank, evolve, ()), []
    for number in range(data.draw(st.integers(0, 6))):
        event = data.draw(events(kinds_of(name)))
        envelope = msgspec.structs.replace(data.draw(envelopes()), hlc=number, entity=THING)
        past.append((envelope, event))
        blank = evolve(blank, event, envelope)
    contests = Clashes(fold, FIELDS.get(name, ())).follow(past)
    for me in (ME, THING, *(envelope.member for envelope, _ in past)):
        found = list(notifications(name, THING, blank, past, contests, me, 0))
        assert all(each.at >= 0 and len(each.id) == 16 for each in found)
        waiting = [each for each in found if each.kind is Kind.CONTESTED]
        assert len(waiting) == sum(_awaits(name, each, blank, me) for each in contests)


def _awaits(kind: str, contest: Contest, state: Any, me: bytes) -> bool:
    """Whether it is on the list of what is contested, and not another member's own."""
    field = field_of(kind, contest.field)
    assert field is not None
    return not contest.settled and (needs(field.says.tag) is not None or concerns(field, THING, state, contest, me))


def test_two_words_of_which_the_last_stands_are_told_as_they_are_listed() -> None:
    text, other = (organisation.Described(), BESS), (organisation.Described(), CARL, (entry(1),))
    past = history((organisation.Founded("Nova", "NOVA"), BESS), text, other)
    assert told(ORGANISATIONS, past) == [(Kind.CONTESTED, "description", Right.ORGANISATION_DESCRIBE)]


def test_who_is_one_of_the_values_is_told_whatever_he_may_do() -> None:
    gun = who("gun")
    begin = (
        (PLANNED, ME), (operation_events.CrewSlotAdded(gun, "gunner"), ME),
        (operation_events.CrewSlotAdded(who("seat"), "pilot"), ME),
        (operation_events.SignedUpFor(ME, YES), ME), (operation_events.SignedUpFor(BESS, YES), ME),
    )  # fmt: skip
    knew = tuple(entry(n) for n in range(1, 6))
    taken = ((operation_events.SlotTakenFor(gun, each), CARL, knew) for each in (ME, BESS))
    past = history(*begin, *taken)
    assert (Kind.CONTESTED, "who is gunner", None) in told(OPERATIONS, past)
    settled = history(*[(event, at.member) for at, event in past], (operation_events.SlotTakenFor(gun, ME), CARL))
    assert Kind.CONTESTED not in [kind for kind, _, _ in told(OPERATIONS, settled)]
