"""Who may let people in chooses their ids: he lets nobody in as a contact or a document, to have its words erased."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scmanager.application.desk import Desk, WouldNotCount
from scmanager.cli.session import carry_out_erasures
from scmanager.domain.document import Kind, subject_of
from scmanager.domain.governance import AT_ONCE
from scmanager.errors import Refused
from tests.support.machines import Machine, carry
from tests.support.three_machines import Org


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    made = Org(tmp_path)
    yield made
    made.close()


@pytest.mark.parametrize("what", ["document", "contact"])
def test_nobody_is_let_in_as_what_is_no_member(
    org: Org, tmp_path: Path, what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    org.arm("member.invite", "member.grant")
    if what == "document":
        subject = subject_of(org.founder, Kind.CHARTER)
        org.ada.do("document.edit", org.space, {"thing_id": org.founder, "kind": Kind.CHARTER, "text": "We haul."})
    else:
        subject = bytes.fromhex(org.ada.do("contact.record", org.space, {"title": "Lyra"})["contact"])
        org.ada.do("contact.note", org.space, {"contact_id": subject, "text": "Nice people"})
    org.carry(org.ada, org.bob)
    kept = org.ada.vault.keys_of(org.space, subject)
    assert kept
    olga = Machine(tmp_path, "olga").open()
    try:
        org.bob.do("member.invite", org.space, {"member_id": subject})
        request = olga.request(org.bob.invitation(org.space, subject))
        org.bob.take_request(request)
        named = {"log": request.log, "device": request.device, "box": request.box}
        grant = {"member_id": subject, "role_id": org.hand} | named
        with pytest.raises(WouldNotCount):
            org.bob.do("member.grant", org.space, grant)
        with monkeypatch.context() as forged:
            forged.setattr(Desk, "_check_counts", lambda *_: None)
            org.bob.do("member.grant", org.space, grant)
            carry(org.bob, olga, org.space, tmp_path)
            with pytest.raises(Refused):
                olga.do("member.erase", org.space, {"member_id": subject, "ground": AT_ONCE})
        org.carry(org.bob, org.ada)
        assert {each.grant.member for each in org.ada.shelf.space(org.space).grants()}.isdisjoint({subject})
        carry_out_erasures(org.ada)
        assert org.ada.vault.keys_of(org.space, subject) == kept
    finally:
        olga.close()
