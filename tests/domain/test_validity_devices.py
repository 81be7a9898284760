"""Which logs belong to a grant, and what a member may disown of his own (DESIGN 3, rules 5 and 6)."""

from scmanager.domain.governance import Continued, DeviceCut, Enrolled
from scmanager.domain.records import Reason
from tests.support.world import World, falls, kept, public, stand


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


def test_a_cut_needs_no_held_device_to_be_valid() -> None:
    world = World()
    x = world.grant(world.founder, "x", 2)
    event = DeviceCut(public("never seen"), kept(x.log.genesis))
    cut = world.write(x.log, x.grant, event)
    stand(world.judge(), cut)
