"""Leaving changes out of a document: by whom, which ones, and back again, whatever order a merge hands it in."""

import itertools

import pytest
from hypothesis import given as given_any
from hypothesis import strategies as st

from scmanager.domain.change_graph import ROOT
from scmanager.domain.document import (
    LEAVINGS_MAX,
    BriefingChanged,
    Document,
    Kind,
    Leaving,
    LeftOut,
    TakenIn,
    actor_of,
    evolve,
    salt_of,
)
from scmanager.domain.event import About, Envelope
from scmanager.domain.leaving import (
    LeavingAbove,
    LeavingReason,
    LeavingUnknown,
    NothingToLeaveOut,
    Sieve,
    TooManyLeavings,
    TooManyNamed,
    leave_out,
    take_in,
)
from scmanager.domain.words import WordsUnusable
from tests.support.scenario import THING, Scenario, entry, meanwhile, told, who

ADA, BOB, EVE, ORG = who("ada"), who("bob"), who("eve"), who("org")
SALT = salt_of(bytes(32), bytes(32))
story = Scenario(Document(), evolve)
given, when, then, then_refused, then_state = story.verbs()


def envelope(number: int, member: bytes, rank: int, hlc: int = 0) -> Envelope:
    return Envelope(entry(number), member * 2, 1, hlc or number, b"", member, rank, THING)


def briefing(name: str, by: bytes) -> BriefingChanged:
    return BriefingChanged(name.encode().ljust(32, b"."), actor_of(by, THING, Kind.BRIEFING, SALT), SALT, 1, (ROOT,))


BOBS, EVES = told(briefing("bob", BOB), BOB, 3), told(briefing("eve", EVE), EVE, 5)
WRITTEN = (envelope(1, BOB, 3), envelope(2, EVE, 5))
ME = envelope(0, BOB, 3)
EVES_OUT = LeftOut(Kind.BRIEFING, (entry(2),))


def out() -> list[set[bytes]]:
    """Of each leaving that stands: the entries it keeps out of the text."""
    leavings = story.state.text(Kind.BRIEFING).leavings
    return [{each.entry for each in WRITTEN if leaving.names(each)} for leaving in leavings]


def test_who_ranks_above_leaves_out_a_named_change_and_says_why() -> None:
    given(BOBS, EVES)
    when(leave_out, ME, EVES_OUT, WRITTEN, "It is poison.", ORG, by=BOB, rank=3)
    then(About(EVES_OUT, ORG, LeavingReason("It is poison.")))
    assert out() == [{entry(2)}]
    when(take_in, ADA, 1, Kind.BRIEFING, entry(3), by=ADA, rank=1)
    then(TakenIn(Kind.BRIEFING, entry(3)))
    assert out() == []


def test_what_was_written_at_the_same_rank_or_above_cannot_be_left_out_by_others() -> None:
    given(BOBS, EVES)
    for rank in (3, 4):
        when(leave_out, envelope(0, who("mal"), rank), LeftOut(Kind.BRIEFING, (entry(1),)), WRITTEN, "", ORG)
        then_refused(LeavingAbove)
        given(BOBS, EVES, told(LeftOut(Kind.BRIEFING, (entry(1), entry(2))), who("mal"), rank))
        assert out() == [{entry(2)}]


def test_what_one_wrote_oneself_can_always_be_left_out() -> None:
    given(BOBS, EVES)
    when(leave_out, envelope(0, EVE, 5), EVES_OUT, WRITTEN, "", ORG, by=EVE, rank=5)
    then(EVES_OUT)
    assert out() == [{entry(2)}]


@pytest.mark.parametrize(
    ("said", "gone"),
    [
        (LeftOut(Kind.BRIEFING, (), EVE, 0, 9), {2}),
        (LeftOut(Kind.BRIEFING, (), None, 0, 9), {1, 2}),
        (LeftOut(Kind.BRIEFING, (), None, 2, 9), {2}),
        (LeftOut(Kind.BRIEFING, (), None, 0, 1), {1}),
    ],
)
def test_a_span_leaves_out_what_is_dated_in_it(said: LeftOut, gone: set[int]) -> None:
    given(BOBS, EVES)
    when(leave_out, envelope(0, ADA, 0), said, WRITTEN, "", ORG, by=ADA, rank=0)
    then(said)
    assert out() == [{entry(each) for each in gone}]


def test_what_names_nothing_or_too_much_is_refused() -> None:
    given(BOBS, EVES)
    for said in (LeftOut(Kind.BRIEFING), LeftOut(Kind.BRIEFING, (), who("nobody"), 0, 9)):
        when(leave_out, ME, said, WRITTEN, "", ORG)
        then_refused(NothingToLeaveOut)
    many = LeftOut(Kind.BRIEFING, tuple(entry(number) for number in range(65)))
    when(leave_out, ME, many, WRITTEN, "", ORG)
    then_refused(TooManyNamed, count=65)
    when(leave_out, ME, EVES_OUT, WRITTEN, "a\0b", ORG)
    then_refused(WordsUnusable)
    given(BOBS, EVES, *(told(EVES_OUT, BOB, 3) for _ in range(LEAVINGS_MAX)))
    when(leave_out, ME, EVES_OUT, WRITTEN, "", ORG)
    then_refused(TooManyLeavings, count=LEAVINGS_MAX)


def test_of_more_than_can_stand_the_first_in_fold_order_do_and_one_taken_back_makes_room() -> None:
    given(BOBS, EVES, *(told(EVES_OUT, BOB, 3) for _ in range(LEAVINGS_MAX + 5)))
    standing = [each.entry for each in story.state.text(Kind.BRIEFING).leavings]
    assert standing == [entry(3 + number) for number in range(LEAVINGS_MAX)]
    one, other = story.in_either_order(told(TakenIn(Kind.BRIEFING, entry(3)), BOB, 3), meanwhile(EVES_OUT, ADA, 0))
    assert [len(state.text(Kind.BRIEFING).leavings) for state in (one, other)] == [LEAVINGS_MAX, LEAVINGS_MAX - 1]


LEFT_OUT = st.builds(
    LeftOut,
    st.just(Kind.BRIEFING),
    st.lists(st.sampled_from([entry(number) for number in range(1, 6)]), max_size=2).map(tuple),
    st.sampled_from([None, EVE]),
    st.integers(0, 6),
    st.integers(0, 6),
)


@given_any(st.lists(st.tuples(LEFT_OUT, st.sampled_from([ADA, BOB]), st.integers(2, 4)), max_size=8))
def test_a_sieve_finds_the_first_that_leaves_a_change_out(said: list[tuple[LeftOut, bytes, int]]) -> None:
    leavings = [Leaving(entry(90 + at), by, rank, 0, each) for at, (each, by, rank) in enumerate(said)]
    sieve = Sieve(leavings)
    for change in (envelope(number, (BOB, EVE)[number % 2], 3 + number % 2) for number in range(1, 6)):
        assert sieve.leaving_of(change) == next((each for each in leavings if each.names(change)), None)


def test_only_who_ranks_no_lower_takes_in_again() -> None:
    given(BOBS, EVES, told(EVES_OUT, BOB, 3))
    when(take_in, EVE, 5, Kind.BRIEFING, entry(3))
    then_refused(LeavingAbove)
    when(take_in, ADA, 0, Kind.BRIEFING, entry(2))
    then_refused(LeavingUnknown)
    given(BOBS, EVES, told(EVES_OUT, BOB, 3), told(TakenIn(Kind.BRIEFING, entry(3)), EVE, 5))
    assert out() == [{entry(2)}]


def test_left_out_by_two_at_once_it_stays_out_until_both_are_taken_back() -> None:
    given(BOBS, EVES)
    one, other = told(EVES_OUT, BOB, 3), meanwhile(EVES_OUT, ADA, 0)
    for state in story.in_either_order(one, other):
        assert len(state.text(Kind.BRIEFING).leavings) == 2
    given(BOBS, EVES, one, other)
    back = meanwhile(TakenIn(Kind.BRIEFING, entry(3)), ADA, 0)
    for state in story.in_either_order(back, meanwhile(TakenIn(Kind.BRIEFING, entry(4)), ADA, 0)):
        assert state.text(Kind.BRIEFING).leavings == ()


def test_edits_and_leavings_in_any_order_are_one_graph_with_the_same_left_out() -> None:
    given(BOBS, EVES, told(EVES_OUT, BOB, 3))
    late = [briefing("late", ADA), EVES_OUT]
    for order in itertools.permutations(late):
        given(BOBS, EVES, *(meanwhile(each, ADA, 0) for each in order))
        assert (story.state.text(Kind.BRIEFING).count, out()) == (3, [{entry(2)}])
