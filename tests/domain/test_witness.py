"""Witnesses for what own cuts reach: masks passed along the graph say what walking it for each cut would say."""

from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.domain.past import Held
from scmanager.domain.records import Fact
from scmanager.domain.witness import UNSEEN, Witnesses, joined, spread
from tests.support.effort import examples
from tests.support.world import World


def web(rng: Random) -> World:
    """Three logs that name each other by chance."""
    world = World()
    people = [world.founder, *(world.grant(world.founder, name, 1) for name in ("ann", "bob"))]
    for _ in range(rng.randrange(4, 25)):
        world.note(rng.choice(people), *rng.sample(world.facts, rng.randrange(3)))
    return world


@settings(max_examples=examples(100))
@given(seed=st.integers(0, 2**32))
def test_a_mask_holds_what_lies_in_the_past(seed: int) -> None:
    rng = Random(seed)
    held = Held(web(rng).facts)
    cuts = rng.sample(sorted(held.by_id), rng.randrange(1, 4))
    futures = [held.future([cut]) for cut in cuts]
    known = spread(held, {cut: 1 << number for number, cut in enumerate(cuts)})
    for entry in held.by_id:
        assert known.get(entry, 0) == sum(1 << number for number, future in enumerate(futures) if entry in future)
    without = spread(held, {cuts[0]: 1}, {cuts[-1]: 1})
    assert without.keys() == reached(held, cuts[0], cuts[-1])


def reached(held: Held[Fact], start: bytes, wall: bytes) -> set[bytes]:
    """By ways that do not lead through an entry."""
    found = set() if start == wall else {start}
    stack = list(found)
    while stack:
        fresh = {child for child in held.children(stack.pop()) if child != wall} - found
        found |= fresh
        stack += fresh
    return found


@settings(max_examples=examples(100))
@given(seed=st.integers(0, 2**32))
def test_what_all_witnesses_agree_on_is_what_each_of_them_knew(seed: int) -> None:
    rng = Random(seed)
    held = Held(web(rng).facts)
    ids = sorted(held.by_id)
    cuts = rng.sample(ids, 3)
    futures = [held.future([cut]) for cut in cuts]
    known = spread(held, {cut: 1 << number for number, cut in enumerate(cuts)})
    witnesses = Witnesses(held, known, ids)
    above: list[bytes] = []
    for batch in (rng.sample(ids, 2), rng.sample(ids, 3)):
        witnesses.hear(batch)
        above += batch
        for entry in ids:
            after = [each for each in above if each in held.future([entry]) - {entry}]
            agreed = sum(1 << n for n, future in enumerate(futures) if all(each in future for each in after))
            assert witnesses.agreed(entry) == (agreed if after else UNSEEN)


def test_what_brings_no_further_cut_is_no_further_object() -> None:
    wide = 1 << 4_000 | 1
    assert joined({b"a": wide, b"b": 1}, (b"a", b"b")) is wide
    assert joined({b"a": wide, b"b": 1 << 7}, (b"b", b"a")) == wide | 1 << 7
