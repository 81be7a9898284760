"""Who may act: grants, ranks, rights, member ids, types (DESIGN 3, rules 2 to 4)."""

from itertools import permutations

from scmanager.domain.governance import Enrolled, EpochOpened, Granted, Heads
from scmanager.domain.prose import prose_of
from scmanager.domain.records import Reason
from scmanager.domain.validity import judge
from tests.support.world import TABLE, World, check, falls, member_id, public, stand


def test_a_grant_lets_its_member_act_and_the_envelope_says_who_he_is() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    note, first = world.note(ann), world.note(world.founder)
    verdicts = world.judge()
    stand(verdicts, ann.grant, note, first)
    assert verdicts.author(note) == (member_id("ann"), 1)
    assert verdicts.author(first) == (world.founder_id, 0)
    assert verdicts.author(world.founder.grant) == (world.founder_id, 0)
    assert verdicts.author(ann.log.genesis) is None
    assert verdicts.grants[ann.grant.id].levels == {ann.log.id: 0}


def test_a_grant_is_known_with_all_that_it_says() -> None:
    world = World()
    log = world.log("ann log")
    said = Granted(
        member=member_id("ann"), log=log.id, device=public("ann device"), box=public("ann box"), rank=2,
        role=member_id("role"), rights=("note.write",), overrides=(b"o" * 32,), keeps=(b"k" * 32,),
    )  # fmt: skip
    entry = world.write(world.founder.log, world.founder.grant, said, log.genesis)
    held = world.judge().grants[entry.id].grant
    assert (held.id, held.member, held.log, held.rank) == (entry.id, said.member, log.id, 2)
    assert (held.device, held.box, held.role) == (said.device, said.box, said.role)
    assert (held.rights, held.overrides, held.keeps) == ({"note.write"}, said.overrides, said.keeps)
    assert held.written_at == 0


def test_a_device_is_not_enrolled_for_a_log_that_nobody_introduces() -> None:
    world = World()
    log = world.log("phone log")
    enrolled = Enrolled(log=log.id, device=public("phone"), box=public("phone box"))
    falls_short = world.write(world.founder.log, world.founder.grant, enrolled)
    falls(world.judge(), falls_short, Reason.NEW_LOG)


def test_four_events_that_once_had_no_answer_have_one_in_every_order() -> None:
    """F1: Victor acts, Bob grants Carol knowing it, Ann withdraws Carol, Carol revokes Victor before he acted."""
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    bob = world.grant(world.founder, "bob", 1)
    victor = world.grant(world.founder, "victor", 3)
    before = world.note(victor)
    v = world.note(victor)
    carol = world.grant(bob, "carol", 2, deps=(v,))
    a = world.remove(ann, carol.grant.id)
    c = world.remove(carol, victor.grant.id, before, deps=(a, carol.grant))
    verdicts = world.judge()
    stand(verdicts, before, v, carol.grant, a)
    falls(verdicts, c, Reason.REMOVED, a)
    rest = [fact for fact in world.facts if fact not in (v, carol.grant, a, c)]
    for order in permutations((v, carol.grant, a, c)):
        assert judge(world.space, [*order, *rest], check, TABLE).entries == verdicts.entries


def test_three_equals_who_cut_each_other_in_a_ring_all_stand() -> None:
    """F1, the ring of three: a removal reaches only lower ranks."""
    world = World()
    ring = [world.grant(world.founder, name, 1) for name in ("ann", "bob", "cay")]
    work = [world.note(member) for member in ring]
    cuts = [world.remove(member, ring[(i + 1) % 3].grant.id) for i, member in enumerate(ring)]
    stand(world.judge(), *work, *cuts)


def test_in_a_ring_across_ranks_the_highest_decides() -> None:
    """F1, the ring of three, with ranks."""
    world = World()
    ann, bob, cay = (world.grant(world.founder, name, rank) for rank, name in enumerate(("ann", "bob", "cay"), 1))
    by_ann = world.remove(ann, bob.grant.id)
    by_bob = world.remove(bob, cay.grant.id)
    by_cay = world.remove(cay, ann.grant.id)
    note = world.note(cay)
    verdicts = world.judge()
    stand(verdicts, by_ann, by_cay, note)
    falls(verdicts, by_bob, Reason.REMOVED, by_ann)


def test_a_demoted_officer_cannot_have_acted_before_by_leaving_out_what_he_knew() -> None:
    """F1: no deps and an early clock do not move an entry before the removal."""
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    work = world.note(ann)
    removal = world.remove(world.founder, ann.grant.id, work)
    late = world.note(ann)
    beside = world.note(ann, after=ann.log.genesis)
    verdicts = world.judge()
    stand(verdicts, work, removal)
    falls(verdicts, late, Reason.REMOVED, removal)
    falls(verdicts, beside, Reason.REMOVED, removal)


def test_a_promotion_cannot_undo_the_enrolment_that_made_it_known() -> None:
    """Second reading, enrolment against rank order: the log of a grant is named by the grant, not by a peer."""
    world = World()
    ann = world.grant(world.founder, "ann", 2)
    bob = world.grant(world.founder, "bob", 2)
    enrolment = world.write(ann.log, ann.grant, Enrolled(bob.log.id, public("x"), public("x")), bob.log.genesis)
    promoted = world.grant(world.founder, "bob", 1, log=bob.log, keeps=(bob.grant,))
    cut = world.remove(promoted, ann.grant.id)
    verdicts = world.judge()
    stand(verdicts, promoted.grant, cut)
    falls(verdicts, enrolment, Reason.REMOVED, cut)


def test_a_stranger_who_names_the_founding_grant_is_not_the_founder() -> None:
    """D11"""
    world = World()
    stranger = world.log("stranger")
    claim = world.write(stranger, world.founder.grant)
    falls(world.judge(), claim, Reason.UNCOUNTED)
    world.write(world.founder.log, world.founder.grant, Heads(), stranger.genesis)
    falls(world.judge(), claim, Reason.FOREIGN_LOG, world.founder.grant)


def test_nobody_is_granted_an_id_that_belongs_to_somebody_above() -> None:
    """D12: an officer cannot become Zoe, nor the founder, on his own second log."""
    world = World()
    zoe = world.grant(world.founder, "zoe", 3)
    ann = world.grant(world.founder, "ann", 1)
    as_zoe = world.grant(ann, "ann again", 4, member=member_id("zoe"))
    as_founder = world.grant(ann, "ann thrice", 4, member=world.founder_id)
    acting = world.note(as_zoe)
    verdicts = world.judge()
    falls(verdicts, as_zoe.grant, Reason.TAKEN, zoe.grant)
    falls(verdicts, as_founder.grant, Reason.FOUNDER)
    falls(verdicts, acting, Reason.VOID_GRANT, as_zoe.grant)


def test_the_founder_himself_cannot_grant_his_own_id() -> None:
    """D12"""
    world = World()
    second = world.grant(world.founder, "founder", 1, member=world.founder_id)
    falls(world.judge(), second.grant, Reason.FOUNDER)


def test_nobody_is_granted_an_id_that_is_no_members() -> None:
    """Else whoever may let people in could have a contact's or a document's words erased as somebody's own."""
    world = World()
    as_prose = world.grant(world.founder, "ann", 1, member=prose_of(world.founder_id))
    falls(world.judge(), as_prose.grant, Reason.NO_MEMBER)


def test_a_grant_from_above_ends_lower_ones_to_the_same_id_unless_it_keeps_them() -> None:
    """Rule 4"""
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    ended, going_on = world.grant(ann, "bob", 3), world.grant(ann, "bob", 3)
    above = world.grant(world.founder, "bob", 2, keeps=(going_on.grant,))
    verdicts = world.judge()
    stand(verdicts, above.grant, going_on.grant)
    falls(verdicts, ended.grant, Reason.TAKEN, above.grant)
    stand(world.judge(above.log.genesis, above.grant), ended.grant, going_on.grant)


def test_two_officers_of_one_rank_may_grant_the_same_member() -> None:
    """Rule 4: only ranks above the author's claim an id."""
    world = World()
    ann, bob = world.grant(world.founder, "ann", 1), world.grant(world.founder, "bob", 1)
    by_ann, by_bob = world.grant(ann, "cay", 2), world.grant(bob, "cay", 2)
    stand(world.judge(), by_ann.grant, by_bob.grant)


def test_a_grant_at_the_authors_own_rank_or_above_is_void() -> None:
    """Rule 3, and rank 0 comes only from entry 0 and recovery."""
    world = World()
    ann = world.grant(world.founder, "ann", 2)
    equal, above = world.grant(ann, "bob", 2), world.grant(ann, "cay", 1)
    second_founder = world.grant(world.founder, "dan", 0)
    verdicts = world.judge()
    falls(verdicts, equal.grant, Reason.RANK, ann.grant)
    falls(verdicts, above.grant, Reason.RANK, ann.grant)
    falls(verdicts, second_founder.grant, Reason.RANK, world.founder.grant)


def test_nobody_grants_a_right_that_he_has_not() -> None:
    """Rule 3"""
    world = World()
    ann = world.grant(world.founder, "ann", 1, rights=("member.grant", "note.write"))
    within, beyond = world.grant(ann, "bob", 2, rights=("note.write",)), world.grant(ann, "cay", 2)
    every = world.grant(ann, "dan", 2, rights=("*",))
    deputy = world.grant(world.founder, "eve", 1, rights=("*",))
    by_deputy = world.grant(deputy, "fay", 2, rights=("*",))
    verdicts = world.judge()
    stand(verdicts, within.grant, deputy.grant, by_deputy.grant)
    falls(verdicts, beyond.grant, Reason.RIGHTS, ann.grant)
    falls(verdicts, every.grant, Reason.RIGHTS, ann.grant)


def test_an_entry_needs_the_right_of_its_type_in_the_grant_it_names() -> None:
    """Rule 2; second reading, roles: rights stand in the grant, so narrowing a role changes nothing written."""
    world = World()
    ann = world.grant(world.founder, "ann", 1, rights=("note.write",))
    note = world.note(ann)
    epoch = world.write(ann.log, ann.grant, EpochOpened(key=public("epoch")))
    heads = world.write(ann.log, ann.grant, Heads())
    narrowed = world.grant(world.founder, "ann", 1, log=ann.log, rights=(), keeps=(ann.grant,))
    later = world.note(narrowed)
    verdicts = world.judge()
    stand(verdicts, note, heads)
    falls(verdicts, epoch, Reason.NO_RIGHT, ann.grant)
    falls(verdicts, later, Reason.NO_RIGHT, narrowed.grant)


def test_a_grant_must_name_its_new_log_and_no_other_new_log() -> None:
    """D15, D16: what a grant makes valid, a mirror must count; one new log an entry."""
    world = World()
    bob, other = world.log("bob"), world.log("other")
    event = Granted(member_id("bob"), bob.id, public("d"), public("b"), 1)
    founder = world.founder
    unnamed = world.write(founder.log, founder.grant, event)
    two = world.write(founder.log, founder.grant, event, bob.genesis, other.genesis)
    wrong = world.write(founder.log, founder.grant, event, other.genesis)
    right = world.write(founder.log, founder.grant, event, bob.genesis)
    verdicts = world.judge()
    for void in (unnamed, two, wrong):
        falls(verdicts, void, Reason.NEW_LOG)
    stand(verdicts, right)


def test_an_entry_that_names_no_grant_or_something_else_is_void() -> None:
    """Rule 2"""
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    note = world.note(ann)
    nothing = world.write(ann.log, note)
    falls(world.judge(), nothing, Reason.UNKNOWN_GRANT)


def test_a_grant_that_arrives_late_makes_valid_what_waited_for_it() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    note = world.note(ann)
    world.write(world.founder.log, world.founder.grant, Heads(), ann.log.genesis, after=world.founder.grant)
    falls(world.judge(ann.grant), note, Reason.UNKNOWN_GRANT)
    stand(world.judge(), note)


def test_malformed_content_and_unreadable_governance_are_void() -> None:
    """DESIGN 2, content"""
    world = World()
    founder = world.founder
    poison = world.write(founder.log, founder.grant, malformed=True)
    unreadable = world.write(founder.log, founder.grant, type=Granted.tag)
    after = world.note(founder)
    verdicts = world.judge()
    falls(verdicts, poison, Reason.MALFORMED)
    falls(verdicts, unreadable, Reason.MALFORMED)
    stand(verdicts, after)


def test_an_unknown_type_folds_to_nothing_and_unknown_governance_stops_writers() -> None:
    """DESIGN 3, unknown types: only somebody with a standing grant can make a release stop."""
    world = World()
    ann = world.grant(world.founder, "ann", 1)
    work = world.note(ann)
    harmless = world.write(ann.log, ann.grant, type="zebra.seen/1")
    assert world.judge().unknown_governance == frozenset()
    newer = world.write(ann.log, ann.grant, type="grant.lent/1")
    verdicts = world.judge()
    falls(verdicts, harmless, Reason.UNKNOWN_TYPE)
    falls(verdicts, newer, Reason.UNKNOWN_TYPE)
    assert verdicts.unknown_governance == {newer.id}
    world.write(world.log("stranger"), world.founder.grant, type="grant.lent/1")
    assert world.judge().unknown_governance == {newer.id}
    world.remove(world.founder, ann.grant.id, work)
    assert world.judge().unknown_governance == frozenset()


def test_facts_of_another_space_count_for_nothing() -> None:
    """F2: a log is bound to its space by its entry 0."""
    world, other = World(), World(name="other")
    ann = other.grant(other.founder, "ann", 1)
    world.write(world.founder.log, world.founder.grant, Heads(), ann.log.genesis)
    verdicts = judge(world.space, [*world.facts, *other.facts], check, TABLE)
    falls(verdicts, other.founder.grant, Reason.UNCOUNTED)
    falls(verdicts, ann.grant, Reason.UNCOUNTED)
    falls(verdicts, ann.log.genesis, Reason.UNCOUNTED)


def test_deps_that_nobody_holds_hold_nothing_up() -> None:
    """F6: a dep on a branch that was lost, or cut, does not make its reader wait or fall."""
    world = World()
    ann, bob = world.grant(world.founder, "ann", 1), world.grant(world.founder, "bob", 1)
    kept_branch, losing = world.note(ann), world.note(ann, after=ann.log.genesis)
    reader = world.note(bob, losing)
    nowhere = world.write(bob.log, bob.grant, None, raw_deps=((bytes(32), 7, b"x" * 32),))
    removal = world.remove(world.founder, ann.grant.id, kept_branch)
    verdicts = world.judge()
    falls(verdicts, losing, Reason.REMOVED, removal)
    stand(verdicts, reader, nowhere, kept_branch)
    stand(world.judge(losing), reader)
