"""The frontier: its bytes, and which logs count (DESIGN 2)."""

import hashlib

from scmanager.domain.frontier import counted_logs, frontier, frontier_of
from tests.support.world import World, check


def test_the_frontier_is_the_hash_that_the_design_writes_down() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    first = world.note(ann)
    branch = world.note(ann, after=ann.log.genesis)
    tops = [(first.log, 2, first.id), (branch.log, 2, branch.id), (world.space, 2, ann.grant.id)]
    expected = hashlib.sha3_256(b"scm/frontier/1\n" + world.space + (3).to_bytes(8, "big"))
    for log, size, head in sorted(tops):
        expected.update(log + size.to_bytes(8, "big") + head)
    assert frontier(world.space, world.facts, check) == expected.digest()


def test_every_branch_head_is_in_the_frontier() -> None:
    """D15: a branch that no dep names still shows."""
    world = World()
    before = frontier(world.space, world.facts, check)
    one = world.note(world.founder)
    after_one = frontier(world.space, world.facts, check)
    world.note(world.founder, after=world.founder.grant)
    both = frontier(world.space, world.facts, check)
    assert len({before, after_one, both}) == 3
    assert frontier(world.space, [world.founder.grant, one], check) == after_one


def test_192_strangers_named_at_once_count_for_nothing() -> None:
    """D16: a removed member's void entries introduce one log each, not hundreds."""
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    strangers = [world.log(f"stranger {number}") for number in range(64)]
    world.note(ann, *(stranger.genesis for stranger in strangers))
    assert counted_logs(world.space, world.facts, check) == {world.space, ann.log.id}
    world.note(ann, strangers[0].genesis)
    assert counted_logs(world.space, world.facts, check) == {world.space, ann.log.id, strangers[0].id}


def test_a_void_entry_introduces_a_log_too_for_mirrors_cannot_tell() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1, rights=())
    stranger = world.log("stranger")
    world.note(ann, stranger.genesis)
    assert stranger.id in counted_logs(world.space, world.facts, check)


def test_a_recovered_log_and_a_continued_one_are_in_the_frontier() -> None:
    world = World(m=1, recovery_keys=("r1",))
    world.go_on(world.founder, "founder device", "moved")
    statement = world.statement("new", 1, (world.space,), m=1, keys=("s1",))
    without = frontier(world.space, world.facts, check)
    recovered = world.recover(statement, "new", ("r1",))
    impostor = world.recover(statement, "impostor", ())
    logs = counted_logs(world.space, world.facts, check)
    assert {recovered.log.id, world.space} < logs
    assert impostor.log.id not in logs
    assert len(logs) == 3
    tops = [fact for fact in world.facts if fact.log in logs]
    last = {fact.log: fact for fact in tops}.values()
    assert frontier(world.space, world.facts, check) == frontier_of(world.space, last) != without


def test_without_the_founding_entry_nothing_counts() -> None:
    world = World()
    world.grant(world.founder, "ann", 1)
    assert counted_logs(world.space, world.facts[1:], check) == frozenset()


def test_two_strangers_who_name_each_other_do_not_count() -> None:
    """The least set: nobody lifts himself in."""
    world = World()
    one, two = world.log("one"), world.log("two")
    world.write(one, world.founder.grant, None, two.genesis)
    world.write(two, world.founder.grant, None, one.genesis)
    world.log("three", continues=one)
    assert counted_logs(world.space, world.facts, check) == {world.space}
