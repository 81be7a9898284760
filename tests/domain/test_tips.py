"""What a writer names: tips only, whole, valid, at most 64 at a time (DESIGN 2 deps, DESIGN 3 rule 13)."""

from random import Random

from scmanager.domain.governance import Heads
from scmanager.domain.records import Fact
from scmanager.domain.tips import DEPS_MAX, Tips
from scmanager.domain.validity import judge
from tests.support.random_sets import random_set
from tests.support.world import TABLE, Member, World, check, dep, public


def named(world: World, who: Member, *without: Fact) -> list[Fact]:
    tips = Tips()
    tips.admit(fact for fact in world.facts if fact not in without)
    rows = tips.to_name(who.log.id, world.judge(*without).entries)
    by_dep = {dep(fact): fact for fact in world.facts}
    return [by_dep[row] for deps in rows for row in deps]


def test_only_tips_are_named_and_never_ones_own_log() -> None:
    """F6: what a tip has in its past needs no naming."""
    world = World()
    ann, bob = world.grant(world.founder, "ann", 1), world.grant(world.founder, "bob", 1)
    seen = world.note(ann)
    tip = world.note(bob, seen)
    assert named(world, world.founder) == [tip]
    assert named(world, bob) == [bob.grant]
    world.note(world.founder, tip)
    assert named(world, world.founder) == []


def test_a_void_head_is_not_named_but_the_valid_entry_below_it_is() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    work = world.note(ann)
    world.note(ann)
    world.remove(world.founder, ann.grant.id, work)
    assert named(world, world.founder) == [work]


def test_what_lies_behind_a_gap_in_deps_is_not_named() -> None:
    """Rule 13: only heads whose whole past the writer holds."""
    world = World()
    ann, bob = world.grant(world.founder, "ann", 1), world.grant(world.founder, "bob", 1)
    far = world.note(ann)
    before, reader = world.note(bob), world.note(bob, far)
    assert named(world, world.founder, far) == [before]
    assert named(world, world.founder) == [reader]


def test_what_something_valid_builds_on_is_not_named_through_void_entries_either() -> None:
    world = World()
    ann, bob = world.grant(world.founder, "ann", 1), world.grant(world.founder, "bob", 1)
    seen = world.note(ann)
    for _ in range(2):
        world.write(bob.log, bob.grant, None, seen, type="unknown/1")
    assert named(world, world.founder) == [seen]
    tip = world.note(bob)
    assert named(world, world.founder) == [tip]


def test_entries_0_and_logs_that_do_not_count_are_not_named() -> None:
    world = World()
    stranger = world.log("stranger")
    world.write(stranger, world.founder.grant)
    world.log("continuation", continues=world.founder.log)
    assert named(world, world.founder) == []


def test_600_heads_are_gathered_by_heads_entries_first() -> None:
    """F6: a device back from holiday in an org of 600 devices can still write."""
    world = World()
    devices = [world.enrol(world.founder, f"device {number}") for number in range(600)]
    mine = devices[0]
    for device in devices[1:]:
        world.note(device)
    tips = Tips()
    tips.admit(world.facts)
    rows = tips.to_name(mine.log.id, world.judge().entries)
    assert [len(row) for row in rows] == [DEPS_MAX] * 9 + [24]  # 599 devices and the founder's first log.
    for row in rows[:-1]:
        world.write(mine.log, mine.grant, Heads(), raw_deps=row)
    world.write(mine.log, mine.grant, None, raw_deps=rows[-1])
    tips.admit(world.facts)
    assert tips.to_name(mine.log.id, world.judge().entries) == []
    assert public("device 0") in world.judge().grants[world.founder.grant.id].devices


def test_the_order_of_arrival_does_not_change_what_is_named() -> None:
    for seed in range(60):
        space, facts = random_set(seed, 16)
        verdicts = judge(space, facts, check, TABLE).entries
        rows = []
        for shuffle in range(3):
            Random(shuffle).shuffle(facts)
            tips = Tips()
            tips.admit(facts)
            rows.append(tips.to_name(space, verdicts))
        assert rows[0] == rows[1] == rows[2]
