"""What of a log the rows of cuts keep (design, section 3, rule 8): one cut alone, and many at once."""

from collections.abc import Iterable
from random import Random

from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.domain.governance import Kept
from scmanager.domain.keeping import Keeping, lowest
from scmanager.domain.past import Held, contiguous
from scmanager.domain.records import Fact
from tests.support.effort import examples
from tests.support.world import World, kept


def kept_of(world: World, rows: Iterable[Kept], *without: Fact) -> set[bytes]:
    """The ids of what one cut with these rows keeps."""
    held = Held(contiguous(fact for fact in world.facts if fact not in without))
    keeping = Keeping(held, ((0, row) for row in rows))
    return {entry.id for log, entries in held.logs.items() for entry, mask in keeping.kept(log, entries) if mask}


def test_a_held_head_of_a_forked_log_keeps_its_chain_and_no_other_branch() -> None:
    world = World()
    one = world.note(world.founder)
    other = world.note(world.founder, after=world.founder.log.genesis)
    after = world.note(world.founder, after=one)
    keeps = kept_of(world, kept(one))
    assert [fact.id in keeps for fact in (world.founder.log.genesis, one, other, after)] == [True, True, False, False]
    both = kept_of(world, kept(one, other))
    assert [fact.id in both for fact in (one, other, after)] == [True, True, False]


def test_while_a_head_is_not_held_everything_up_to_its_seq_is_kept() -> None:
    world = World()
    one = world.note(world.founder)
    other = world.note(world.founder, after=world.founder.log.genesis)
    last = world.note(world.founder, after=one)
    elsewhere = world.log("another").genesis
    keeps = kept_of(world, [Kept(world.space, 1, b"?" * 32)])
    facts = (world.founder.log.genesis, one, other, last, elsewhere)
    assert [fact.id in keeps for fact in facts] == [True, True, True, False, False]


def test_a_row_of_seq_0_keeps_entry_0_only() -> None:
    world = World()
    one = world.note(world.founder)
    keeps = kept_of(world, [Kept(world.space, 0, b"?" * 32)])
    assert [fact.id in keeps for fact in (world.founder.log.genesis, one)] == [True, False]


def test_of_several_rows_for_heads_that_are_not_held_the_furthest_counts() -> None:
    world = World()
    notes = [world.note(world.founder) for _ in range(4)]
    for seqs in ((3, 1), (1, 3)):
        keeps = kept_of(world, [Kept(world.space, seq, bytes([seq]) * 32) for seq in seqs])
        assert [fact.id in keeps for fact in notes] == [True, True, True, False]


def test_a_row_that_misquotes_a_held_head_counts_as_one_that_is_not_held() -> None:
    world = World()
    one, two = world.note(world.founder), world.note(world.founder)
    world.note(world.founder, after=world.founder.log.genesis)
    keeps = kept_of(world, [Kept(world.space, 1, two.id)])
    assert [fact.id in keeps for fact in (one, two)] == [True, False]


def chain(world: World, head: Fact) -> set[bytes]:
    """Back to entry 0, by walking."""
    by_id, ids = {fact.id: fact for fact in world.facts}, {head.id}
    while head.seq > 0:
        head = by_id[head.prev]
        ids.add(head.id)
    return ids


@settings(max_examples=examples(150))
@given(seed=st.integers(0, 2**32))
def test_many_cuts_at_once_keep_what_each_keeps_by_itself(seed: int) -> None:
    rng = Random(seed)
    world = World()
    for _ in range(rng.randrange(1, 12)):
        world.note(world.founder, after=rng.choice(world.facts) if rng.random() < 0.3 else None)
    further = world.note(world.founder, after=rng.choice(world.facts))
    facts = [fact for fact in world.facts if fact is not further]
    forked = len({fact.seq for fact in facts}) < len(facts)
    cuts: list[list[Kept]] = []
    for _ in range(rng.randrange(1, 6)):
        heads = rng.choices(world.facts, k=rng.randrange(4))
        cuts.append([Kept(head.log, head.seq + rng.choice((0, 0, 1)), head.id) for head in heads])
    held = Held(contiguous(facts))
    keeping = Keeping(held, ((number, row) for number, rows in enumerate(cuts) for row in rows))
    masks = dict(keeping.kept(world.space, sorted(facts, key=lambda fact: fact.seq)))
    for number, rows in enumerate(cuts):
        for fact in facts:
            by_rows = False
            for row in rows:
                head = next((each for each in facts if (each.id, each.seq) == (row.head, row.seq)), None)
                by_chain = head is not None and forked
                by_rows |= fact.id in chain(world, head) if head and by_chain else fact.seq <= row.seq
            assert (masks[fact] >> number & 1) == by_rows
    among = rng.randrange(1 << len(cuts))
    limits = [
        max(
            (row.seq for row in rows if not forked or (row.head, row.seq) not in {(f.id, f.seq) for f in facts}),
            default=-1,
        )
        for rows in cuts
    ]
    against = [number for number, limit in enumerate(limits) if among >> number & 1 and limit < further.seq]
    assert keeping.first_against(world.space, further.seq, among) == min(against, default=None)


def test_the_lowest_of_a_mask_is_its_first_bit() -> None:
    assert [lowest(mask) for mask in (0, 1, 6, -1, -8, 1 << 70)] == [None, 0, 1, 0, 3, 70]
