"""The court: what one more entry may change, and what it may not cost."""

from random import Random

import pytest

from scmanager.domain.court import Court
from scmanager.domain.frontier import frontier
from scmanager.domain.governance import Granted, Heads
from scmanager.domain.records import Fact, Reason, Verdict
from scmanager.domain.validity import judge
from tests.support.world import TABLE, World, check, member_id, public, stand


def court_with(world: World, *without: Fact) -> Court:
    return Court(world.space, check, TABLE, [fact for fact in world.facts if fact not in without])


def same_as_judged_whole(court: Court, world: World) -> None:
    assert court.verdicts.entries == judge(world.space, court.facts(), check, TABLE).entries


def test_a_note_costs_no_judgement_of_the_whole() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    court = court_with(world)
    changed = court.admit([world.note(ann), world.note(world.founder, ann.log.last)])
    assert len(changed) == 2
    assert court.judged == 1
    same_as_judged_whole(court, world)


def test_the_frontier_follows_every_note_and_leaves_out_what_does_not_count() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    stranger = world.log("stranger")
    court = court_with(world)
    for note in (world.note(ann), world.note(ann), world.write(stranger, ann.grant)):
        court.admit([note])
        assert court.frontier() == frontier(world.space, court.facts(), check)


def test_what_a_note_would_be_judged_is_said_without_admitting_it() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    bob = world.grant(world.founder, "bob", 1, rights=())
    court = court_with(world)
    may, may_not = world.note(ann), world.note(bob)
    assert court.foresee(may) == Verdict(valid=True)
    assert court.foresee(may_not) == Verdict(valid=False, reason=Reason.NO_RIGHT, cause=bob.grant.id)
    assert court.fact(may.id) is None
    assert court.fact(ann.grant.id) == ann.grant


def test_nothing_is_foreseen_where_the_grant_or_its_log_is_not_known_yet() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    later = world.grant(world.founder, "later", 1)
    court = court_with(world, later.grant)
    assert court.foresee(world.note(later)) is None
    assert court.foresee(world.write(world.log("new phone"), ann.grant)) is None


@pytest.mark.parametrize("malformed", [True, False])
def test_a_note_without_standing_is_void_at_once(malformed: bool) -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    phone = world.enrol(ann, "phone")
    world.cut(ann, "phone")
    unknown = world.log("elsewhere").genesis
    for log, by in ((ann.log, world.founder.grant), (ann.log, unknown), (phone.log, unknown)):
        court = court_with(world)
        reason = Reason.FOREIGN_LOG if by is world.founder.grant else Reason.UNKNOWN_GRANT
        note = world.write(log, by, malformed=malformed)
        assert court.admit([note])[note.id].reason is (Reason.MALFORMED if malformed else reason)
        assert court.judged == 1


def test_a_malformed_note_of_somebody_in_good_standing_is_void_at_once() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    court = court_with(world)
    note = world.write(ann.log, ann.grant, malformed=True)
    assert court.admit([note])[note.id].reason is Reason.MALFORMED
    assert court.judged == 1


def test_what_waited_for_an_entry_is_judged_when_it_arrives() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    first, second = world.note(ann), world.note(ann)
    court = court_with(world, first)
    assert court.admit([first]).keys() == {first.id, second.id}
    same_as_judged_whole(court, world)


def test_a_removal_tells_which_earlier_verdicts_it_changed() -> None:
    """F18: diff the verdicts, refold what changed."""
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    kept, lost = world.note(ann), world.note(ann)
    court = court_with(world)
    removal = world.remove(world.founder, ann.grant.id, kept)
    changed = court.admit([removal])
    assert changed.keys() == {removal.id, lost.id}
    assert (changed[lost.id].reason, changed[lost.id].cause) == (Reason.REMOVED, removal.id)
    assert court.admit([removal, lost]) == {}
    assert court.verdicts.grants[ann.grant.id].ended


def test_a_batch_reports_notes_and_what_governance_in_it_changed() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    court = court_with(world)
    notes = [world.note(ann) for _ in range(3)]
    removal = world.remove(world.founder, ann.grant.id, notes[0])
    batch = [*notes, removal]
    Random(1).shuffle(batch)
    assert court.admit(batch) == {fact.id: court.verdicts.entries[fact.id] for fact in batch}
    same_as_judged_whole(court, world)


def test_a_late_witness_from_above_spares_what_an_own_cut_voided() -> None:
    world = World()
    x = world.grant(world.founder, "x", 1)
    phone = world.enrol(x, "phone")
    treaty = world.note(phone)
    world.cut(x, "phone")
    court = court_with(world)
    changed = court.admit([world.note(world.founder, treaty)])
    assert changed[treaty.id].valid
    same_as_judged_whole(court, world)


def test_an_entry_that_a_witness_named_before_it_arrived_is_spared_on_arrival() -> None:
    world = World()
    x = world.grant(world.founder, "x", 2)
    phone = world.enrol(x, "phone")
    treaty = world.note(phone)
    world.note(world.founder, treaty)
    world.cut(x, "phone")
    court = court_with(world, treaty)
    assert court.admit([treaty])[treaty.id].valid


def test_a_witness_who_knows_the_cut_spares_nothing_and_costs_nothing() -> None:
    world = World()
    x = world.grant(world.founder, "x", 2)
    phone = world.enrol(x, "phone")
    stolen = world.note(phone)
    cut = world.cut(x, "phone")
    court = court_with(world)
    court.admit([world.note(world.founder, cut)])
    court.admit([world.note(world.founder, stolen)])
    assert court.verdicts.entries[stolen.id].reason is Reason.DEVICE_CUT
    assert court.judged == 1
    same_as_judged_whole(court, world)


def test_a_thief_who_goes_on_writing_costs_no_judgement_but_may_still_find_a_witness() -> None:
    world = World()
    x = world.grant(world.founder, "x", 2)
    phone = world.enrol(x, "phone")
    world.cut(x, "phone")
    court = court_with(world)
    stolen = [world.note(phone) for _ in range(5)]
    court.admit(stolen)
    assert court.judged == 1
    same_as_judged_whole(court, world)
    assert court.admit([world.note(world.founder, stolen[2])])[stolen[2].id].valid
    same_as_judged_whole(court, world)


def test_a_witness_against_one_of_two_cuts_is_heard_whichever_it_is() -> None:
    for phones in (("red", "blue"), ("blue", "red")):
        world = World()
        x = world.grant(world.founder, "x", 2)
        treaties = {name: world.note(world.enrol(x, name)) for name in ("red", "blue")}
        for name in phones:
            world.cut(x, name)
        court = court_with(world)
        treaty = treaties["red"]
        assert court.admit([world.note(world.founder, treaty)])[treaty.id].valid
        same_as_judged_whole(court, world)


def test_a_witness_who_names_what_arrives_only_later_is_remembered() -> None:
    world = World()
    x = world.grant(world.founder, "x", 2)
    phone = world.enrol(x, "phone")
    treaty = world.note(phone)
    world.cut(x, "phone")
    court = court_with(world, treaty)
    court.admit([world.note(world.founder, treaty)])
    assert court.admit([treaty])[treaty.id].valid
    same_as_judged_whole(court, world)


def test_a_witness_may_build_on_somebody_who_built_on_the_victim() -> None:
    world = World()
    x = world.grant(world.founder, "x", 2)
    y = world.grant(world.founder, "y", 2)
    phone = world.enrol(x, "phone")
    treaty = world.note(phone)
    world.cut(x, "phone")
    court = court_with(world)
    between = world.note(y, treaty)
    court.admit([between])
    assert court.judged == 1  # An equal is no witness.
    assert court.admit([world.note(world.founder, between)])[treaty.id].valid
    same_as_judged_whole(court, world)


def test_what_does_not_count_tells_a_witness_of_no_cut() -> None:
    world = World()
    x = world.grant(world.founder, "x", 2)
    phone = world.enrol(x, "phone")
    treaty = world.note(phone)
    cut = world.cut(x, "phone")
    stranger = world.log("stranger")
    court = court_with(world)
    gossip = world.write(stranger, x.grant, None, cut)
    court.admit([gossip])
    assert court.admit([world.note(world.founder, treaty, gossip)])[treaty.id].valid
    same_as_judged_whole(court, world)


def test_building_on_what_a_cut_keeps_costs_no_judgement() -> None:
    world = World()
    x = world.grant(world.founder, "x", 2)
    phone = world.enrol(x, "phone")
    kept, head = world.note(phone), world.note(phone)
    world.cut(x, "phone", head)
    court = court_with(world, kept, head)
    court.admit([kept])
    court.admit([world.note(world.founder, kept)])
    assert court.judged == 1
    same_as_judged_whole(court, world)


def test_a_malformed_entry_is_no_victim_that_a_witness_could_spare() -> None:
    world = World()
    x = world.grant(world.founder, "x", 2)
    phone = world.enrol(x, "phone")
    world.cut(x, "phone")
    court = court_with(world)
    noise = world.write(phone.log, x.grant, malformed=True)
    court.admit([noise])
    court.admit([world.note(world.founder, noise)])
    assert court.judged == 1
    same_as_judged_whole(court, world)


def test_nobody_can_spare_what_the_founder_cut_so_late_arrivals_cost_nothing() -> None:
    world = World()
    phone = world.enrol(world.founder, "phone")
    x = world.grant(world.founder, "x", 2)
    world.cut(world.founder, "phone")
    stolen = world.note(phone)
    world.note(x, stolen)
    court = court_with(world, stolen)
    assert court.admit([stolen])[stolen.id].reason is Reason.DEVICE_CUT
    assert court.judged == 1


def test_a_listed_head_that_arrives_ends_the_grace_of_the_other_branch() -> None:
    """Rule 8"""
    world = World()
    z = world.grant(world.founder, "z", 2)
    first = world.note(z)
    middle = world.note(z)
    head = world.note(z)
    other = world.note(z, after=first)
    world.remove(world.founder, z.grant.id, head)
    court = court_with(world, head)
    stand(court.verdicts, first, middle, other)
    assert not court.admit([head])[other.id].valid
    same_as_judged_whole(court, world)


def test_a_note_that_introduces_a_log_makes_it_count() -> None:
    world = World()
    stranger = world.log("stranger")
    claim = world.write(stranger, world.founder.grant)
    court = court_with(world)
    changed = court.admit([world.note(world.founder, stranger.genesis)])
    assert changed[claim.id].reason is Reason.FOREIGN_LOG
    same_as_judged_whole(court, world)


def test_a_log_of_another_space_stays_outside_although_a_grant_names_it() -> None:
    world, other = World(), World(name="other")
    event = Granted(member_id("x"), other.founder.log.id, public("d"), public("b"), 1, rights=("note.write",))
    granted = world.write(world.founder.log, world.founder.grant, event, other.founder.log.genesis)
    claim = world.write(other.founder.log, granted)
    court = Court(world.space, check, TABLE, [*world.facts[:-1], *other.facts])
    assert court.admit([claim])[claim.id].reason is Reason.UNCOUNTED
    same_as_judged_whole(court, world)


def test_signatures_are_checked_once_however_often_the_set_is_judged() -> None:
    world = World()
    world.go_on(world.founder, "founder device", "moved")
    seen = []

    def counting(public_key: bytes, message: bytes, signature: bytes) -> bool:
        seen.append((public_key, message))
        return check(public_key, message, signature)

    court = Court(world.space, counting, TABLE, world.facts)
    court.admit([world.grant(world.founder, "ann", 1).grant])
    assert court.judged == 2
    assert len(seen) == len(set(seen)) == 2


def test_unknown_governance_is_told_at_once() -> None:
    world = World()
    court = court_with(world)
    newer = world.write(world.founder.log, world.founder.grant, type="grant.lent/1")
    court.admit([newer])
    assert court.verdicts.unknown_governance == {newer.id}
    court.admit([world.write(world.founder.log, world.founder.grant, Heads())])
    assert court.verdicts.unknown_governance == {newer.id}
