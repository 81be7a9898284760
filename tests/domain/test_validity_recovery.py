"""Recovery: who is the founder when his keys are lost, stolen or fought over (DESIGN 3, rule 11)."""

import msgspec
import pytest

from scmanager.domain.records import Fact, Keys, Reason
from tests.support.world import Member, World, falls, kept, public, stand

FIRST = ("r1", "r2", "r3")
SECOND = ("s1", "s2", "s3")


def new_world() -> World:
    return World(m=2, recovery_keys=FIRST)


def recover(
    world: World,
    name: str,
    *heads: Fact,
    on: tuple[bytes, ...] = (),
    n: int = 1,
    signers: tuple[str, ...] = FIRST[:2],
    keys: tuple[str, ...] = SECOND,
) -> Member:
    statement = world.statement(name, n, on or (world.space,), heads, m=(len(keys) + 1) // 2, keys=keys)
    return world.recover(statement, name, signers)


def hash_of(member: Member) -> bytes:
    return member.grant.genesis.statement.statement.hash


def test_a_recovery_makes_the_founders_new_log_act_at_rank_0() -> None:
    """Second reading: recovery had no bytes. It acts by no grant, and nobody is enrolled by hand."""
    world = new_world()
    ann = world.grant(world.founder, "ann", 1)
    founder = recover(world, "new", ann.grant)
    bob = world.grant(founder, "bob", 1)
    verdicts = world.judge()
    stand(verdicts, founder.grant, ann.grant, bob.grant)
    assert verdicts.author(founder.grant) == (world.founder_id, 0)
    assert verdicts.build_on == (2, (hash_of(founder),))
    assert verdicts.disputed == ()


def test_a_thief_who_goes_on_beyond_the_kept_head_is_the_founder_no_more() -> None:
    """D13"""
    world = new_world()
    ann = world.grant(world.founder, "ann", 1)
    founder = recover(world, "new", ann.grant)
    thief = world.note(world.founder)
    puppet = world.grant(world.founder, "puppet", 1)
    verdicts = world.judge()
    falls(verdicts, thief, Reason.RECOVERED, founder.grant)
    falls(verdicts, puppet.grant, Reason.RECOVERED, founder.grant)
    stand(verdicts, world.founder.grant, ann.grant)


def test_a_cloned_founder_key_is_answered_by_a_recovery_that_keeps_the_honest_branch() -> None:
    """F3, D4: the fork voids nothing; the recovery says which branch goes on."""
    world = new_world()
    ann = world.grant(world.founder, "ann", 1)
    clone = world.grant(world.founder, "clone", 1, after=world.founder.grant)
    stand(world.judge(), ann.grant, clone.grant)
    founder = recover(world, "new", ann.grant)
    verdicts = world.judge()
    stand(verdicts, ann.grant, founder.grant)
    falls(verdicts, clone.grant, Reason.RECOVERED, founder.grant)


def test_the_recovered_founder_goes_on_by_his_new_device() -> None:
    world = new_world()
    founder = recover(world, "new")
    moved = world.go_on(founder, "new device", "moved")
    note = world.note(moved)
    stand(world.judge(), moved.log.last, note)


def test_two_recoveries_block_each_other_until_one_by_the_same_keys_lists_both() -> None:
    """D14, first half"""
    world = new_world()
    ann = world.grant(world.founder, "ann", 1)
    left, right = recover(world, "left", ann.grant), recover(world, "right")
    lost = world.note(world.founder)
    by_left = world.note(left)
    verdicts = world.judge()
    falls(verdicts, left.grant, Reason.STATEMENT_DISPUTED, right.grant)
    falls(verdicts, right.grant, Reason.STATEMENT_DISPUTED, left.grant)
    falls(verdicts, by_left, Reason.VOID_GRANT, left.grant)
    falls(verdicts, lost, Reason.DISPUTED)
    stand(verdicts, ann.grant)  # One of them keeps it.
    number, on = verdicts.build_on
    assert (number, on[0], set(on[1:])) == (1, world.space, {hash_of(left), hash_of(right)})
    assert set(verdicts.disputed) == {left.grant.id, right.grant.id}

    healed = recover(world, "healed", ann.grant, on=on)
    verdicts = world.judge()
    stand(verdicts, healed.grant, ann.grant)
    falls(verdicts, left.grant, Reason.STATEMENT_SETTLED, healed.grant)
    falls(verdicts, lost, Reason.RECOVERED, healed.grant)
    assert verdicts.disputed == ()


def test_two_statements_that_each_settle_the_dispute_are_a_dispute_again() -> None:
    """Rule 11: exactly one lists them all."""
    world = new_world()
    left, right = recover(world, "left"), recover(world, "right")
    on = (world.space, hash_of(left), hash_of(right))
    one, two = recover(world, "one", on=on), recover(world, "two", on=on)
    assert len(world.judge().disputed) == 4
    last = recover(world, "last", on=(*on, hash_of(one), hash_of(two)))
    verdicts = world.judge()
    stand(verdicts, last.grant)
    falls(verdicts, one.grant, Reason.STATEMENT_SETTLED, last.grant)


def test_keys_that_were_rotated_away_can_block_but_not_take_over() -> None:
    """D14, second half: the old keys publish another n = 1 after n = 2 stood."""
    world = new_world()
    ann = world.grant(world.founder, "ann", 1)
    first = recover(world, "first", ann.grant)
    second = recover(world, "second", first.grant, on=(hash_of(first),), n=2, signers=SECOND[:2], keys=())
    stand(world.judge(), first.grant, second.grant)
    thief = recover(world, "thief")
    verdicts = world.judge()
    falls(verdicts, thief.grant, Reason.STATEMENT_DISPUTED)
    falls(verdicts, first.grant, Reason.STATEMENT_DISPUTED)
    falls(verdicts, second.grant, Reason.STATEMENT_BASELESS, first.grant)
    stand(verdicts, ann.grant)


def test_new_keys_cannot_settle_a_dispute_of_the_old_ones() -> None:
    """Rule 11: by the same keys."""
    world = new_world()
    left, right = recover(world, "left"), recover(world, "right")
    on = (world.space, hash_of(left), hash_of(right))
    healed = recover(world, "healed", on=on, signers=SECOND[:2])
    verdicts = world.judge()
    falls(verdicts, healed.grant, Reason.UNCOUNTED)
    falls(verdicts, left.grant, Reason.STATEMENT_DISPUTED)


def test_each_recovery_cuts_all_founders_before_it() -> None:
    """Rule 11: what an earlier recovery cut is not brought back by a later one."""
    world = new_world()
    early = world.note(world.founder)
    late = world.note(world.founder)
    first = recover(world, "first", early)
    by_first, stolen = world.note(first), world.note(first)
    second = recover(world, "second", late, by_first, on=(hash_of(first),), n=2, signers=SECOND[1:])
    verdicts = world.judge()
    stand(verdicts, early, by_first)
    falls(verdicts, late, Reason.RECOVERED, first.grant)
    falls(verdicts, stolen, Reason.RECOVERED, second.grant)


def test_a_founder_replaced_by_recovery_cannot_touch_the_new_one() -> None:
    """Rules 7 and 11: nobody removes rank 0, and the old founder's own cuts are of another grant."""
    world = new_world()
    founder = recover(world, "new", world.founder.grant)
    world.remove(world.founder, founder.grant.id)
    note = world.note(founder)
    stand(world.judge(), note)


@pytest.mark.parametrize(
    "signers", [(), ("r1",), ("r1", "r1"), ("s1", "s2"), ("r1", "s1")], ids=lambda names: "+".join(names) or "none"
)
def test_a_recovery_needs_m_different_keys_of_those_that_were_set(signers: tuple[str, ...]) -> None:
    world = new_world()
    impostor = recover(world, "impostor", signers=signers)
    falls(world.judge(), impostor.grant, Reason.UNCOUNTED)
    world.note(world.founder, impostor.grant)
    falls(world.judge(), impostor.grant, Reason.STATEMENT_UNPROVEN)


@pytest.mark.parametrize(
    "change",
    [
        {"n": 2},
        {"on": ()},
        {"space": bytes(32)},
        {"key": bytes(32)},
        {"m": 1},
        {"m": 4},
        {"m": 0},
    ],
    ids=str,
)
def test_a_statement_that_does_not_fit_proves_nothing(change: dict[str, object]) -> None:
    world = new_world()
    statement = world.statement("new", 1, (world.space,), m=2, keys=SECOND)
    member = world.recover(msgspec.structs.replace(statement, **change), "new", FIRST)
    falls(world.judge(), member.grant, Reason.UNCOUNTED)


def test_a_space_without_recovery_keys_cannot_be_recovered() -> None:
    """A personal space may say m = 0."""
    world = World()
    member = recover(world, "new", signers=())
    falls(world.judge(), member.grant, Reason.UNCOUNTED)


def test_two_quorums_that_could_pass_each_other_by_are_no_recovery_keys() -> None:
    """2m > number of keys, and no key twice."""
    assert Keys(2, (b"a", b"b", b"c")).sound
    assert Keys(0, ()).sound
    assert not Keys(1, (b"a", b"b")).sound
    assert not Keys(2, (b"a", b"a")).sound
    assert not Keys(2, (b"a",)).sound
    assert not Keys(0, (b"a",)).sound
    world = World(m=1, recovery_keys=("r1", "r2"))
    member = recover(world, "new", signers=("r1", "r2"))
    falls(world.judge(), member.grant, Reason.UNCOUNTED)


def test_one_statement_in_two_logs_is_one_recovery() -> None:
    """ADR 0002: both logs are the founder's, as both branches of a fork are."""
    world = new_world()
    statement = world.statement("new", 1, (world.space,), m=2, keys=SECOND)
    one, two = world.recover(statement, "new", FIRST[:2]), world.recover(statement, "new", FIRST[1:])
    notes = world.note(one), world.note(two)
    stand(world.judge(), one.grant, two.grant, *notes)


def test_the_hash_of_a_statement_does_not_depend_on_who_signed() -> None:
    world = new_world()
    statement = world.statement("new", 1, (world.space,), (world.founder.grant,), m=2, keys=SECOND)
    assert statement.message.startswith(b"scm/recovery/1\n{")
    assert statement.keeps == kept(world.founder.grant)
    assert statement.key == public("new")
    assert len(statement.hash) == 32
