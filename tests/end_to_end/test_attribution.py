"""Whose a recorded entry is said to be, by whom, and what an erasure makes of it."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from secrets import token_bytes

import pytest

from scmanager.application.desk import Desk
from scmanager.application.writer import Command
from scmanager.domain.catalogue import MEMBERS
from scmanager.domain.member import Claimed, Note
from scmanager.domain.placeholder import ClaimConfirmed, ClaimedAlready
from scmanager.spaces.personal import Absence
from tests.support.machines import Machine
from tests.support.three_machines import Org


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    made = Org(tmp_path)
    yield made
    made.close()


def entry_of_cleo(org: Org) -> bytes:
    """An entry with a note, of which the founder said that it is Cleo."""
    made = bytes.fromhex(org.ada.do("member.record", org.space, {"handle": "CleoOld"})["member"])
    org.ada.do("member.note", org.space, {"member_id": made, "text": "Flies at night"})
    org.ada.do("member.claim", org.space, {"member_id": made, "by": org.cleo_id})
    org.carry(org.ada, org.bob)
    return made


def test_what_the_founder_said_of_whose_it_is_nobody_below_settles_anew(org: Org) -> None:
    one = entry_of_cleo(org)
    with pytest.raises(ClaimedAlready):
        org.bob.do("member.claim", org.space, {"member_id": one, "by": org.bob_id})
    with pytest.raises(ClaimConfirmed):
        org.bob.do("member.settle-claim", org.space, {"member_id": one, "by": org.bob_id})
    org.forge((one, Claimed(org.bob_id, tuple(claim.entry for claim in org.member(one).claims))))
    assert (org.member(one).claimed_by, org.member(one).rival_claims) == (org.cleo_id, (org.bob_id,))
    bobs = org.ada.do("member.erase", org.space, {"member_id": org.bob_id, "preview": True})
    assert (bobs["also"], bobs["unconfirmed"]) == ([], [one.hex()])
    told = org.ada.do("member.erase", org.space, {"member_id": org.cleo_id})
    assert (told["also"], told["unconfirmed"]) == ([one.hex()], [])
    assert org.words(org.member(one).note, Note) is Absence.ERASED


def test_the_founder_settles_anew_what_the_founder_said(org: Org) -> None:
    one = entry_of_cleo(org)
    org.forge((one, Claimed(org.bob_id)))
    org.ada.do("member.settle-claim", org.space, {"member_id": one, "by": org.bob_id})
    assert (org.member(one).claimed_by, org.member(one).rival_claims) == (org.bob_id, ())
    assert org.ada.do("member.erase", org.space, {"member_id": org.bob_id})["also"] == [one.hex()]


def test_what_is_said_beside_a_claim_that_holds_is_named(org: Org) -> None:
    one = bytes.fromhex(org.ada.do("member.record", org.space, {"handle": "CleoOld"})["member"])
    org.carry(org.ada, org.bob)

    def act(desk: Desk) -> dict[str, object]:
        look = desk._look
        desk._look = lambda fold, entity: (look(fold, entity)[0], ())  # type: ignore[method-assign]
        for whose in (org.bob_id, org.cleo_id):
            desk.record(MEMBERS, one, Claimed(whose))
        return {}

    org.bob.writer.do(Command(token_bytes(16), org.space, act))
    org.carry(org.bob, org.ada)
    assert (org.member(one).claimed_by, org.member(one).rival_claims) == (org.bob_id, (org.cleo_id,))
    told = org.ada.do("member.erase", org.space, {"member_id": org.cleo_id, "preview": True})
    assert (told["also"], told["unconfirmed"]) == ([], [one.hex()])


def test_letting_somebody_in_as_an_entry_hides_from_no_erasure_whose_it_was_said_to_be(
    org: Org, tmp_path: Path
) -> None:
    one = entry_of_cleo(org)
    org.arm("member.grant", "member.invite")
    low = bytes.fromhex(org.ada.do("role.define", org.space, {"title": "Low", "rank": 9, "rights": ()})["role"])
    org.carry(org.ada, org.bob)
    with closing(Machine(tmp_path, "nobody").open()) as dummy:
        asked = dummy.request(org.bob.invitation(org.space, one))
        org.bob.take_request(asked)
        given = {"log": asked.log, "device": asked.device, "box": asked.box, "role_id": low}
        org.bob.do("member.grant", org.space, {"member_id": one, **given})
    org.carry(org.bob, org.ada)
    assert org.member(one).claimed_by is None
    told = org.ada.do("member.erase", org.space, {"member_id": org.cleo_id})
    assert (told["also"], told["unconfirmed"]) == ([], [one.hex()])
    org.ada.do("member.erase", org.space, {"member_id": one})
    assert org.words(org.member(one).note, Note) is Absence.ERASED
