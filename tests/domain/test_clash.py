"""Clashes: what a thing's events alone tell of contests, open and settled."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.domain import contact, fleet, operation_events, role, squadron
from scmanager.domain.catalogue import FOLDS
from scmanager.domain.clash import Clashes, Contest
from scmanager.domain.clash_fields import FIELDS, field_of
from scmanager.domain.event import CATALOGUE, Envelope, Event, Id, Id32
from scmanager.domain.fold import Fold
from scmanager.domain.governance import needs
from scmanager.domain.operation_events import Answer, Outcome
from scmanager.domain.rights import RIGHT_NEEDED
from scmanager.domain.treaty_events import (
    AcceptanceClaimed,
    Dropped,
    DropReason,
    Ended,
    EndReason,
    Kind,
    Proposed,
    Signed,
)
from tests.support.arbitrary import envelopes, events
from tests.support.effort import examples
from tests.support.scenario import LEADER, THING, entry, who

BY_NAME: dict[str, Fold] = {fold.name: fold for fold in FOLDS.values()}
ADA, GRACE, BESS, DORA = who("ada"), who("grace"), who("bess"), who("dora")


def contests(kind: str, *said: tuple[Event, tuple[int, ...]], by: bytes = LEADER) -> tuple[Contest, ...]:
    """Of a thing whose nth event saw the ones that are numbered."""
    return Clashes(BY_NAME[kind], FIELDS[kind]).follow(story(*said, by=by))


def story(*said: tuple[Event, tuple[int, ...]], by: bytes = LEADER) -> list[tuple[Envelope, Event]]:
    return [
        (Envelope(entry(n), by * 2, n, 100 + n, by * 2, by, 0, THING, saw=tuple(entry(each) for each in saw)), event)
        for n, (event, saw) in enumerate(said, 1)
    ]


def told(found: tuple[Contest, ...]) -> list[tuple[str, list[Any], Id32]]:
    return [(each.field, [rival.value for rival in each.rivals], each.settled) for each in found]


def test_names_given_at_once_are_open_until_one_is_given_by_somebody_who_knows_both() -> None:
    said = [(fleet.Formed("A"), ()), (fleet.Renamed("B"), (1,)), (fleet.Renamed("C"), (1,))]
    assert told(contests("fleet", *said)) == [("name", ["B", "C"], b"")]
    (ended,) = contests("fleet", *said, (fleet.Renamed("C"), (2, 3)))
    assert (ended.settled, ended.outcome, ended.by, ended.at) == (entry(4), "C", LEADER, 104)
    assert [each.value for each in ended.rivals] == ["B", "C"]
    assert (ended.since, ended.rivals[0].at) == (103, 102)


def test_two_who_say_the_same_agree() -> None:
    assert contests("fleet", (fleet.Formed("A"), ()), (fleet.Renamed("B"), (1,)), (fleet.Renamed("B"), (1,))) == ()


def test_a_rival_that_was_ended_meanwhile_stays_in_the_settled_contest() -> None:
    """Three names; one who knew two of them settles those; the third is settled later."""
    found = contests(
        "fleet",
        (fleet.Formed("A"), ()),
        (fleet.Renamed("B"), (1,)),
        (fleet.Renamed("C"), (1,)),
        (fleet.Renamed("D"), (1,)),
        (fleet.Renamed("E"), (2, 3)),
        (fleet.Renamed("F"), (4, 5)),
    )
    assert told(found) == [("name", ["B", "C", "D", "E"], entry(6))]


def test_a_register_is_contested_between_settings_that_nobody_who_wrote_later_knew() -> None:
    said = [(contact.Recorded("T"), ()), (contact.SidSet("ONE"), (1,)), (contact.SidSet("TWO"), (1,))]
    assert told(contests("contact", *said)) == [("tag", ["TWO", "ONE"], b"")]
    unknowing = contests("contact", *said, (contact.SidSet("SIX"), (2,)))
    assert told(unknowing) == [("tag", ["SIX", "TWO"], b"")]
    knowing = contests("contact", *said, (contact.Archived(), (2, 3)), (contact.SidSet("SIX"), (4,)))
    assert told(knowing) == [("tag", ["TWO", "ONE"], entry(5))]
    assert knowing[0].outcome == "SIX"


def test_a_setting_reached_by_what_another_event_saw_is_known() -> None:
    found = contests(
        "squadron",
        (squadron.Formed("Red"), ()),
        (squadron.Moved(ADA), (1,)),
        (squadron.Renamed("Blue", (entry(1),)), (2,)),
        (squadron.Moved(GRACE), (3,)),
    )
    assert found == ()


def test_a_template_a_treaty_and_a_course_of_an_operation_are_contested() -> None:
    changed = [(role.Defined("A", 5), ()), (role.Changed("B", 5), (1,)), (role.Changed("A", 6), (1,))]
    assert [each.field for each in contests("role", *changed)] == ["template"]
    pact = [
        (Proposed(ADA, Kind.PEACE, "Pact"), ()),
        (Signed(entry(1)), (1,)),
        (AcceptanceClaimed(entry(1)), (2,)),
        (Dropped(DropReason.WITHDRAWN), (2,)),
    ]
    assert told(contests("treaty", *pact)) == [("standing", ["agreed", "withdrawn"], b"")]
    (ended,) = contests("treaty", *pact, (Ended(EndReason.CANCELLED), (3, 4)))
    assert (ended.field, ended.settled) == ("standing", entry(5))


def test_a_slot_is_contested_by_those_alone_who_have_a_place_in_the_crew() -> None:
    slot, other = who("slot"), who("other slot")
    said: list[tuple[Event, tuple[int, ...]]] = [
        (operation_events.Planned("Jump", 10, 20), ()),
        (operation_events.CrewSlotAdded(slot, "gunner"), (1,)),
        (operation_events.CrewSlotAdded(other, "pilot"), (2,)),
        (operation_events.SignedUpFor(ADA, Answer.ACCEPTED), (3,)),
        (operation_events.SignedUpFor(GRACE, Answer.ACCEPTED), (4,)),
        (operation_events.SlotTakenFor(slot, ADA), (5,)),
        (operation_events.SlotTakenFor(slot, GRACE), (5,)),
    ]
    (found,) = contests("operation", *said)
    assert (found.field, found.part, [each.value for each in found.rivals]) == ("crew", slot, [ADA, GRACE])
    declined = contests("operation", *said, (operation_events.SignedUpFor(GRACE, Answer.DECLINED), (6, 7)))
    assert declined == ()
    done = [*said, (operation_events.Started(), (6, 7)), (operation_events.Completed(Outcome.SUCCESS), (8,))]
    assert contests("operation", *done) == (), "nobody can settle it any more"
    (again,) = contests("operation", *done, (operation_events.Reinstated(), (9,)))
    assert (again.field, again.part) == ("crew", slot)


def accepts(member: Id, over: tuple[int, ...] = ()) -> Event:
    return operation_events.SignedUpFor(member, Answer.ACCEPTED, over=tuple(entry(each) for each in over))


def test_a_place_is_open_between_those_alone_who_had_one_as_far_as_they_knew() -> None:
    planned: list[tuple[Event, tuple[int, ...]]] = [
        (operation_events.Planned("Jump", 10, 20), ()),
        (operation_events.CrewLimited(2), (1,)),
        (accepts(BESS), (2,)),
    ]
    three = [*planned, (accepts(ADA), (3,)), (accepts(GRACE), (3,))]
    assert told(contests("operation", *three)) == [("place", [ADA, GRACE], b"")], "all knew of Bess"
    assert told(contests("operation", *three, (accepts(DORA), (4,)))) == [("place", [ADA, GRACE], b"")], "it was full"
    assert told(contests("operation", *three, (accepts(ADA), (4, 5)))) == [("place", [ADA, GRACE], b"")], "said again"
    settled = [*three, (accepts(GRACE, (4, 5)), (4, 5))]
    (found,) = contests("operation", *settled)
    assert (found.settled, found.outcome) == (entry(6), GRACE)
    (found,) = contests("operation", *three, (operation_events.SignedUpFor(ADA, Answer.DECLINED), (4, 5)))
    assert (found.settled, found.outcome) == (entry(6), None)
    assert told(contests("operation", *settled, (accepts(GRACE), (2,)))) == told(contests("operation", *settled))


def test_what_is_over_asks_nobody_to_settle_what_stands_in_it() -> None:
    fields = {
        "fleet": [(fleet.Formed("A"), ()), (fleet.Renamed("B"), (1,)), (fleet.Renamed("C"), (1,))],
        "role": [(role.Defined("A", 5), ()), (role.Changed("B", 5), (1,)), (role.Changed("C", 6), (1,))],
    }
    over: dict[str, Event] = {"fleet": fleet.Disbanded(), "role": role.Withdrawn()}
    for kind, said in fields.items():
        assert len(contests(kind, *said)) == 1
        assert contests(kind, *said, (over[kind], (2, 3))) == ()


@pytest.mark.parametrize("kind", FIELDS)
@given(data=st.data())
@settings(max_examples=examples(40))
@pytest.mark.slow
def test_no_history_breaks_it_and_following_by_steps_tells_the_same(kind: str, data: st.DataObject) -> None:
    kinds = [CATALOGUE[tag] for tag in RIGHT_NEEDED if tag.startswith(f"{kind}.")]
    history = data.draw(st.lists(st.tuples(envelopes(), events(kinds, wild=True)), max_size=12))
    whole, stepwise = (Clashes(BY_NAME[kind], FIELDS[kind]) for _ in range(2))
    found = whole.follow(history)
    for end in range(len(history) + 1):
        last = stepwise.follow(history[:end])
    assert last == found
    assert all(len(each.rivals) > 1 for each in found if not each.settled)
    assert all(each.since >= 0 for each in found)


def test_every_field_names_a_verb_and_a_right_that_there_are() -> None:
    from scmanager.application.every_verb import VERBS
    from scmanager.application.saying_again import SAY

    every = {(kind, field.name): field for kind, fields in FIELDS.items() for field in fields}
    assert set(every) == set(SAY)
    for (kind, name), field in every.items():
        assert field.verb in VERBS, (kind, name)
        assert needs(field.says.tag) is not None or field.own is not None
        assert field_of(kind, name) is field
        assert bool(field.claims) != bool(field.writes), "kept as claims, or a register, or places"
    assert field_of("fleet", "colour") is None
