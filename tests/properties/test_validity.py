"""Validity is a function of the set: one answer, whatever the order, the batches, the clocks and the copies."""

import hashlib
from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.domain.court import Court
from scmanager.domain.frontier import counted_logs, frontier
from scmanager.domain.past import contiguous
from scmanager.domain.records import Clear, Fact, Verdicts
from scmanager.domain.validity import judge
from tests.properties.model_check import run
from tests.support.effort import examples
from tests.support.random_sets import random_set
from tests.support.world import TABLE, check

SEEDS = st.integers(min_value=0, max_value=2**32)
SIZES = st.integers(min_value=3, max_value=18)
RANDOM = st.randoms(use_true_random=False)


def digest(verdicts: Verdicts) -> bytes:
    """A hash over everything the answer says."""
    lines = [f"{entry.hex()} {verdict}" for entry, verdict in sorted(verdicts.entries.items())]
    lines += [
        f"{key.hex()} {s.grant} {sorted(s.levels.items())} {sorted(s.devices.items())} {s.cuts} {s.disowned}".replace(
            str(s.grant.rights), str(sorted(s.grant.rights))
        )
        for key, s in sorted(verdicts.grants.items())
    ]
    lines += [str(sorted(verdicts.counted)), str(verdicts.disputed), str(verdicts.build_on)]
    lines += [str(sorted(verdicts.unknown_governance))]
    return hashlib.sha3_256("\n".join(lines).encode()).digest()


def answer(space: bytes, facts: Sequence[Fact]) -> bytes:
    return digest(judge(space, facts, check, TABLE))


@pytest.mark.slow
def test_every_small_set_has_exactly_one_consistent_answer_and_the_evaluator_gives_it() -> None:
    covered, failed = run(sets=1500, seed=1, entries=7)
    assert failed == []
    assert len(covered) >= 20  # Of the reasons there are, the sets meet nearly all.


@pytest.mark.slow
def test_the_answer_over_larger_sets_is_consistent() -> None:
    _, failed = run(sets=1500, seed=50_000, entries=20, exhaustive=False)
    assert failed == []


@settings(max_examples=examples(150))
@given(SEEDS, SIZES, RANDOM)
def test_order_and_copies_of_the_entries_change_nothing(seed: int, entries: int, random: Random) -> None:
    space, facts = random_set(seed, entries)
    shuffled = facts + random.choices(facts, k=3)
    random.shuffle(shuffled)
    assert answer(space, shuffled) == answer(space, facts)
    assert frontier(space, shuffled, check) == frontier(space, facts, check)


@settings(max_examples=examples(150))
@given(SEEDS, SIZES, RANDOM)
def test_a_court_that_is_told_in_batches_always_says_what_one_look_at_the_whole_says(
    seed: int, entries: int, random: Random
) -> None:
    space, facts = random_set(seed, entries)
    random.shuffle(facts)
    court = Court(space, check, TABLE)
    told: dict[bytes, object] = {}
    given_so_far: list[Fact] = []
    while facts:
        batch = [facts.pop() for _ in range(min(len(facts), random.randint(1, 4)))]
        given_so_far += batch
        told |= court.admit(batch + random.choices(given_so_far, k=1))
        assert digest(court.verdicts) == answer(space, given_so_far)
        assert court.frontier() == frontier(space, given_so_far, check)
        assert told == court.verdicts.entries


@settings(max_examples=examples(150))
@given(SEEDS, SIZES, RANDOM)
def test_a_court_that_hears_notes_in_the_order_of_their_logs_stays_right(
    seed: int, entries: int, random: Random
) -> None:
    space, facts = random_set(seed, entries)
    facts.sort(key=lambda fact: (fact.type == "note.written/1", fact.seq, random.random()))
    court = Court(space, check, TABLE)
    for number, fact in enumerate(facts, start=1):
        court.admit([fact])
        assert digest(court.verdicts) == answer(space, facts[:number])


@pytest.mark.slow
def test_a_court_stays_right_about_lost_phones_while_notes_come_in() -> None:
    for seed in range(250):
        space, facts = random_set(seed, 30, theme="phones")
        random = Random(seed)
        facts.sort(key=lambda fact: (fact.type == "note.written/1", fact.seq, random.random()))
        court = Court(space, check, TABLE)
        for fact in facts:
            court.admit([fact])
            if fact.type == "note.written/1":
                assert court.frontier() == frontier(space, court.facts(), check)
                assert court.verdicts.entries == judge(space, list(court.facts()), check, TABLE).entries


@settings(max_examples=examples(100))
@given(SEEDS, SIZES, st.integers(min_value=1, max_value=10**6))
def test_rewriting_every_clock_changes_no_verdict(seed: int, entries: int, clock: int) -> None:
    spoken = []
    for pace in (0, clock):
        space, facts = random_set(seed, entries, pace)
        verdicts = judge(space, facts, check, TABLE).entries
        spoken.append([(verdicts[fact.id].valid, verdicts[fact.id].reason) for fact in facts])
    assert spoken[0] == spoken[1]
    assert "hlc" not in Fact.__struct_fields__


@settings(max_examples=examples(100))
@given(SEEDS, SIZES)
def test_logs_that_do_not_count_change_no_verdict_of_those_that_do(seed: int, entries: int) -> None:
    """D15: who has equal frontiers has equal verdicts, strangers' logs or not."""
    space, facts = random_set(seed, entries)
    counted = counted_logs(space, facts, check)
    without = [fact for fact in facts if fact.log in counted]
    assert frontier(space, without, check) == frontier(space, facts, check)
    whole = judge(space, facts, check, TABLE).entries
    assert judge(space, without, check, TABLE).entries == {fact.id: whole[fact.id] for fact in without}


@settings(max_examples=examples(100))
@given(SEEDS, SIZES)
def test_a_mirror_that_sees_nothing_but_what_is_in_clear_computes_the_same_frontier(seed: int, entries: int) -> None:
    space, facts = random_set(seed, entries)
    clear = [Clear(fact.id, fact.log, fact.seq, fact.prev, fact.deps, fact.genesis) for fact in facts]
    assert frontier(space, clear, check) == frontier(space, facts, check)
    assert counted_logs(space, clear, check) == judge(space, facts, check, TABLE).counted


@settings(max_examples=examples(100))
@given(SEEDS, SIZES, RANDOM)
def test_entries_beyond_a_gap_are_not_judged(seed: int, entries: int, random: Random) -> None:
    space, facts = random_set(seed, entries)
    missing = random.choice(facts)
    rest = [fact for fact in facts if fact.id != missing.id]
    assert judge(space, rest, check, TABLE).entries.keys() == {fact.id for fact in contiguous(rest)}
