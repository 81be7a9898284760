"""A document as a graph of changes: what counts, what waits, and whose it is, whatever order a merge hands over."""

import itertools
import random

import pytest
from hypothesis import given as given_any
from hypothesis import settings
from hypothesis import strategies as st

from scmanager.domain.change_graph import ROOT, WAITING_MAX
from scmanager.domain.document import (
    TEXT_BYTES_MAX,
    BriefingChanged,
    Changed,
    CharterChanged,
    Document,
    DocumentMoved,
    DocumentTooLong,
    Kind,
    Made,
    SheetChanged,
    Text,
    actor_of,
    change,
    check_text,
    evolve,
    salt_of,
)
from scmanager.domain.words import WordsUnusable
from tests.support.effort import examples
from tests.support.scenario import THING, Scenario, meanwhile, told, who

ADA, GRACE = who("ada"), who("grace")
SALT = salt_of(bytes(32), bytes(32))
story = Scenario(Document(), evolve)
given, when, then, then_refused, then_state = story.verbs()


def named(name: str) -> bytes:
    return name.encode().ljust(32, b".")


def briefing(name: str, by: bytes = ADA, number: int = 1, deps: tuple[bytes, ...] = (ROOT,)) -> BriefingChanged:
    return BriefingChanged(named(name), actor_of(by, THING, Kind.BRIEFING, SALT), SALT, number, deps)


ONE = briefing("one")
TWO = briefing("two", number=2, deps=(named("one"),))
HERS = briefing("hers", GRACE)
BOTH = briefing("both", GRACE, 2, (named("two"), named("hers")))
THREE = briefing("three", number=3, deps=(named("both"),))
ALL = (told(ONE, ADA), told(TWO, ADA), told(HERS, GRACE), told(BOTH, GRACE), told(THREE, ADA))


def text(kind: Kind = Kind.BRIEFING, owner: bytes = b"") -> Text:
    return story.state.text(kind, owner)


def counted() -> set[bytes]:
    return {each for each, _ in text().changes()}


def test_a_change_counts_once_what_it_depends_on_counts() -> None:
    given(*ALL)
    assert counted() == {named(name) for name in ("one", "two", "hers", "both", "three")}
    assert text().heads == (named("three"),)
    assert text().authors == (ADA, GRACE)
    assert [text().number(actor_of(each, THING, Kind.BRIEFING, SALT)) for each in (ADA, GRACE)] == [3, 2]


@pytest.mark.parametrize("order", list(itertools.permutations(range(5))))
def test_every_order_leads_to_one_graph(order: tuple[int, ...]) -> None:
    given(*(ALL[number] for number in order), *ALL)
    assert counted() == {named(name) for name in ("one", "two", "hers", "both", "three")}
    assert (text().heads, text().waiting, set(text().authors)) == ((named("three"),), (), {ADA, GRACE})
    places = {each: place for place, (each, _) in enumerate(text().changes())}
    for each in ALL:
        event = each.event
        assert isinstance(event, Changed)
        assert all(dep == ROOT or places[dep] < places[event.change] for dep in event.deps)


def test_edits_at_once_are_both_heads_and_neither_is_contested() -> None:
    given(told(ONE, ADA))
    two = told(TWO, ADA)
    hers = meanwhile(HERS, GRACE)
    for state in story.in_either_order(two, hers):
        assert state.text(Kind.BRIEFING).heads == tuple(sorted((named("two"), named("hers"))))


def test_of_two_changes_with_one_number_the_first_in_fold_order_counts() -> None:
    other = briefing("other")
    given(told(ONE, ADA), meanwhile(other, ADA), told(TWO, ADA))
    assert counted() == {named("one"), named("two")}
    given(meanwhile(other, ADA), told(ONE, ADA), told(TWO, ADA))
    assert counted() == {named("other")}
    assert text().waiting[0].change == named("two")


def test_nobody_writes_under_the_actor_of_another_member() -> None:
    given(told(ONE, GRACE))
    then_state(texts=())
    given(told(CharterChanged(*(getattr(ONE, name) for name in ONE.__struct_fields__)), ADA))
    then_state(texts=())


def squatted(name: str, by: bytes, number: int = 1) -> BriefingChanged:
    """What somebody records who saw another's change and says that it is his."""
    actor = actor_of(by, THING, Kind.BRIEFING, salt_of(bytes(32), b"squat"))
    return BriefingChanged(named(name), actor, salt_of(bytes(32), b"squat"), number, (ROOT,))


def test_who_takes_the_hash_of_anothers_change_keeps_nothing_from_counting() -> None:
    given(meanwhile(squatted("one", GRACE), GRACE), *ALL)
    entries = [each for each, _ in text().changes()]
    assert sorted(entries) == sorted(named(name) for name in ("one", "one", "two", "hers", "both", "three"))
    assert (text().claims(named("one")), text().count, text().waiting) == (2, 6, ())
    assert (text().heads, text().number(ONE.actor)) == ((named("three"),), 3)


@given_any(seed=st.integers(0, 2**32))
@settings(max_examples=examples(50))
def test_whoever_claims_what_whenever_each_honest_change_counts(seed: int) -> None:
    rng = random.Random(seed)
    eve = who("eve")
    claims = [squatted(rng.choice(("one", "two", "hers", "both", "three")), eve, number + 1) for number in range(5)]
    honest = {(each.event.change, each.event.actor) for each in ALL if isinstance(each.event, Changed)}
    history = [*ALL, *(told(each, eve) for each in claims)]
    rng.shuffle(history)
    given(*history)
    assert (text().count, text().waiting) == (10, ())
    assert all(text().number(actor) for _, actor in honest)
    assert [text().number(each.actor) for each in (TWO, HERS)] == [3, 2]


def test_a_sheet_is_each_members_own() -> None:
    def sheet(by: bytes) -> SheetChanged:
        return SheetChanged(named("s"), actor_of(by, THING, Kind.SHEET, SALT), SALT, 1, (ROOT,))

    given(told(sheet(ADA), ADA), meanwhile(sheet(GRACE), GRACE))
    assert text(Kind.SHEET, ADA).authors == (ADA,)
    assert text(Kind.SHEET, GRACE).authors == (GRACE,)
    assert text(Kind.SHEET).count == 0


def test_what_waits_for_something_that_never_comes_is_bounded() -> None:
    missing = (named("never"),)
    given(*(told(briefing(f"w{number}", number=number + 2, deps=missing), ADA) for number in range(WAITING_MAX + 5)))
    assert len(text().waiting) == WAITING_MAX
    assert counted() == set()


def test_a_change_is_recorded_as_the_event_of_its_kind() -> None:
    given(told(ONE, ADA))
    for kind in (Kind.BRIEFING, Kind.CHARTER, Kind.REPORT, Kind.TREATY, Kind.SHEET):
        actor = actor_of(ADA, THING, kind, SALT)
        made = Made(named("next"), actor, SALT, 2 if kind is Kind.BRIEFING else 1, (ROOT,))
        (event,) = change(story.state, THING, ADA, kind, made)
        assert isinstance(event, Changed)
        assert event.tag == f"document.{kind.value}-changed/1"
        assert (event.change, event.actor, event.number, event.deps) == (made.change, actor, made.number, (ROOT,))


@pytest.mark.parametrize(
    "made",
    [
        Made(named("new"), TWO.actor, SALT, 1, (named("one"),)),
        Made(named("new"), TWO.actor, SALT, 3, (named("one"),)),
        Made(named("new"), TWO.actor, SALT, 2, (named("unheard of"),)),
        Made(named("new"), HERS.actor, SALT, 1, (named("one"),)),
    ],
)
def test_a_change_that_does_not_fit_any_more_is_a_conflict(made: Made) -> None:
    given(told(ONE, ADA))
    with pytest.raises(DocumentMoved):
        list(change(story.state, THING, ADA, Kind.BRIEFING, made))


def test_a_text_may_have_any_script_and_lines_but_not_too_many_bytes() -> None:
    for good in ("", "x" * TEXT_BYTES_MAX, "漢" * (TEXT_BYTES_MAX // 3), "a\u202eb\u200d\n\t"):
        assert check_text(good) == good
    with pytest.raises(DocumentTooLong):
        check_text("漢" * (TEXT_BYTES_MAX // 3) + "漢")
    for bad in ("x" * (TEXT_BYTES_MAX + 1), "a\0", "\ud800"):
        with pytest.raises(WordsUnusable):
            check_text(bad)


@given_any(seed=st.integers(0, 2**32))
@settings(max_examples=examples(50))
def test_many_changes_by_many_hands_are_one_graph_in_any_order(seed: int) -> None:
    rng = random.Random(seed)
    hands, known, history = [who(f"h{number}") for number in range(4)], [ROOT], []
    numbers = dict.fromkeys(hands, 0)
    for number in range(40):
        by = rng.choice(hands)
        numbers[by] += 1
        deps = tuple(dict.fromkeys(rng.choices(known, k=rng.randrange(1, 4))))
        history.append(told(briefing(f"c{number}", by, numbers[by], deps), by))
        known.append(named(f"c{number}"))
    given(*history)
    heads, first = text().heads, counted()
    rng.shuffle(history)
    given(*history)
    assert (text().heads, counted(), text().waiting) == (heads, first, ())


@given_any(seed=st.integers(0, 2**32))
@settings(max_examples=examples(100))
def test_the_graph_is_what_a_plain_reading_of_the_rules_makes_of_any_claims(seed: int) -> None:
    """Few names, actors and numbers, so that claims meet, wait, repeat each other and build on themselves."""
    rng = random.Random(seed)
    names = [named(f"c{number}") for number in range(6)]
    hands = [who(f"h{number}") for number in range(3)]
    history = []
    for _ in range(rng.randrange(1, 30)):
        by = rng.choice(hands)
        deps = tuple(dict.fromkeys(rng.choices((ROOT, *names), k=rng.randrange(1, 4))))
        actor = actor_of(by, THING, Kind.BRIEFING, SALT)
        history.append(told(BriefingChanged(rng.choice(names), actor, SALT, rng.randrange(1, 5), deps), by))
    given(*history)
    known, heads, numbers = [ROOT], {ROOT}, dict.fromkeys(hands, 0)
    waiting: list[tuple[Changed, bytes]] = []

    def ready(one: Changed, by: bytes) -> bool:
        return one.number == numbers[by] + 1 and set(known).issuperset(one.deps)

    for each in history:
        link, by = each.event, each.by
        assert isinstance(link, Changed)
        said = [(one.change, whose, one.number) for one, whose in waiting]
        following = (link, by) if ready(link, by) else None
        if following is None and link.number > numbers[by] and (link.change, by, link.number) not in said:
            waiting.append((link, by))
        while following is not None:
            one, by = following
            heads = ({one.change} - set(known) | heads) - set(one.deps) or heads
            known.append(one.change)
            numbers[by] = one.number
            waiting = [(other, whose) for other, whose in waiting if whose != by or other.number > one.number]
            following = next((pair for pair in waiting if ready(*pair)), None)
    assert [each for each, _ in text().changes()] == known[1:]
    assert (text().heads, text().end_count) == (tuple(sorted(heads)), len(heads))
    assert [each.change for each in text().waiting] == [one.change for one, _ in waiting]
    assert [text().number(actor_of(hand, THING, Kind.BRIEFING, SALT)) for hand in hands] == list(numbers.values())


def test_changes_at_once_cost_a_document_no_more_than_one_after_the_other() -> None:
    """8,000 at once took twelve seconds when each new one looked at all that were there."""
    page_sizes = [len(page) for pages in (wide(2_000).pages, wide(2_000).ends, wide(2_000).tails) for page in pages]
    assert max(page_sizes) <= 2_001
    assert len(page_sizes) <= 3 * 11


def wide(count: int) -> Text:
    given(*(meanwhile(squatted(f"c{number}", who(f"h{number}")), who(f"h{number}")) for number in range(count)))
    return text()
