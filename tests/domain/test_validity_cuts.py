"""What removals void and what they cannot, and that forks void nothing (DESIGN 3, rules 7 to 10)."""

from scmanager.domain.governance import Kept, Removed
from scmanager.domain.records import Reason
from tests.support.world import World, falls, member_id, stand


def test_a_member_cannot_unsign_by_forking_below_what_he_signed() -> None:
    """D3, F3: a self-fork after a treaty; both branches stand."""
    world = World()
    x, z = world.grant(world.founder, "x", 2), world.grant(world.founder, "z", 2)
    before = world.note(x)
    treaty = world.note(x)
    naming = world.note(z, treaty)
    founder = world.note(world.founder, naming)
    regret = world.note(x, after=before)
    stand(world.judge(), treaty, naming, founder, regret)


def test_a_rolled_back_founder_machine_does_not_kill_the_organisation() -> None:
    """D4, F3: another entry 1 in the founding log beside the one that granted everybody."""
    world = World()
    x = world.grant(world.founder, "x", 2)
    z = world.grant(world.founder, "z", 2)
    work = [world.note(x), world.note(z)]
    clone = world.note(world.founder, after=world.founder.grant)
    stand(world.judge(), x.grant, z.grant, *work, clone)


def test_a_member_removes_his_own_outgrown_grant_without_losing_what_he_signed_by_it() -> None:
    """D7: never the author's own member."""
    world = World()
    x = world.grant(world.founder, "x", 2)
    treaty = world.note(x)
    promoted = world.grant(world.founder, "x", 1, log=x.log, keeps=(x.grant,), deps=(treaty,))
    removal = world.remove(promoted, x.grant.id)
    by_member = world.remove(promoted, member_id("x"))
    stand(world.judge(), treaty, removal, by_member)


def test_a_friend_cannot_override_a_removal_from_above() -> None:
    """D8: the grant that overrides is written at the remover's rank or above."""
    world = World()
    friend = world.grant(world.founder, "friend", 2)
    removal = world.remove(world.founder, member_id("x"))
    by_friend = world.grant(friend, "x", 3, overrides=(removal,))
    work = world.note(by_friend)
    falls(world.judge(), work, Reason.REMOVED, removal)


def test_a_grant_that_overrides_a_removal_lets_a_member_come_back() -> None:
    """Second reading: "a later grant" needs no order; what the removal cut before stays cut."""
    world = World()
    x = world.grant(world.founder, "x", 2)
    cut_off = world.note(x)
    removal = world.remove(world.founder, member_id("x"))
    without = world.grant(world.founder, "x", 2)
    back = world.grant(world.founder, "x", 2, overrides=(removal,))
    hopeless, welcome = world.note(without), world.note(back)
    verdicts = world.judge()
    falls(verdicts, cut_off, Reason.REMOVED, removal)
    falls(verdicts, hopeless, Reason.REMOVED, removal)
    stand(verdicts, welcome)


def test_a_founders_grant_survives_no_officers_removal_by_its_author_alone() -> None:
    """Second reading: that a grant was written high does not shield it from a removal it does not list."""
    world = World()
    officer = world.grant(world.founder, "officer", 1)
    x = world.grant(world.founder, "x", 2)
    note = world.note(x)
    removal = world.remove(officer, x.grant.id)
    falls(world.judge(), note, Reason.REMOVED, removal)


def test_a_removal_of_a_grant_that_is_not_held_is_valid_and_stays_so() -> None:
    """D9"""
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    x = world.grant(world.founder, "x", 2)
    removal = world.remove(ann, x.grant.id)
    stand(world.judge(x.grant, x.log.genesis), removal)
    stand(world.judge(), removal)


def test_a_replica_that_lags_behind_a_kept_head_keeps_what_it_has() -> None:
    """D10: the removal keeps eight entries, seven are held."""
    world = World()
    z = world.grant(world.founder, "z", 2)
    notes = [world.note(z) for _ in range(8)]
    late = world.note(z)
    removal = world.remove(world.founder, z.grant.id, notes[7])
    lagging = world.judge(*notes[7:], late)
    stand(lagging, *notes[:7], removal)
    verdicts = world.judge()
    stand(verdicts, *notes)
    falls(verdicts, late, Reason.REMOVED, removal)


def test_while_a_kept_head_is_missing_every_branch_up_to_its_seq_is_kept() -> None:
    """Rule 8, D10 with a fork."""
    world = World()
    z = world.grant(world.founder, "z", 2)
    first = world.note(z)
    good = world.note(z)
    bad = world.note(z, after=first)
    beyond = world.note(z)
    removal = world.remove(world.founder, z.grant.id, good)
    partly = world.judge(good)
    stand(partly, first, bad)
    falls(partly, beyond, Reason.REMOVED, removal)
    verdicts = world.judge()
    stand(verdicts, first, good)
    falls(verdicts, bad, Reason.REMOVED, removal)


def test_two_officers_who_name_different_branches_void_both() -> None:
    """Second reading: all branches stand until a cut, and each cut voids what it does not keep."""
    world = World()
    ann, bob = world.grant(world.founder, "ann", 1), world.grant(world.founder, "bob", 1)
    z = world.grant(world.founder, "z", 2)
    first = world.note(z)
    left = world.note(z)
    right = world.note(z, after=first)
    stand(world.judge(), left, right)
    by_ann = world.remove(ann, z.grant.id, left)
    by_bob = world.remove(bob, z.grant.id, right)
    verdicts = world.judge()
    stand(verdicts, first)
    falls(verdicts, right, Reason.REMOVED, by_ann)
    falls(verdicts, left, Reason.REMOVED, by_bob)


def test_one_removal_may_keep_both_branches_of_a_fork() -> None:
    """Rule 8: one row for each branch kept."""
    world = World()
    z = world.grant(world.founder, "z", 2)
    first = world.note(z)
    left, right = world.note(z), world.note(z, after=first)
    third = world.note(z, after=first)
    removal = world.remove(world.founder, z.grant.id, left, right)
    verdicts = world.judge()
    stand(verdicts, first, left, right)
    falls(verdicts, third, Reason.REMOVED, removal)


def test_a_row_that_names_a_head_of_another_log_keeps_what_its_log_and_seq_say() -> None:
    """Rule 8, ADR 0002: a row is held only if log, seq and head agree."""
    world = World()
    z = world.grant(world.founder, "z", 2)
    first, second = world.note(z), world.note(z)
    world.note(z, after=first)
    elsewhere = world.note(world.founder)
    rows = (Kept(z.log.id, first.seq, elsewhere.id),)
    removal = world.write(world.founder.log, world.founder.grant, Removed(grant=z.grant.id, logs=rows))
    verdicts = world.judge()
    stand(verdicts, first, elsewhere)
    falls(verdicts, second, Reason.REMOVED, removal)


def test_logs_not_listed_in_a_removal_are_cut_to_nothing() -> None:
    """Open in the review, decided: harsh, and said in the dialogue."""
    world = World()
    z = world.grant(world.founder, "z", 2)
    phone = world.enrol(z, "phone")
    on_phone = world.note(phone)
    removal = world.remove(world.founder, z.grant.id, z.log.last)
    falls(world.judge(), on_phone, Reason.REMOVED, removal)


def test_an_officer_who_removes_himself_by_a_friend_of_his_rank_keeps_everything() -> None:
    """Rule 7: strictly lower ranks only."""
    world = World()
    ann, bob = world.grant(world.founder, "ann", 1), world.grant(world.founder, "bob", 1)
    note = world.note(bob)
    removal = world.remove(ann, bob.grant.id)
    verdicts = world.judge()
    stand(verdicts, note, removal)
    assert not verdicts.grants[bob.grant.id].ended


def test_a_removal_may_reach_grants_written_before_and_after_it_alike() -> None:
    """Rule 7 on a member: no order, so nothing can be slipped in front of it."""
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    first = world.grant(ann, "x", 2)
    removal = world.remove(world.founder, member_id("x"))
    second = world.grant(ann, "x", 2)
    notes = [world.note(first), world.note(second)]
    verdicts = world.judge()
    for note in notes:
        falls(verdicts, note, Reason.REMOVED, removal)
    assert verdicts.grants[first.grant.id].cuts == (removal.id,)


def test_a_void_removal_voids_nothing() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1, rights=("note.write",))
    x = world.grant(world.founder, "x", 2)
    note = world.note(x)
    removal = world.remove(ann, x.grant.id)
    verdicts = world.judge()
    falls(verdicts, removal, Reason.NO_RIGHT, ann.grant)
    stand(verdicts, note)


def test_a_second_identity_granted_before_a_cut_survives_it() -> None:
    """To document, not to fix: the dialogue shows "grants made by him"."""
    world = World()
    officer = world.grant(world.founder, "officer", 1)
    double = world.grant(officer, "double", 2)
    world.remove(world.founder, member_id("officer"), double.grant)
    note = world.note(double)
    stand(world.judge(), note)
