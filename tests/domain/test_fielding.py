"""Can we field this? The solver against every assignment there is, and what it says of what is missing."""

import time
from functools import cache

from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.domain.contest import Claim
from scmanager.domain.fielding import Fielding, Flaw, Hand, Hull, Missing, field, match
from scmanager.domain.operation import Operation
from scmanager.domain.operation_events import Answer
from scmanager.domain.operation_parts import CrewSlot, ShipSlot, SignUp
from tests.support.effort import examples
from tests.support.scenario import entry, who

ADA, GRACE, ALAN = who("ada"), who("grace"), who("alan")
GUN, HELM, HULL = who("gun"), who("helm"), who("hull")
CARRACK, CORSAIR = who("carrack"), who("corsair")

SLOTS = [bytes([number]) * 16 for number in range(6)]
PEOPLE = [bytes([number]) * 16 for number in range(10, 16)]
graphs = st.fixed_dictionaries({slot: st.lists(st.sampled_from(PEOPLE), max_size=4, unique=True) for slot in SLOTS})


def most(slots: list[bytes], could: dict[bytes, list[bytes]]) -> int:
    """By trying everything."""

    @cache
    def best(at: int, taken: frozenset[bytes]) -> int:
        if at == len(slots):
            return 0
        left = best(at + 1, taken)
        return max([left, *(1 + best(at + 1, taken | {each}) for each in could[slots[at]] if each not in taken)])

    return best(0, frozenset())


@given(could=graphs)
@settings(max_examples=examples(300))
def test_no_assignment_fills_more_and_none_is_given_twice(could: dict[bytes, list[bytes]]) -> None:
    found = match(SLOTS, could)
    assert len(found) == most(SLOTS, could)
    assert all(member in could[slot] for slot, member in found.items())
    assert len(set(found.values())) == len(found)


@given(could=graphs)
@settings(max_examples=examples(200))
def test_an_earlier_slot_is_never_left_open_for_a_later_one(could: dict[bytes, list[bytes]]) -> None:
    for count in range(len(SLOTS) + 1):
        assert len(match(SLOTS, could).keys() & set(SLOTS[:count])) == most(SLOTS[:count], could)


def crew(*slots: CrewSlot, ships: tuple[ShipSlot, ...] = (), signed: tuple[bytes, ...] = ()) -> Operation:
    answers = tuple(SignUp(each, Answer.ACCEPTED, entry(9)) for each in signed)
    return Operation(id=b"o" * 16, crew_slots=slots, ship_slots=ships, sign_ups=answers)


def who_fills(found: Fielding) -> list[bytes | None]:
    return [each.member for each in found.crew]


def test_somebody_moves_on_so_that_both_slots_are_filled() -> None:
    operation = crew(CrewSlot(GUN, "gunner"), CrewSlot(HELM, "pilot"))
    found = field(operation, [Hand(ADA), Hand(GRACE, ("Gunner",))], [])
    assert (who_fills(found), found.complete, found.open) == ([GRACE, ADA], True, 0)
    assert found.crew[0].could == (ADA, GRACE)


def test_who_gave_no_answer_can_take_any_role_and_is_asked_last() -> None:
    operation = crew(CrewSlot(GUN, "gunner"), CrewSlot(HELM, "pilot"))
    hands = [Hand(GRACE, ("gunner",))]
    found = field(operation, hands, [], [ADA, ALAN])
    assert who_fills(found) == [GRACE, ADA]
    assert [each.could for each in found.crew] == [(GRACE, ADA, ALAN), (ADA, ALAN)]
    assert found == field(operation, [*hands, Hand(ADA), Hand(ALAN)], [])


def test_slots_for_the_same_models_have_the_same_ships_to_choose_from_and_none_is_given_twice() -> None:
    ships = tuple(ShipSlot(who(f"slot {n}"), "Any", models) for n, models in enumerate((("A", "B"), ("B",)) * 2))
    hulls = [Hull(who(f"hull {n}"), "AB"[n % 2], Flaw.LOST if n > 2 else None) for n in range(5)]
    found = field(crew(ships=ships), [], hulls).ships
    assert [each.could for each in found[:2]] == [tuple(each.ship for each in hulls[:3]), (hulls[1].ship,)]
    assert [each.would for each in found[:2]] == [tuple(hulls[3:]), (hulls[3],)]
    assert [(each.could, each.would) for each in found[2:]] == [(each.could, each.would) for each in found[:2]]
    assert [each.ship for each in found] == [hulls[0].ship, hulls[1].ship, hulls[2].ship, None]


def test_a_slot_that_must_be_filled_goes_before_one_that_may() -> None:
    operation = crew(CrewSlot(GUN, "gunner", optional=True), CrewSlot(HELM, "pilot"))
    found = field(operation, [Hand(ADA)], [])
    assert (who_fills(found), found.complete, found.open) == ([None, ADA], True, 1)
    assert found.crew[0].missing is Missing.TOO_FEW


def test_what_is_missing_is_told() -> None:
    ships = (ShipSlot(HULL, "Carrier", ("ANVL_Carrack",)),)
    operation = crew(CrewSlot(GUN, "gunner", aboard=HULL), CrewSlot(HELM, "pilot"), ships=ships)
    hulls = [Hull(CARRACK, "ANVL_Carrack", Flaw.DAMAGED), Hull(CORSAIR, "DRAK_Corsair")]
    found = field(operation, [Hand(ADA, ("gunner",))], hulls)
    assert (found.ships[0].missing, found.ships[0].would) == (Missing.NOBODY, (hulls[0],))
    assert [each.missing for each in found.crew] == [Missing.NO_SHIP, Missing.NOBODY]
    assert not found.complete


def test_a_template_with_a_ship_that_nobody_owns_says_so() -> None:
    found = field(crew(ships=(ShipSlot(HULL, "Dream", ("BANU_Merchantman",)),)), [Hand(ADA)], [])
    assert (found.ships[0].missing, found.ships[0].could, found.complete) == (Missing.NOBODY, (), False)


def test_who_holds_a_slot_keeps_it_and_a_ship_that_was_sold_does_not() -> None:
    ships = (ShipSlot(HULL, "Any", claims=(Claim(CARRACK, entry(1)),)),)
    slots = CrewSlot(GUN, "gunner", claims=(Claim(ADA, entry(2)),)), CrewSlot(HELM, "pilot")
    operation = crew(*slots, ships=ships, signed=(ADA, GRACE))
    hulls = [Hull(CARRACK, "ANVL_Carrack", Flaw.GONE), Hull(CORSAIR, "DRAK_Corsair")]
    found = field(operation, [Hand(ADA), Hand(GRACE, ("gunner",))], hulls)
    assert (found.ships[0].ship, found.ships[0].stands, found.ships[0].lost) == (CORSAIR, False, CARRACK)
    assert (who_fills(found), found.crew[0].stands, found.crew[1].missing) == ([ADA, None], True, Missing.NOBODY)
    anew = field(operation, [Hand(ADA), Hand(GRACE, ("gunner",))], hulls, anew=True)
    assert (who_fills(anew), anew.complete) == ([GRACE, ADA], True)


def test_of_too_few_ships_the_one_with_more_crew_is_filled() -> None:
    ships = ShipSlot(who("small"), "Small"), ShipSlot(HULL, "Large")
    found = field(
        crew(CrewSlot(GUN, "gunner", aboard=HULL), ships=ships), [Hand(ADA)], [Hull(CORSAIR, "DRAK_Corsair")]
    )
    assert [each.ship for each in found.ships] == [None, CORSAIR]
    assert who_fills(found) == [ADA]


def test_a_ship_that_can_come_stays_where_it_was_put_unless_asked_anew() -> None:
    wing, tail = who("wing"), who("tail")
    ships = ShipSlot(HULL, "One", claims=(Claim(CARRACK, entry(1)),)), ShipSlot(wing, "Two"), ShipSlot(tail, "Three")
    hulls = [Hull(CORSAIR, "DRAK_Corsair"), Hull(CARRACK, "ANVL_Carrack")]
    one, two, three = field(crew(ships=ships), [], hulls).ships
    assert (one.ship, one.stands, one.could, one.lost, one.missing) == (CARRACK, True, (), None, None)
    assert (two.ship, two.stands, two.could, two.lost, two.missing) == (CORSAIR, False, (CORSAIR,), None, None)
    assert (three.ship, three.could, three.missing) == (None, (CORSAIR,), Missing.TOO_FEW)
    one, two, _ = field(crew(ships=ships), [], hulls, anew=True).ships
    assert (one.ship, one.stands, one.could, one.lost) == (CORSAIR, False, (CORSAIR, CARRACK), None)
    assert two.ship == CARRACK


def test_nobody_is_kept_for_a_slot_whose_ship_is_missing() -> None:
    ships = (ShipSlot(HULL, "Carrier"),)
    slots = CrewSlot(GUN, "gunner", aboard=HULL, claims=(Claim(ADA, entry(2)),)), CrewSlot(HELM, "pilot")
    first, second = field(crew(*slots, ships=ships, signed=(ADA,)), [Hand(ADA)], []).crew
    assert (first.member, first.stands, first.could, first.missing) == (None, False, (ADA,), Missing.NO_SHIP)
    assert (second.member, second.could) == (ADA, (ADA,))


def test_who_holds_a_slot_and_is_not_here_any_more_does_not_fill_it() -> None:
    slot = CrewSlot(GUN, "gunner", claims=(Claim(ADA, entry(2)),))
    (found,) = field(crew(slot, signed=(ADA,)), [Hand(GRACE)], []).crew
    assert (found.member, found.stands) == (GRACE, False)


def test_of_two_ships_with_crew_the_one_with_more_that_must_come_is_filled() -> None:
    ships = ShipSlot(who("small"), "Small"), ShipSlot(HULL, "Large")
    aboard = (who("small"), True), (who("small"), True), (who("small"), False), (HULL, False), (HULL, False)
    slots = [
        CrewSlot(who(f"slot {number}"), "gunner", aboard=ship, optional=optional)
        for number, (ship, optional) in enumerate(aboard)
    ]
    found = field(crew(*slots, ships=ships), [], [Hull(CORSAIR, "DRAK_Corsair")])
    assert [each.ship for each in found.ships] == [None, CORSAIR]


def test_a_chain_through_every_slot_is_found() -> None:
    slots = [number.to_bytes(16, "big") for number in range(1_500)]
    could = {slot: [slot, slots[at + 1]] for at, slot in enumerate(slots[:-1])} | {slots[-1]: [slots[0]]}
    could[slots[0]] = [slots[0], slots[1]]
    assert len(match(slots, could)) == len(slots)


def test_two_hundred_people_and_sixty_slots_take_well_under_a_second() -> None:
    roles = [f"role {number % 7}" for number in range(60)]
    slots = tuple(CrewSlot(number.to_bytes(16, "big"), role) for number, role in enumerate(roles))
    hands = [Hand((1000 + n).to_bytes(16, "big"), (f"role {n % 9}", f"role {n % 4}")) for n in range(200)]
    began = time.perf_counter()
    found = field(crew(*slots), hands, [])
    assert time.perf_counter() - began < 1
    assert found.complete
    assert field(crew(*slots), hands, []) == found
