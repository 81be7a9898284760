"""The past of an entry, and the entries of a log (design, section 3)."""

from scmanager.domain.past import Held, contiguous, heads, parents
from scmanager.domain.records import Fact
from tests.support.world import World


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


def test_a_log_is_forked_when_two_entries_have_one_seq() -> None:
    world = World()
    first = world.note(world.founder)
    assert not held(world).forked(world.space)
    world.note(world.founder, after=world.founder.log.genesis)
    assert held(world).forked(world.space)
    assert not held(world, first).forked(world.space)


def test_the_future_of_an_entry_is_what_builds_on_it() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    seen = world.note(ann)
    knowing = world.note(world.founder, seen)
    later = world.note(world.founder)
    graph = held(world)
    assert graph.future([seen.id]) == {seen.id, knowing.id, later.id}
    assert graph.future([later.id]) == {later.id}
    assert graph.children(seen.id) == [knowing.id]
