"""An operation: planned, described, moved; its squads and slots."""

import pytest

from scmanager.domain.event import About
from scmanager.domain.operation import SHIP_SLOTS_MAX, SQUADS_MAX, TEXTS_MAX, Operation, evolve
from scmanager.domain.operation_crew import SlotUnknown
from scmanager.domain.operation_events import (
    Answer,
    Cancelled,
    CancelReason,
    CrewLimited,
    CrewSlotAdded,
    Described,
    LeadAssigned,
    LeadRelieved,
    Objective,
    Planned,
    RemindersSet,
    Renamed,
    Rescheduled,
    SeriesJoined,
    ShipAssigned,
    ShipReleased,
    ShipSlotAdded,
    SignedUp,
    SlotDropped,
    SlotTaken,
    SquadDisbanded,
    SquadFormed,
)
from scmanager.domain.operation_parts import WINDOW_MAX_S, Window
from scmanager.domain.operation_planning import (
    CrewLimitUnusable,
    OperationFull,
    OperationPlannedAlready,
    RemindersUnusable,
    ShipDoesNotFit,
    ShipModelsUnusable,
    SlotCountUnusable,
    SquadUnknown,
    TimesUnusable,
    WindowUnusable,
    ZoneUnusable,
    add_crew_slots,
    add_ship_slot,
    assign_lead,
    assign_ship,
    check_times,
    copy,
    copy_at,
    describe,
    disband_squad,
    drop_slot,
    form_squad,
    join_series,
    limit_crew,
    plan,
    release_ship,
    relieve_lead,
    rename,
    reschedule,
    set_reminders,
)
from scmanager.domain.operation_rules import OperationClosed, OperationIsTemplate, OperationUnknown
from scmanager.domain.prose import prose_of
from scmanager.domain.words import TitleUnusable, WordsUnusable
from tests.support.scenario import THING, Scenario, entry, meanwhile, told, who

ADA, GRACE, ORG = who("ada"), who("grace"), who("organisation")
GUN, HULL, WING, CARRACK, CORSAIR = who("gun"), who("hull"), who("wing"), who("carrack"), who("corsair")
SATURDAY = Window(1_800_000_000, 1_800_007_200, "Europe/Berlin")
SUNDAY = Window(1_800_086_400, 1_800_093_600, "Europe/Berlin")
PLANNED = Planned("Jumptown", SATURDAY.starts, SATURDAY.ends, SATURDAY.zone)
TEMPLATE = Planned("Mining night", 0, 7_200, "UTC", True)
OFF = Cancelled(CancelReason.SERVERS)
story = Scenario(Operation(), evolve)
given, when, then, then_refused, then_state = story.verbs()

PLANNING = (
    (rename, "Other"),
    (describe, ORG, "why", "where"),
    (reschedule, SUNDAY),
    (limit_crew, 4),
    (set_reminders, (3600,)),
    (form_squad, WING, "Wing"),
    (disband_squad, WING),
    (add_crew_slots, (GUN,), "gunner", None, None, False),
    (add_ship_slot, HULL, "Carrier", (), None, False),
    (drop_slot, GUN),
    (assign_lead, ADA),
    (relieve_lead,),
    (assign_ship, HULL, CARRACK, "ANVL_Carrack"),
    (release_ship, HULL),
)


def test_an_operation_is_planned_once_and_asking_twice_is_harmless() -> None:
    given()
    when(plan, "Jumptown", SATURDAY)
    then(PLANNED)
    when(plan, "Jumptown", SATURDAY)
    then()
    when(plan, "Jumptown", SUNDAY)
    then_refused(OperationPlannedAlready, title="Jumptown")
    given(PLANNED, Planned("Other", 1, 2))
    then_state(id=THING, title="Jumptown", window=SATURDAY, rival_titles=(), template=False)


def test_what_two_planned_under_one_id_is_contested() -> None:
    given()
    other = Planned("Other", 1, 2, briefing=entry(9), series=who("series"))
    one, two = story.in_either_order(PLANNED, other)
    assert (one.title, one.rival_titles, one.rival_windows) == ("Jumptown", ("Other",), (Window(1, 2, "UTC"),))
    assert (two.title, two.rival_titles, two.rival_windows) == ("Other", ("Jumptown",), (SATURDAY,))
    assert (one.objective, one.series) == (two.objective, two.series) == (entry(9), who("series"))
    given(PLANNED, meanwhile(other))
    when(rename, "Other")
    when(reschedule, SUNDAY)
    then_state(title="Other", rival_titles=(), window=SUNDAY, rival_windows=())


def test_planned_as_a_template_too_it_is_an_operation_with_the_time_it_was_given() -> None:
    given()
    for state in story.in_either_order(PLANNED, Planned("Ours", 0, 60, template=True)):
        assert (state.template, state.window, state.rival_windows) == (False, SATURDAY, ())
        assert {state.title, *state.rival_titles} == {"Jumptown", "Ours"}
    for state in story.in_either_order(Planned("A", 0, 60, template=True), Planned("B", 0, 90, template=True)):
        assert (state.template, len(state.rival_windows)) == (True, 1)


def test_an_operation_needs_a_name_a_window_and_a_zone() -> None:
    given()
    for window in (Window(5, 5, "UTC"), Window(0, 5, "UTC"), Window(5, 6 + WINDOW_MAX_S, "UTC")):
        when(plan, "Jumptown", window)
        then_refused(WindowUnusable, starts=window.starts)
    for zone in ("", "Not a zone", "a/b/c/d", "../etc", "x" * 90):
        when(plan, "Jumptown", Window(5, 6, zone))
        then_refused(ZoneUnusable)
    when(plan, "Jump\u202etown", SATURDAY)
    then_refused(TitleUnusable)
    for window in (Window(1, 2, "UTC"), Window(1, 1 + WINDOW_MAX_S, "UTC")):
        given()
        when(plan, "Jumptown", window)
        then_state(window=window)
    given(Planned("\n", 5, 6), Planned("Jumptown", 6, 5), Planned("Jumptown", 5, 6, template=True))
    then_state(id=b"", title="")


@pytest.mark.parametrize("title", ["Операция «Гром»", "作戦：夜明け", "عملية الفجر", "Zoë's día"])
def test_its_name_may_be_in_any_script(title: str) -> None:
    given()
    when(plan, title, SATURDAY)
    then_state(title=title)


def test_nothing_is_planned_of_an_operation_that_is_not_there_or_is_off() -> None:
    for decide, *args in PLANNING:
        given()
        when(decide, *args)
        then_refused(OperationUnknown)
        given(PLANNED, OFF)
        when(decide, *args)
        then_refused(OperationClosed, stage="cancelled")


def test_two_names_and_two_times_at_once_are_contested_until_set_again() -> None:
    given(PLANNED)
    one, other = story.in_either_order(Renamed("North"), Renamed("South"))
    assert (one.title, one.rival_titles) == ("North", ("South",))
    assert (other.title, other.rival_titles) == ("South", ("North",))
    later = Rescheduled(SUNDAY.starts, SUNDAY.ends, SUNDAY.zone)
    given(PLANNED, later, meanwhile(Rescheduled(5, 6, "UTC", (entry(1),))), meanwhile(Renamed("South", (entry(1),))))
    then_state(window=SUNDAY, rival_windows=(Window(5, 6, "UTC"),), title="South")
    when(reschedule, SUNDAY)
    then(Rescheduled(SUNDAY.starts, SUNDAY.ends, SUNDAY.zone, (entry(2), entry(3))))
    then_state(rival_windows=())
    when(reschedule, SUNDAY)
    then()
    when(reschedule, Window(9, 8, "UTC"))
    then_refused(WindowUnusable)
    given(PLANNED, Rescheduled(9, 8))
    then_state(window=SATURDAY)


def test_a_rename_settles_contested_names() -> None:
    given(PLANNED, Renamed("North"), meanwhile(Renamed("South", (entry(1),))))
    then_state(rival_titles=("South",))
    when(rename, "North")
    then(Renamed("North", (entry(2), entry(3))))
    then_state(rival_titles=())
    when(rename, "North")
    then()


def test_what_is_contested_is_settled_even_when_it_is_over() -> None:
    later = Rescheduled(SUNDAY.starts, SUNDAY.ends)
    for rivals, decide, *args in (
        ((Renamed("North"), Renamed("South")), rename, "South"),
        ((Described(), Described()), describe, ORG, "Both", ""),
        ((later, Rescheduled(5, 6)), reschedule, SATURDAY),
        ((LeadAssigned(ADA), LeadAssigned(GRACE)), assign_lead, ADA),
    ):
        given(PLANNED, rivals[0], meanwhile(rivals[1], saw=(entry(1),)), OFF)
        when(decide, *args)
        then_state(rival_titles=(), rival_objectives=(), rival_windows=(), rival_leads=())
        when(decide, *args)
        then_refused(OperationClosed)


def test_two_objectives_at_once_are_contested_and_both_are_kept() -> None:
    given(PLANNED)
    when(describe, ORG, "Take the drugs\nto GrimHEX", "Yela")
    then(About(Described(), prose_of(ORG), Objective("Take the drugs\nto GrimHEX", "Yela")))
    then_state(objective=entry(2))
    given(PLANNED, Described(), meanwhile(Described()))
    then_state(objective=entry(2), rival_objectives=(entry(3),))
    assert [each.entry for each in story.state.texts] == [entry(2), entry(3)]
    when(describe, ORG, "settled", "")
    then(About(Described((entry(2), entry(3))), prose_of(ORG), Objective("settled")))
    then_state(objective=entry(4), rival_objectives=())
    assert [each.entry for each in story.state.texts] == [entry(2), entry(3), entry(4)]
    given(PLANNED, *(Described() for _ in range(TEXTS_MAX + 1)))
    assert len(story.state.texts) == TEXTS_MAX
    then_state(objective=entry(TEXTS_MAX + 2))
    when(describe, ORG, "x", "a\nb")
    then_refused(WordsUnusable)


def test_how_many_may_come_is_set_and_the_last_in_fold_order_stands() -> None:
    given(PLANNED)
    when(limit_crew, 4)
    then(CrewLimited(4))
    when(limit_crew, 4)
    then()
    for most in (-1, 4097):
        when(limit_crew, most)
        then_refused(CrewLimitUnusable, most=most)
    one, other = story.in_either_order(CrewLimited(2), CrewLimited(3))
    assert (one.crew_most, other.crew_most) == (3, 2)


def test_reminders_are_spans_before_the_beginning() -> None:
    given(PLANNED)
    when(set_reminders, (900, 86_400, 900))
    then(RemindersSet((86_400, 900)))
    when(set_reminders, (86_400, 900))
    then()
    for before in (tuple(range(9)), (-1,), (WINDOW_MAX_S + 1,)):
        when(set_reminders, before)
        then_refused(RemindersUnusable)
    one, other = story.in_either_order(RemindersSet((60,)), RemindersSet(()))
    assert (one.reminders, other.reminders) == ((), (60,))


def test_a_squad_is_formed_and_disbanded_and_its_slots_stay() -> None:
    given(PLANNED)
    when(form_squad, WING, "Wing")
    then(SquadFormed(WING, "Wing"))
    when(add_crew_slots, (GUN,), "gunner", None, WING, False)
    when(disband_squad, WING)
    then(SquadDisbanded(WING))
    when(disband_squad, WING)
    then()
    assert [slot.squad for slot in story.state.crew_slots] == [WING]
    when(add_crew_slots, (HULL,), "gunner", None, WING, False)
    then_refused(SquadUnknown, title="Jumptown")
    given(PLANNED, *(SquadFormed(who(f"squad {number}"), "Wing") for number in range(SQUADS_MAX)))
    when(form_squad, WING, "Wing")
    then_refused(OperationFull, what="squads")


def test_a_squad_disbanded_while_a_slot_is_added_to_it_leaves_the_slot_in_either_order() -> None:
    given(PLANNED, SquadFormed(WING, "Wing"))
    one, other = story.in_either_order(SquadDisbanded(WING), CrewSlotAdded(GUN, "gunner", None, WING))
    assert one == other
    one, other = story.in_either_order(SquadFormed(GUN, "Red"), SquadFormed(HULL, "Blue"))
    assert {each.title for each in one.squads} == {each.title for each in other.squads} == {"Wing", "Red", "Blue"}


def test_slots_ask_for_members_and_ships() -> None:
    given(PLANNED)
    when(add_ship_slot, HULL, "Carrier", ("ANVL_Carrack", "ANVL_Carrack"), None, True)
    then(ShipSlotAdded(HULL, "Carrier", ("ANVL_Carrack",), None, True))
    when(add_crew_slots, (GUN, WING), "gunner", HULL, None, False)
    then(CrewSlotAdded(GUN, "gunner", HULL), CrewSlotAdded(WING, "gunner", HULL))
    for count in (0, 65):
        when(add_crew_slots, tuple(who(f"slot {number}") for number in range(count)), "gunner", None, None, False)
        then_refused(SlotCountUnusable, count=count)
    when(add_crew_slots, (THING,), "gunner", GUN, None, False)
    then_refused(SlotUnknown)
    when(add_ship_slot, THING, "Carrier", ("no key!",), None, False)
    then_refused(ShipModelsUnusable)
    given(PLANNED, *(ShipSlotAdded(who(f"slot {number}"), "Any") for number in range(SHIP_SLOTS_MAX)))
    when(add_ship_slot, HULL, "Any", (), None, False)
    then_refused(OperationFull, what="ship slots")


def test_slots_added_at_once_are_both_there_and_one_id_is_one_slot() -> None:
    given(PLANNED)
    one, other = story.in_either_order(CrewSlotAdded(GUN, "gunner"), ShipSlotAdded(HULL, "Carrier"))
    assert one == other
    given(PLANNED, CrewSlotAdded(GUN, "gunner"), meanwhile(ShipSlotAdded(GUN, "Carrier")))
    then_state(ship_slots=())


def test_a_slot_dropped_while_somebody_takes_it_is_gone_in_either_order() -> None:
    given(
        PLANNED,
        CrewSlotAdded(GUN, "gunner", HULL),
        ShipSlotAdded(HULL, "Carrier"),
        told(SignedUp(Answer.ACCEPTED), ADA),
    )
    one, other = story.in_either_order(SlotDropped(GUN), told(SlotTaken(GUN), ADA))
    assert one == other
    assert one.crew_slots == ()
    one, other = story.in_either_order(SlotDropped(HULL), ShipAssigned(HULL, CARRACK))
    assert one == other
    assert one.crew_slots[0].aboard is None
    when(drop_slot, GUN)
    then(SlotDropped(GUN))
    when(drop_slot, GUN)
    then()


def test_a_ship_is_put_where_it_fits_and_leaves_the_slot_it_had() -> None:
    given(PLANNED, ShipSlotAdded(HULL, "Carrier", ("ANVL_Carrack",)), ShipSlotAdded(WING, "Any"))
    when(assign_ship, HULL, CORSAIR, "DRAK_Corsair")
    then_refused(ShipDoesNotFit, model="DRAK_Corsair", models="ANVL_Carrack")
    when(assign_ship, GUN, CORSAIR, "DRAK_Corsair")
    then_refused(SlotUnknown)
    when(assign_ship, HULL, CARRACK, "ANVL_Carrack")
    then(ShipAssigned(HULL, CARRACK))
    when(assign_ship, HULL, CARRACK, "ANVL_Carrack")
    then()
    when(assign_ship, WING, CARRACK, "ANVL_Carrack")
    assert [[each.value for each in slot.claims] for slot in story.state.ship_slots] == [[], [CARRACK]]
    when(release_ship, WING)
    then(ShipReleased(WING, (entry(5),)))
    when(release_ship, WING)
    then()


def test_two_ships_put_into_one_slot_at_once_are_contested_until_one_is_assigned_again() -> None:
    given(
        PLANNED, ShipSlotAdded(HULL, "Carrier"), ShipAssigned(HULL, CARRACK), meanwhile(ShipAssigned(HULL, CORSAIR))
    )
    assert [each.value for each in story.state.ship_slots[0].claims] == [CARRACK, CORSAIR]
    when(assign_ship, HULL, CORSAIR, "DRAK_Corsair")
    then(ShipAssigned(HULL, CORSAIR, (entry(3), entry(4))))
    given(PLANNED, ShipSlotAdded(HULL, "Carrier"), ShipAssigned(HULL, CARRACK))
    one, other = story.in_either_order(ShipReleased(HULL, (entry(3),)), ShipAssigned(HULL, CORSAIR, (entry(3),)))
    assert one == other
    assert [each.value for each in one.ship_slots[0].claims] == [CORSAIR]


def test_a_member_leads_until_relieved_and_two_at_once_are_contested() -> None:
    given(PLANNED)
    when(assign_lead, ADA)
    then(LeadAssigned(ADA))
    when(assign_lead, ADA)
    then()
    when(relieve_lead)
    then(LeadRelieved((entry(2),)))
    when(relieve_lead)
    then()
    given(PLANNED, LeadAssigned(ADA), meanwhile(LeadAssigned(GRACE)))
    then_state(lead=ADA, rival_leads=(GRACE,))
    when(assign_lead, GRACE)
    then(LeadAssigned(GRACE, (entry(2), entry(3))))
    given(PLANNED, LeadAssigned(ADA))
    one, other = story.in_either_order(LeadRelieved((entry(2),)), LeadAssigned(GRACE, (entry(2),)))
    assert one == other
    assert one.lead == GRACE


def planned_fully() -> Operation:
    given(
        PLANNED,
        Described(),
        CrewLimited(3),
        RemindersSet((60,)),
        SquadFormed(WING, "Wing"),
        ShipSlotAdded(HULL, "Carrier", ("ANVL_Carrack",), WING),
        CrewSlotAdded(GUN, "gunner", HULL, WING, True),
        LeadAssigned(ADA),
        told(SignedUp(Answer.ACCEPTED), ADA),
        ShipAssigned(HULL, CARRACK),
    )
    return story.state


def test_a_copy_has_the_plan_and_the_words_but_not_the_people_and_ships() -> None:
    source = planned_fully()
    given()
    when(copy_at, source, "Jumptown II", SUNDAY.starts)
    then(
        Planned("Jumptown II", SUNDAY.starts, SUNDAY.ends, SUNDAY.zone, False, entry(2)),
        CrewLimited(3),
        RemindersSet((60,)),
        SquadFormed(WING, "Wing"),
        ShipSlotAdded(HULL, "Carrier", ("ANVL_Carrack",), WING),
        CrewSlotAdded(GUN, "gunner", HULL, WING, True),
        LeadAssigned(ADA),
    )
    then_state(sign_ups=(), objective=entry(2), lead=ADA)
    when(copy_at, source, "Jumptown II", SUNDAY.starts)
    then_refused(OperationPlannedAlready)
    given()
    when(copy_at, Operation(), "Nothing", SUNDAY.starts)
    then_refused(OperationUnknown)
    when(copy, Operation(), "Nothing", 0, None)
    then_refused(OperationUnknown)
    when(copy_at, source, "No template by mistake", 0)
    then_refused(WindowUnusable)


def test_a_template_has_a_length_and_no_time_and_nobody_flies_it() -> None:
    source = planned_fully()
    given()
    when(copy, source, "Template", 0, None)
    then_state(template=True, window=Window(0, 7_200, "Europe/Berlin"), lead=None)
    when(reschedule, SATURDAY)
    then_refused(WindowUnusable)
    when(reschedule, Window(0, 3_600, "UTC"))
    then(Rescheduled(0, 3_600, "UTC", (entry(1),)))
    when(assign_ship, HULL, CARRACK, "ANVL_Carrack")
    then_refused(OperationIsTemplate)
    template = story.state
    given()
    when(copy_at, template, "From it", 50)
    then_state(template=False, window=Window(50, 3_650, "UTC"))


def test_an_operation_joins_a_series_and_of_two_the_last_in_fold_order_stands() -> None:
    given(PLANNED)
    when(join_series, WING)
    then(SeriesJoined(WING))
    when(join_series, WING)
    then()
    one, other = story.in_either_order(SeriesJoined(GUN), SeriesJoined(HULL))
    assert (one.series, other.series) == (HULL, GUN)
    given(TEMPLATE)
    when(join_series, WING)
    then_refused(OperationIsTemplate)
    for times in (0, 27):
        with pytest.raises(TimesUnusable):
            check_times(times)
    check_times(1)
