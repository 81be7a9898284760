"""Two who govern at the same time, neither knowing of the other: whoever hears of it in whatever order agrees."""

import itertools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scmanager.adapters.space_file import Request
from scmanager.application.words import Words
from scmanager.domain.catalogue import FOLDS, MEMBERS
from scmanager.domain.member import Profile, RemovalReason, Standing
from scmanager.domain.records import Reason
from scmanager.runtime import Node
from scmanager.spaces.personal import Absence
from scmanager.spaces.readers import box_keys
from tests.support.machines import Machine, carry, found, let_in, officer_role

Act = tuple[Node, str, dict[str, Any]]


class Org:
    """Ada founds, Ann is an officer, Cem a pilot who listens, Bob whoever is needed."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ada, self.ann, self.bob, self.cem = (
            Machine(folder, name).open() for name in ("ada", "ann", "bob", "cem")
        )
        self.space = found(self.ada)
        self.officer = officer_role(self.ada, self.space)
        lower = {"title": "Pilot", "rank": 3, "rights": ("member.invite",)}
        self.pilot = bytes.fromhex(self.ada.do("role.define", self.space, lower)["role"])
        self.ann_member = let_in(self.ada, self.ann, self.space, self.officer, folder)
        self.carry(self.ann, self.ada)
        let_in(self.ada, self.cem, self.space, self.pilot, folder)
        self.carry(self.cem, self.ada, self.ann)

    def carry(self, *path: Node) -> None:
        for source, target in itertools.pairwise(path):
            carry(source, target, self.space, self.folder)

    def at_once(self, one: Act, other: Act) -> None:
        """Both act, then hear of each other; Cem hears of the second first, the first of the two of himself first."""
        for node, verb, arguments in (one, other):
            node.do(verb, self.space, arguments)
        self.carry(other[0], self.cem)
        self.carry(one[0], other[0], one[0], self.cem)
        assert len({node.shelf.space(self.space).frontier() for node in (one[0], other[0], self.cem)}) == 1
        assert self.told(one[0]) == self.told(self.cem)

    def told(self, node: Node) -> tuple[object, ...]:
        space = node.shelf.space(self.space)
        assert space.waiting == (0, 0)
        return dict(space.verdicts.entries), {fold: dict(space.things(fold)) for fold in FOLDS.values()}

    def voids(self) -> list[Reason | None]:
        return [v.reason for v in self.cem.shelf.space(self.space).verdicts.entries.values() if not v.valid]

    def standing(self, member: bytes) -> Standing:
        return self.cem.shelf.space(self.space).state(MEMBERS, member).standing


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    made = Org(tmp_path)
    yield made
    for node in (made.ada, made.ann, made.bob, made.cem):
        node.close()


def second_device(org: Org, owner: Node, member: bytes) -> Request:
    """Bob's machine asks to act as `member`."""
    request = org.bob.request(owner.invitation(org.space, member))
    owner.take_request(request)
    return request


def place(request: Request) -> dict[str, Any]:
    return {"log": request.log, "device": request.device, "box": request.box}


def test_what_a_lost_device_did_while_it_was_disowned_is_void(org: Org) -> None:
    phone = second_device(org, org.ada, org.space[:16])
    org.ada.do("device.enrol", org.space, place(phone))
    org.carry(org.ada, org.bob)
    org.at_once(
        (org.ada, "device.cut", {"device": phone.device}),
        (org.bob, "member.record", {"handle": "grace"}),
    )
    assert org.voids() == [Reason.DEVICE_CUT]


def test_a_device_enrolled_by_one_who_was_removed_at_that_time_does_not_act(org: Org) -> None:
    phone = second_device(org, org.ann, org.ann_member)
    org.at_once(
        (org.ada, "member.remove", {"member_id": org.ann_member, "reason": RemovalReason.CONDUCT}),
        (org.ann, "device.enrol", place(phone)),
    )
    assert phone.box not in box_keys(org.cem.shelf.space(org.space))
    assert org.voids() == [Reason.REMOVED]


def test_a_grant_by_one_who_was_removed_at_that_time_lets_nobody_in(org: Org) -> None:
    bob = bytes.fromhex(org.ann.do("member.invite", org.space, {})["member"])
    org.carry(org.ann, org.ada)
    asked = second_device(org, org.ann, bob)
    org.at_once(
        (org.ada, "member.remove", {"member_id": org.ann_member, "reason": RemovalReason.CONDUCT}),
        (org.ann, "member.grant", place(asked) | {"member_id": bob, "role_id": org.pilot}),
    )
    assert org.standing(bob) is Standing.INVITED
    assert Reason.REMOVED in org.voids()


def test_of_two_roles_given_at_once_the_one_from_further_up_holds(org: Org) -> None:
    bob = let_in(org.ann, org.bob, org.space, org.pilot, org.folder)
    org.carry(org.bob, org.ann, org.ada)
    org.at_once(
        (org.ada, "member.set-role", {"member_id": bob, "role_id": org.officer}),
        (org.ann, "member.set-role", {"member_id": bob, "role_id": org.pilot}),
    )
    (grant,) = [each.grant for each in org.cem.shelf.space(org.space).grants() if each.grant.member == bob]
    assert grant.rank == 2


def test_words_said_while_they_were_erased_are_hidden_too(org: Org) -> None:
    org.at_once(
        (org.ada, "member.erase", {"member_id": org.ann_member}),
        (org.ann, "member.change-profile", {"member_id": org.ann_member, "handle": "night-flier"}),
    )
    assert org.voids() == []
    space = org.cem.shelf.space(org.space)
    said = space.state(MEMBERS, org.ann_member).profile
    assert Words(org.cem.store, org.cem.vault.held).read(space, {said: Profile})[said] is Absence.ERASED


def test_work_said_again_while_its_author_was_removed_is_void_once_more(org: Org) -> None:
    org.ann.do("member.record", org.space, {"handle": "grace"})
    other = officer_role(org.ada, org.space)
    org.ada.do("member.set-role", org.space, {"member_id": org.ann_member, "role_id": other})
    org.carry(org.ada, org.ann, org.ada)
    org.at_once(
        (org.ada, "member.remove", {"member_id": org.ann_member, "reason": RemovalReason.CONDUCT}),
        (org.ann, "event.reissue", {}),
    )
    assert set(org.voids()) == {Reason.REMOVED}
