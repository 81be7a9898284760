"""Whatever order a merge hands them, and whatever is in them: events evolve, never raise, and say the same twice."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.domain import (
    audit_event,
    character,
    consent,
    contact,
    document,
    fleet,
    hangar_import,
    machine,
    member,
    operation,
    organisation,
    player,
    reading,
    role,
    ship,
    squadron,
    treaty,
)
from scmanager.domain.event import CATALOGUE, Envelope, Event, State, replace
from scmanager.domain.rights import ANYONE, RIGHT_NEEDED
from scmanager.domain.ship_events import Added, Owner, OwnerKind
from tests.support.arbitrary import envelopes, events
from tests.support.effort import examples
from tests.support.scenario import THING, entry, who, wired

THINGS = {
    "organisation": (organisation.Organisation(), organisation.evolve),
    "role": (role.Role(), role.evolve),
    "member": (member.Member(), member.evolve),
    "ship": (ship.Ship(), ship.evolve),
    "import": (hangar_import.Import(), hangar_import.evolve),
    "fleet": (fleet.Fleet(), fleet.evolve),
    "squadron": (squadron.Squadron(), squadron.evolve),
    "operation": (operation.Operation(), operation.evolve),
    "contact": (contact.Contact(), contact.evolve),
    "treaty": (treaty.Treaty(), treaty.evolve),
    "character": (character.Character(), character.evolve),
    "notification": (reading.Inbox(), reading.evolve),
    "consent": (consent.Consents(), consent.evolve),
    "player": (player.Player(), player.evolve),
    "machine": (machine.Machine(), machine.evolve),
    "document": (document.Document(), document.evolve),
    "audit": (audit_event.Series(), audit_event.evolve),
}


def kinds_of(thing: str) -> list[type[Event]]:
    return [CATALOGUE[tag] for tag in RIGHT_NEEDED if tag.startswith(thing + ".")]


def histories(thing: str, wild: bool = False) -> st.SearchStrategy[list[tuple[Event, Envelope]]]:
    return st.lists(st.tuples(events(kinds_of(thing), wild), envelopes()), max_size=10)


def fold(thing: str, history: list[tuple[Event, Envelope]]) -> Any:
    state, evolve = THINGS[thing]
    for event, envelope in history:
        state = evolve(state, event, envelope)
    return state


@pytest.mark.parametrize("thing", THINGS)
@given(data=st.data())
@settings(max_examples=examples(40))
@pytest.mark.slow
def test_no_history_however_wild_makes_evolve_raise(thing: str, data: st.DataObject) -> None:
    state = fold(thing, data.draw(histories(thing, wild=True)))
    assert type(state) is type(THINGS[thing][0])


@pytest.mark.parametrize("thing", THINGS)
@given(data=st.data())
@settings(max_examples=examples(40))
@pytest.mark.slow
def test_the_same_entry_twice_changes_nothing(thing: str, data: st.DataObject) -> None:
    history = data.draw(histories(thing))
    twice = [each for each in history for _ in range(2)]
    assert fold(thing, twice) == fold(thing, history)


@pytest.mark.parametrize("thing", THINGS)
@given(data=st.data())
@settings(max_examples=examples(40))
@pytest.mark.slow
def test_what_evolve_makes_can_be_written_down_and_read_again(thing: str, data: st.DataObject) -> None:
    state: State = fold(thing, data.draw(histories(thing)))
    assert msgspec.json.decode(msgspec.json.encode(state), type=type(state)) == state


@pytest.mark.parametrize("thing", THINGS)
@given(data=st.data())
@settings(max_examples=examples(40))
@pytest.mark.slow
def test_an_event_off_the_wire_evolves_as_the_one_that_was_written(thing: str, data: st.DataObject) -> None:
    history = data.draw(histories(thing))
    usable = [(event, envelope) for event, envelope in history if "" not in msgspec.structs.astuple(event)]
    assert fold(thing, [(wired(event), envelope) for event, envelope in usable]) == fold(thing, usable)


def own_kinds(thing: str) -> list[type[Event]]:
    return [kind for kind in kinds_of(thing) if RIGHT_NEEDED[kind.tag] is ANYONE]


@given(history=st.lists(st.tuples(events(own_kinds("ship")), envelopes(by=st.just(who("stranger")))), max_size=8))
@settings(max_examples=examples(60))
def test_nothing_a_stranger_says_without_a_right_changes_what_stands_of_somebodys_ship(
    history: list[tuple[Event, Envelope]],
) -> None:
    ada = Envelope(entry(99), b"", 1, 1, b"", who("ada"), 5, THING)
    before = ship.evolve(ship.Ship(), Added("aegis-vanguard"), ada)
    assert before.owner == Owner(OwnerKind.MEMBER, who("ada"))
    after = before
    for event, envelope in history:
        after = ship.evolve(after, event, envelope)
    kept = tuple(each for each in after.owners if each.value == before.owner)
    assert replace(after, owners=kept, brought=after.brought[:1]) == before, (
        "he can claim that he brought it too; that is seen, and no more"
    )


@given(history=st.lists(st.tuples(events(own_kinds("member")), envelopes(by=st.just(who("stranger")))), max_size=8))
@settings(max_examples=examples(40))
def test_nobody_speaks_as_another_member(history: list[tuple[Event, Envelope]]) -> None:
    after = member.Member()
    for event, envelope in history:
        after = member.evolve(after, event, envelope)
    assert after == member.Member()


@given(
    history=st.lists(st.tuples(events(own_kinds("character")), envelopes(by=st.just(who("stranger")))), max_size=8)
)
@settings(max_examples=examples(40))
def test_nothing_a_stranger_says_changes_somebodys_character(history: list[tuple[Event, Envelope]]) -> None:
    ada = Envelope(entry(99), b"", 1, 1, b"", who("ada"), 5, THING)
    before = after = character.evolve(character.Character(), character.Made(), ada)
    for event, envelope in history:
        after = character.evolve(after, event, envelope)
    assert replace(after, others=()) == before
    assert len(after.others) < 2


@given(history=st.lists(st.tuples(events(own_kinds("player")), envelopes(by=st.just(who("stranger")))), max_size=8))
@settings(max_examples=examples(40))
def test_nobody_chooses_another_members_main_character(history: list[tuple[Event, Envelope]]) -> None:
    after = player.Player()
    for event, envelope in history:
        after = player.evolve(after, event, envelope)
    assert after == player.Player()


@given(history=st.lists(st.tuples(events(own_kinds("machine")), envelopes(by=st.just(who("stranger")))), max_size=8))
@settings(max_examples=examples(40))
def test_nobody_renames_another_members_machine(history: list[tuple[Event, Envelope]]) -> None:
    ada = Envelope(entry(99), b"", 1, 1, b"", who("ada"), 5, THING)
    before = after = machine.evolve(machine.Machine(), machine.Named(THING * 2), ada)
    assert before.owner == who("ada")
    for event, envelope in (*history, *((machine.Named(THING * 2), envelope) for _, envelope in history)):
        after = machine.evolve(after, event, envelope)
    assert after == before
