"""What a verdict tells to those who ask it: who wrote an entry, and which log still speaks for a grant."""

from tests.support.world import World


def test_a_valid_entry_has_an_author_a_void_or_unknown_one_has_none() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 1, rights=())
    void, entitled = world.note(ann), world.note(world.founder)
    verdicts = world.judge()
    assert verdicts.author(world.founder.grant) == (world.founder_id, 0)
    assert verdicts.author(entitled) == (world.founder_id, 0)
    assert verdicts.author(void) is None
    assert world.judge(entitled).author(entitled) is None
    assert verdicts.author(ann.log.genesis) is None  # Valid, and acts by no grant.


def test_a_grant_speaks_in_its_own_logs_until_it_is_cut() -> None:
    world = World()
    ann = world.grant(world.founder, "ann", 2)
    phone = world.enrol(ann, "phone")
    standing = world.judge().grants[ann.grant.id]
    assert standing.speaks(ann.log.id)
    assert standing.speaks(phone.log.id)
    assert not standing.speaks(world.space)
    world.cut(ann, "phone")
    standing = world.judge().grants[ann.grant.id]
    assert standing.speaks(ann.log.id)
    assert not standing.speaks(phone.log.id)
    world.remove(world.founder, ann.grant.id)
    assert not world.judge().grants[ann.grant.id].speaks(ann.log.id)
