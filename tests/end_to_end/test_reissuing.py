"""Work that a cut made void is said again by its author, in order and with its words; nobody else's ever is."""

import pytest

from scmanager.application.desk import NotAllowed
from scmanager.application.reissuing import EventNotHere, NotReissuable, void_work
from scmanager.application.words import Words
from scmanager.domain.catalogue import MEMBERS
from scmanager.domain.member import Note, Profile
from scmanager.runtime import Node
from scmanager.spaces.opening import Opened
from tests.end_to_end.test_governing import Org, org, removal
from tests.support.machines import carry, let_in

__all__ = ["org"]


def void(node: Node, org: Org) -> list[Opened]:
    member = node.writer.member(org.space)
    return void_work(node.shelf.space(org.space), member, node.vault.logs_of(org.space))


def words(node: Node, org: Org, member: bytes) -> tuple[str, str]:
    space = node.shelf.space(org.space)
    state = space.state(MEMBERS, member)
    read = Words(node.store, node.vault.held).read(space, {state.profile: Profile, state.note: Note})
    profile, note = read[state.profile], read[state.note]
    assert isinstance(profile, Profile)
    assert isinstance(note, Note)
    return profile.handle, note.text


def hit_by_a_change_of_role(org: Org) -> tuple[bytes, bytes]:
    """Bob records Grace and keeps a note while Ada, who does not know of it, gives him another role."""
    bob = let_in(org.ada, org.bob, org.space, org.officer, org.folder)
    carry(org.bob, org.ada, org.space, org.folder)
    grace = bytes.fromhex(org.bob.do("member.record", org.space, {"handle": "grace"})["member"])
    org.bob.do("member.note", org.space, {"member_id": grace, "text": "flies at night"})
    org.ada.do("member.set-role", org.space, {"member_id": bob, "role_id": org.lower})
    org.meet(org.ada, org.bob)
    return bob, grace


def test_what_a_change_of_role_made_void_is_said_again_in_order_and_with_its_words(org: Org) -> None:
    _, grace = hit_by_a_change_of_role(org)
    assert [each.shared.type for each in void(org.bob, org) if each.shared] == ["member.recorded/1", "member.noted/1"]
    assert org.sees(org.ada) == 2
    command = b"c" * 16
    assert org.bob.do("event.reissue", org.space, {}, command)["reissued"] == 2
    assert org.bob.do("event.reissue", org.space, {}, command)["reissued"] == 2
    assert org.bob.do("event.reissue", org.space, {})["reissued"] == 0
    carry(org.bob, org.ada, org.space, org.folder)
    assert words(org.ada, org, grace) == words(org.bob, org, grace) == ("grace", "flies at night")
    assert void(org.bob, org) == []
    assert org.bob.store.last_pos() == org.ada.store.last_pos()


def test_one_event_is_chosen_and_the_other_stays_void(org: Org) -> None:
    hit_by_a_change_of_role(org)
    first, second = void(org.bob, org)
    assert org.bob.do("event.reissue", org.space, {"event": (first.entry.id32,)})["reissued"] == 1
    assert [each.entry.id32 for each in void(org.bob, org)] == [second.entry.id32]
    with pytest.raises(NotReissuable):
        org.bob.do("event.reissue", org.space, {"event": (first.entry.id32,)})


def test_what_a_lost_device_wrote_is_named_one_by_one(org: Org) -> None:
    request = org.bob.request(org.ada.invitation(org.space, org.space[:16]))
    org.ada.take_request(request)
    org.ada.do("device.enrol", org.space, {"log": request.log, "device": request.device, "box": request.box})
    carry(org.ada, org.bob, org.space, org.folder)
    org.ada.do("device.cut", org.space, {"device": request.device})
    org.bob.do("member.record", org.space, {"handle": "grace"})
    org.meet(org.ada, org.bob)
    (lost,) = void(org.ada, org)
    assert org.ada.do("event.reissue", org.space, {})["reissued"] == 0
    assert org.ada.do("event.reissue", org.space, {"event": (lost.entry.id32,)})["reissued"] == 1
    assert org.sees(org.ada) == 2


def test_nobody_says_again_what_another_said_or_what_counts_or_is_not_there(org: Org) -> None:
    hit_by_a_change_of_role(org)
    theirs = void(org.bob, org)[0].entry.id32
    counts = next(iter(org.ada.shelf.space(org.space).entries())).entry.id32
    before = org.ada.store.last_pos()
    for event in (theirs, counts):
        with pytest.raises(NotReissuable):
            org.ada.do("event.reissue", org.space, {"event": (event,)})
    with pytest.raises(EventNotHere):
        org.ada.do("event.reissue", org.space, {"event": (bytes(32),)})
    assert org.ada.store.last_pos() == before


def test_words_that_were_erased_meanwhile_are_not_said_again(org: Org) -> None:
    _, grace = hit_by_a_change_of_role(org)
    recorded, noted = (each.entry.id32 for each in void(org.bob, org))
    org.bob.do("event.reissue", org.space, {"event": (recorded,)})
    carry(org.bob, org.ada, org.space, org.folder)
    org.ada.do("member.erase", org.space, {"member_id": grace})
    carry(org.ada, org.bob, org.space, org.folder)
    assert org.bob.do("event.reissue", org.space, {})["reissued"] == 0
    with pytest.raises(NotReissuable):
        org.bob.do("event.reissue", org.space, {"event": (noted,)})


def test_what_one_may_not_say_any_more_is_left(org: Org) -> None:
    bob = let_in(org.ada, org.bob, org.space, org.officer, org.folder)
    carry(org.bob, org.ada, org.space, org.folder)
    org.bob.do("member.record", org.space, {"handle": "grace"})
    org.ada.do("member.set-role", org.space, {"member_id": bob, "role_id": org.role(3, ())})
    carry(org.ada, org.bob, org.space, org.folder)
    told = org.bob.do("event.reissue", org.space, {})
    assert (told["reissued"], told["left"]) == (0, 1)
    with pytest.raises(NotAllowed):
        org.bob.do("event.reissue", org.space, {"event": (void(org.bob, org)[0].entry.id32,)})


def test_who_was_removed_says_nothing_again_until_let_in_anew(org: Org) -> None:
    bob = let_in(org.ada, org.bob, org.space, org.officer, org.folder)
    carry(org.bob, org.ada, org.space, org.folder)
    org.bob.do("member.record", org.space, {"handle": "grace"})
    org.ada.do("member.remove", org.space, removal(bob))
    org.ada.do("member.invite", org.space, {"member_id": bob})
    org.meet(org.ada, org.bob)
    request = org.bob.request(org.ada.invitation(org.space, bob))
    org.ada.take_request(request)
    again = {"member_id": bob, "role_id": org.officer, "log": request.log, "device": request.device}
    org.ada.do("member.grant", org.space, again | {"box": request.box})
    carry(org.ada, org.bob, org.space, org.folder)
    assert org.bob.do("event.reissue", org.space, {})["reissued"] >= 1
    assert "grace" in {words_of(org.bob, org, each) for each, _ in org.bob.shelf.space(org.space).things(MEMBERS)}


def words_of(node: Node, org: Org, member: bytes) -> str:
    space = node.shelf.space(org.space)
    profile = space.state(MEMBERS, member).profile
    read = Words(node.store, node.vault.held).read(space, {profile: Profile}) if profile else {}
    return getattr(read.get(profile), "handle", "")
