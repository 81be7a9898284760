"""Leaving: who left says nothing more and gets no further keys, his seat ends, and the key changes (M6)."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scmanager.application.departing import YouLeft
from scmanager.application.desk import NotAMember
from scmanager.application.words import Words
from scmanager.domain.catalogue import EPOCHS, MEMBERS
from scmanager.domain.member import Member, MemberGone, Note, Standing
from scmanager.exchanging import Exchange
from scmanager.runtime import Node
from scmanager.spaces.personal import Absence
from scmanager.spaces.readers import box_keys
from tests.support.machines import Machine, carry, found, let_in


class Org:
    """Ada founds; Bob, rank 3, may speak for members and remove them; Cleo, rank 8, may invite."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ada, self.bob, self.cleo = (Machine(folder, name).open() for name in ("ada", "bob", "cleo"))
        self.space = found(self.ada)
        self.role = self._role("Officer", 3, ("member.represent", "member.remove"))
        self.bob_id = let_in(self.ada, self.bob, self.space, self.role, folder)
        self.carry(self.bob, self.ada)
        self.cleo_id = let_in(self.ada, self.cleo, self.space, self._role("Host", 8, ("member.invite",)), folder)
        self.carry(self.cleo, self.ada)
        self.carry(self.ada, self.bob)

    def _role(self, title: str, rank: int, rights: tuple[str, ...]) -> bytes:
        made = self.ada.do("role.define", self.space, {"title": title, "rank": rank, "rights": rights})
        return bytes.fromhex(made["role"])

    def carry(self, from_: Node, to: Node) -> None:
        carry(from_, to, self.space, self.folder)

    def do(self, node: Node, verb: str, **given: Any) -> dict[str, Any]:
        return node.do(verb, self.space, given)

    def member(self, member: bytes, at: Node) -> Member:
        with at.shelf.lock:
            state = at.shelf.space(self.space).state(MEMBERS, member)
        assert isinstance(state, Member)
        return state

    def seats(self, member: bytes, at: Node) -> int:
        with at.shelf.lock:
            return sum(each.grant.member == member for each in at.shelf.space(self.space).grants())

    def key(self, at: Node) -> bytes:
        with at.shelf.lock:
            epochs: Any = at.shelf.space(self.space).state(EPOCHS, self.space[:16])
        return bytes(epochs.writing)

    def readers(self, at: Node) -> frozenset[bytes]:
        with at.shelf.lock:
            return box_keys(at.shelf.space(self.space))

    def note(self, member: bytes, at: Node) -> object:
        entry = self.member(member, at).note
        with at.shelf.lock:
            return Words(at.store, at.vault.held).read(at.shelf.space(self.space), {entry: Note})[entry]


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    made = Org(tmp_path)
    yield made
    for node in (made.ada, made.bob, made.cleo):
        node.close()


def test_the_seat_of_who_left_ends_and_the_key_changes_when_somebody_above_hears_of_it(org: Org) -> None:
    before, written = org.key(org.ada), org.do(org.bob, "member.record", handle="grace")["member"]
    assert org.do(org.bob, "member.leave")["seat"] == "ends"
    org.carry(org.bob, org.ada)
    assert (org.member(org.bob_id, org.ada).standing, org.seats(org.bob_id, org.ada)) == (Standing.LEFT, 0)
    assert org.key(org.ada) != before
    assert org.member(bytes.fromhex(written), org.ada).standing is Standing.RECORDED, "what he did stays"
    org.do(org.ada, "member.note", member_id=org.cleo_id, text="after Bob left")
    org.carry(org.ada, org.bob)
    with pytest.raises(NotAMember):
        org.do(org.bob, "member.record", handle="hugo")
    assert not org.member(org.cleo_id, org.bob).note, "the entry stays closed to him"
    org.carry(org.ada, org.cleo)
    assert org.note(org.cleo_id, org.cleo) == Note("after Bob left")
    last = org.ada.store.last_pos()
    org.carry(org.cleo, org.ada)
    assert org.ada.store.last_pos() == last, "once is enough"


def test_who_left_records_nothing_more_and_gets_no_keys_while_nobody_above_knows(org: Org) -> None:
    org.do(org.bob, "member.leave")
    for verb, given in (("member.record", {"handle": "x"}), ("member.note", {"member_id": org.cleo_id, "text": "x"})):
        with pytest.raises(YouLeft):
            org.do(org.bob, verb, **given)
    org.carry(org.bob, org.cleo)
    assert org.seats(org.bob_id, org.cleo) == 1
    assert org.readers(org.cleo) == {org.ada.identity.box, org.cleo.identity.box}
    assert org.do(org.bob, "member.erase", member_id=org.bob_id, ground="at-once")["keys"]
    org.carry(org.bob, org.ada)
    with org.ada.shelf.lock:
        profile = org.member(org.bob_id, org.ada).profile
        read = Words(org.ada.store, org.ada.vault.held).read(org.ada.shelf.space(org.space), {profile: Note})
    assert read[profile] is Absence.ERASED


def test_who_left_comes_back_by_a_new_invitation(org: Org) -> None:
    org.do(org.bob, "member.leave")
    org.carry(org.bob, org.ada)
    request = Exchange(org.bob).request(Exchange(org.ada).invitation(org.space, org.bob_id))
    with pytest.raises(MemberGone):
        Exchange(org.ada).admit(request, org.role, org.bob_id)
    org.do(org.ada, "member.invite", member_id=org.bob_id)
    Exchange(org.ada).admit(request, org.role)
    org.carry(org.ada, org.bob)
    org.do(org.bob, "member.join")
    assert org.do(org.bob, "member.record", handle="hugo")
    org.carry(org.bob, org.ada)
    assert (org.member(org.bob_id, org.ada).standing, org.seats(org.bob_id, org.ada)) == (Standing.JOINED, 1)
    assert org.bob.identity.box in org.readers(org.ada)


def test_an_invitation_before_anybody_above_has_heard_of_it_leaves_the_seat_as_it_was(org: Org) -> None:
    org.do(org.bob, "member.leave")
    org.carry(org.bob, org.cleo)
    org.do(org.cleo, "member.invite", member_id=org.bob_id)
    org.carry(org.cleo, org.bob)
    org.do(org.bob, "member.join")
    org.carry(org.bob, org.ada)
    assert (org.member(org.bob_id, org.ada).standing, org.seats(org.bob_id, org.ada)) == (Standing.JOINED, 1)


def test_a_founder_who_left_keeps_the_seat_and_comes_back_to_it(org: Org) -> None:
    assert org.do(org.ada, "member.leave")["seat"] == "stays"
    with pytest.raises(YouLeft):
        org.do(org.ada, "fleet.form", title="Home")
    org.carry(org.ada, org.bob)
    assert org.ada.identity.box not in org.readers(org.bob)
    org.do(org.bob, "member.leave")
    org.carry(org.bob, org.ada)
    assert org.seats(org.bob_id, org.ada) == 1, "who has left ends nobody's seat"
    org.do(org.ada, "member.join")
    assert org.do(org.ada, "fleet.form", title="Home")
    org.carry(org.cleo, org.ada)
    assert org.seats(org.bob_id, org.ada) == 0
    org.carry(org.ada, org.cleo)
    assert org.ada.identity.box in org.readers(org.cleo)


def test_who_only_speaks_for_members_ends_nobodys_seat_by_saying_that_they_left(org: Org) -> None:
    told = org.do(org.bob, "member.leave", member_id=org.cleo_id)
    assert told["seat"] == "stays"
    grace = bytes.fromhex(org.do(org.bob, "member.record", handle="grace")["member"])
    assert org.do(org.bob, "member.leave", member_id=grace)["seat"] == "none"
    org.carry(org.bob, org.ada)
    assert (org.member(org.cleo_id, org.ada).standing, org.seats(org.cleo_id, org.ada)) == (Standing.LEFT, 1)
    assert org.cleo.identity.box in org.readers(org.ada)
