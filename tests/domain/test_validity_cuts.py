"""What cuts void and what they cannot: devices, own cuts, removals, forks (DESIGN 3, rules 5 to 10)."""

from scmanager.domain.governance import Continued, DeviceCut, Enrolled, Kept, Removed
from scmanager.domain.records import Reason
from tests.support.world import World, falls, kept, member_id, public, stand


def test_a_stranger_cannot_enrol_himself() -> None:
    """D1: "enrol this log", said in that log."""
    world = World()
    stranger = world.log("stranger")
    event = Enrolled(stranger.id, public("stranger device"), public("box"))
    world.write(
        world.founder.log, world.founder.grant, None, stranger.genesis
    )  # It counts, and still does not belong.
    e1 = world.write(stranger, world.founder.grant, event, stranger.genesis)
    falls(world.judge(), e1, Reason.FOREIGN_LOG, world.founder.grant)


def test_a_phone_cannot_cut_the_log_that_enrolled_it() -> None:
    """D2: the cut reaches only higher levels; it stands and voids nothing."""
    world = World()
    phone = world.enrol(world.founder, "phone")
    enrolment, note = world.founder.log.last, world.note(world.founder)
    cut = world.cut(phone, "founder device")
    verdicts = world.judge()
    stand(verdicts, enrolment, note, cut)
    assert verdicts.grants[world.founder.grant.id].levels == {world.founder.log.id: 0, phone.log.id: 1}


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


def test_an_own_cut_does_not_erase_what_somebody_above_built_on() -> None:
    """D5: the phone signs, the founder names it, the owner cuts the phone to nothing."""
    world = World()
    x = world.grant(world.founder, "x", 2)
    phone = world.enrol(x, "phone")
    treaty, unseen = world.note(phone), world.note(phone)
    world.note(world.founder, treaty)
    cut = world.cut(x, "phone")
    verdicts = world.judge()
    stand(verdicts, treaty, cut)
    falls(verdicts, unseen, Reason.DEVICE_CUT, cut)


def test_an_own_cut_is_not_healed_by_somebody_above_who_knew_of_it() -> None:
    """Rule 6: the past that spares must not hold the cut."""
    world = World()
    x = world.grant(world.founder, "x", 2)
    phone = world.enrol(x, "phone")
    stolen = world.note(phone)
    cut = world.cut(x, "phone")
    world.note(world.founder, stolen, cut)
    falls(world.judge(), stolen, Reason.DEVICE_CUT, cut)


def test_an_own_cut_is_not_healed_by_an_equal_or_by_a_void_entry() -> None:
    """Rule 6: a valid entry from above."""
    world = World()
    x, equal = world.grant(world.founder, "x", 2), world.grant(world.founder, "y", 2)
    above = world.grant(world.founder, "z", 1, rights=())
    phone = world.enrol(x, "phone")
    stolen = world.note(phone)
    world.note(equal, stolen)
    world.note(above, stolen)  # Void: the right is missing.
    cut = world.cut(x, "phone")
    falls(world.judge(), stolen, Reason.DEVICE_CUT, cut)


def test_a_witness_counts_through_entries_between_whatever_their_verdict() -> None:
    """Rule 6, past: reached by prev and deps, whatever the verdicts between."""
    world = World()
    x = world.grant(world.founder, "x", 2)
    mute = world.grant(world.founder, "mute", 3, rights=())
    phone = world.enrol(x, "phone")
    treaty = world.note(phone)
    between = world.note(mute, treaty)
    world.note(world.founder, between)
    world.cut(x, "phone")
    verdicts = world.judge()
    falls(verdicts, between, Reason.NO_RIGHT)
    stand(verdicts, treaty)


def test_a_lost_phone_cannot_go_on_under_a_new_log_but_its_owner_can() -> None:
    """D6: the cut is of the device key, so the thief's continuation is void and the owner enrols another phone."""
    world = World()
    x = world.grant(world.founder, "x", 2)
    phone = world.enrol(x, "phone")
    own = world.note(phone)
    stolen = world.note(phone)
    escape = world.go_on(phone, "phone", "escape")
    from_escape = world.note(escape)
    cut = world.cut(x, "phone", own)
    fresh = world.enrol(x, "new phone")
    living = world.note(fresh)
    verdicts = world.judge()
    stand(verdicts, own, cut, living)
    for void in (stolen, escape.log.last, from_escape):
        falls(verdicts, void, Reason.DEVICE_CUT, cut)


def test_a_thief_cannot_pull_an_honest_device_into_the_cut_of_the_stolen_one() -> None:
    """Rule 6: other devices are untouched; a log is of the key that brought it in at the smallest level."""
    world = World()
    x = world.grant(world.founder, "x", 2)
    phone, tablet = world.enrol(x, "phone"), world.enrol(x, "tablet")
    claim = Enrolled(tablet.log.id, public("phone"), public("box"))
    world.write(phone.log, phone.grant, claim, tablet.log.genesis)
    work = world.note(tablet)
    world.cut(x, "phone", phone.log.last)
    stand(world.judge(), work)


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


def test_a_member_cuts_his_own_lost_phone_without_touching_his_other_devices() -> None:
    """Second reading: leaving, and cutting one's own phone, do not need a rank below one's own."""
    world = World()
    phone, tablet = world.enrol(world.founder, "phone"), world.enrol(world.founder, "tablet")
    on_phone, on_tablet = world.note(phone), world.note(tablet)
    cut = world.cut(world.founder, "phone")
    verdicts = world.judge()
    falls(verdicts, on_phone, Reason.DEVICE_CUT, cut)
    stand(verdicts, on_tablet, cut)
    assert verdicts.grants[world.founder.grant.id].disowned == (phone.log.id,)


def test_a_cut_under_one_grant_does_not_reach_the_same_key_under_another() -> None:
    """Rule 6: under the same grant."""
    world = World()
    x, y = world.grant(world.founder, "x", 2), world.grant(world.founder, "y", 2)
    world.enrol(x, "shared")
    theirs = world.enrol(y, "shared")
    note = world.note(theirs)
    world.cut(x, "shared")
    stand(world.judge(), note)


def test_what_an_enrolled_phone_enrols_has_the_next_level_and_falls_with_its_enrolment() -> None:
    """Rules 5 and 12: one level reads only finished ones."""
    world = World()
    x = world.grant(world.founder, "x", 2)
    phone = world.enrol(x, "phone")
    watch = world.enrol(phone, "watch")
    note = world.note(watch)
    verdicts = world.judge()
    assert verdicts.grants[x.grant.id].levels == {x.log.id: 0, phone.log.id: 1, watch.log.id: 2}
    stand(verdicts, note)
    world.cut(x, "phone")
    falls(world.judge(), note, Reason.FOREIGN_LOG, x.grant)


def test_a_lone_founder_who_restored_his_folder_goes_on_in_a_new_log() -> None:
    """F15, second reading: no recovery keys and nobody to enrol him; his device key signs the continuation."""
    world = World()
    note = world.note(world.founder)
    moved = world.go_on(world.founder, "founder device", "restored")
    later = world.note(moved)
    verdicts = world.judge()
    stand(verdicts, note, moved.log.last, later)
    assert verdicts.grants[world.founder.grant.id].levels[moved.log.id] == 0
    assert verdicts.author(later) == (world.founder_id, 0)


def test_a_continuation_needs_the_device_key_and_the_old_logs_key() -> None:
    """F11, F15, D15: without the old log's signature a mirror does not count it, so nobody does."""
    world = World()
    x = world.grant(world.founder, "x", 2)
    right = world.go_on(x, "x device", "right")
    wrong_device = world.go_on(x, "stolen", "wrong device")
    unsigned = world.log("unsigned", continues=x.log, signer="somebody else")
    world.write(unsigned, x.grant, world.continued(unsigned, "x device"))
    verdicts = world.judge()
    stand(verdicts, right.log.last, right.log.genesis)
    falls(verdicts, wrong_device.log.last, Reason.FOREIGN_LOG, x.grant)
    falls(verdicts, unsigned.last, Reason.UNCOUNTED)
    world.note(world.founder, unsigned.genesis)
    falls(world.judge(), unsigned.last, Reason.FOREIGN_LOG, x.grant)


def test_a_continuation_may_be_continued() -> None:
    """F11: no rotation inside a log; a chain of logs instead."""
    world = World()
    x = world.grant(world.founder, "x", 2)
    second = world.go_on(x, "x device", "second")
    third = world.go_on(second, "x device", "third", continues=second.log)
    note = world.note(third)
    stand(world.judge(), second.log.genesis, third.log.genesis, note)


def test_a_continuation_forked_at_entry_one_belongs_if_one_branch_says_so() -> None:
    """D17"""
    world = World()
    x = world.grant(world.founder, "x", 2)
    log = world.log("forked", continues=x.log)
    silent = world.write(log, x.grant)
    falls(world.judge(), silent, Reason.FOREIGN_LOG)
    speaking = world.write(log, x.grant, world.continued(log, "x device"), after=log.genesis)
    stand(world.judge(), silent, speaking)


def test_a_continuation_said_later_than_entry_one_says_nothing() -> None:
    """Rule 5"""
    world = World()
    x = world.grant(world.founder, "x", 2)
    log = world.log("late", continues=x.log)
    world.write(log, x.grant)
    late = world.write(log, x.grant, world.continued(log, "x device"))
    falls(world.judge(), late, Reason.FOREIGN_LOG)
    in_first_log = world.write(x.log, x.grant, Continued(public("x device"), bytes(64)))
    falls(world.judge(), in_first_log, Reason.NOT_A_CONTINUATION)


def test_a_stranger_cannot_replay_somebodys_continuation_into_his_own_log() -> None:
    """F2: the device signs for one new log."""
    world = World()
    x = world.grant(world.founder, "x", 2)
    thief = world.grant(world.founder, "thief", 3)
    honest = world.go_on(x, "x device", "honest")
    copy = honest.log.last.event
    stolen = world.log("stolen", continues=thief.log)
    replay = world.write(stolen, x.grant, copy)
    falls(world.judge(), replay, Reason.FOREIGN_LOG, x.grant)


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


def test_a_cut_needs_no_held_device_to_be_valid() -> None:
    world = World()
    x = world.grant(world.founder, "x", 2)
    event = DeviceCut(public("never seen"), kept(x.log.genesis))
    cut = world.write(x.log, x.grant, event)
    stand(world.judge(), cut)


def test_a_second_identity_granted_before_a_cut_survives_it() -> None:
    """To document, not to fix: the dialogue shows "grants made by him"."""
    world = World()
    officer = world.grant(world.founder, "officer", 1)
    double = world.grant(officer, "double", 2)
    world.remove(world.founder, member_id("officer"), double.grant)
    note = world.note(double)
    stand(world.judge(), note)
