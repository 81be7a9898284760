"""The past of an entry, and what of a log a cut's rows keep (design, section 3, rule 8)."""

from scmanager.domain.governance import Kept
from scmanager.domain.past import Held, Keeps, contiguous, heads, parents
from scmanager.domain.records import Fact
from tests.support.world import World, kept


def held(world: World, *without: Fact) -> Held[Fact]:
    return Held(fact for fact in world.facts if fact not in without)


def test_an_entry_builds_on_its_deps_and_on_the_one_before_it() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    first = world.note(ann, ann.grant)
    assert parents(world.founder.log.genesis) == []
    assert parents(first) == [ann.grant.id, ann.log.genesis.id]
    assert parents(ann.grant) == [ann.log.genesis.id, world.founder.log.genesis.id]


def test_what_is_behind_a_gap_waits() -> None:
    world = World()
    first, second = world.note(world.founder), world.note(world.founder)
    assert contiguous([second]) == []
    assert contiguous([second, first]) == []
    assert contiguous([second, world.founder.log.genesis]) == [world.founder.log.genesis]
    assert contiguous([second, first, world.founder.log.genesis, first]) == [world.founder.log.genesis, first, second]


def test_every_branch_has_a_head() -> None:
    world = World()
    one = world.note(world.founder)
    other = world.note(world.founder, after=world.founder.log.genesis)
    last = world.note(world.founder, after=one)
    assert heads(world.facts) == [other, last]
    assert heads([world.founder.log.genesis]) == [world.founder.log.genesis]


def test_a_chain_goes_back_to_entry_0() -> None:
    world = World()
    first = world.note(world.founder)
    world.note(world.founder, after=world.founder.log.genesis)
    second = world.note(world.founder, after=first)
    assert held(world).chain(second) == {world.founder.log.genesis.id, first.id, second.id}
    assert held(world).chain(world.founder.log.genesis) == {world.founder.log.genesis.id}


def test_a_log_is_forked_when_two_entries_have_one_seq() -> None:
    world = World()
    first = world.note(world.founder)
    assert not held(world).forked(world.space)
    world.note(world.founder, after=world.founder.log.genesis)
    assert held(world).forked(world.space)
    assert not held(world, first).forked(world.space)


def test_a_held_head_of_a_forked_log_keeps_its_chain_and_no_other_branch() -> None:
    world = World()
    one = world.note(world.founder)
    other = world.note(world.founder, after=world.founder.log.genesis)
    after = world.note(world.founder, after=one)
    keeps = Keeps(held(world), kept(one))
    assert [fact in keeps for fact in (world.founder.log.genesis, one, other, after)] == [True, True, False, False]
    both = Keeps(held(world), kept(one, other))
    assert [fact in both for fact in (one, other, after)] == [True, True, False]


def test_while_a_head_is_not_held_everything_up_to_its_seq_is_kept() -> None:
    world = World()
    one = world.note(world.founder)
    other = world.note(world.founder, after=world.founder.log.genesis)
    last = world.note(world.founder, after=one)
    elsewhere = world.log("another").genesis
    keeps = Keeps(held(world), [Kept(world.space, 1, b"?" * 32)])
    facts = (world.founder.log.genesis, one, other, last, elsewhere)
    assert [fact in keeps for fact in facts] == [True, True, True, False, False]


def test_a_row_of_seq_0_keeps_entry_0_only() -> None:
    world = World()
    one = world.note(world.founder)
    keeps = Keeps(held(world), [Kept(world.space, 0, b"?" * 32)])
    assert [fact in keeps for fact in (world.founder.log.genesis, one)] == [True, False]


def test_of_several_rows_for_heads_that_are_not_held_the_furthest_counts() -> None:
    world = World()
    notes = [world.note(world.founder) for _ in range(4)]
    for seqs in ((3, 1), (1, 3)):
        keeps = Keeps(held(world), [Kept(world.space, seq, bytes([seq]) * 32) for seq in seqs])
        assert [fact in keeps for fact in notes] == [True, True, True, False]


def test_a_row_that_misquotes_a_held_head_counts_as_one_that_is_not_held() -> None:
    world = World()
    one, two = world.note(world.founder), world.note(world.founder)
    world.note(world.founder, after=world.founder.log.genesis)
    keeps = Keeps(held(world), [Kept(world.space, 1, two.id)])
    assert [fact in keeps for fact in (one, two)] == [True, False]


def test_future_and_past_stay_where_they_are_told() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    seen = world.note(ann)
    knowing = world.note(world.founder, seen)
    later = world.note(world.founder)
    graph = held(world)
    assert graph.future([seen.id]) == {seen.id, knowing.id, later.id}
    assert graph.future([seen.id], outside={knowing.id}) == {seen.id}
    assert graph.past([later.id], within={knowing.id, seen.id}) == {later.id, knowing.id, seen.id}
    assert graph.past([later.id], within={seen.id}) == {later.id}
