"""What a member's own machine may try against the people of an organisation, and what comes of it."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from nacl.public import PrivateKey

from scmanager.adapters.key_box import SpaceKey, seal_box, seal_secret
from scmanager.adapters.space_file import KeysLine, SpaceFileDamaged
from scmanager.adapters.space_reading import SpaceFile, read_space, write_space
from scmanager.application import members
from scmanager.application.desk import Desk, Quoted
from scmanager.application.members import DeviceUnreachable
from scmanager.application.writer import Command
from scmanager.domain.catalogue import EPOCHS, MEMBERS, ROLES, SHIPS, TREATIES
from scmanager.domain.event import Event
from scmanager.domain.governance import Enrolled, EpochOpened, Heads
from scmanager.domain.member import (
    Claimed,
    LeftFor,
    MemberUnknown,
    Note,
    Noted,
    Profile,
    ProfileChanged,
    ProfileChangedFor,
    RankTooHigh,
    RemovalReason,
    Standing,
)
from scmanager.domain.placeholder import NoPlaceholder, NotJoined
from scmanager.domain.prose import prose_of
from scmanager.domain.role import Changed, RightNotYours
from scmanager.domain.ship_events import Named, NamedFor, Nickname, Owner, OwnerKind, Transferred
from scmanager.domain.treaty_events import Kind, Proposed, TreatyTerms
from scmanager.eventstore import content
from scmanager.eventstore.log_copy import LogCopy
from scmanager.eventstore.own_log import Secret
from scmanager.exchanging import Exchange, RequestOfAnother
from scmanager.runtime import Node
from scmanager.spaces.personal import Absence
from scmanager.spaces.readers import readers
from tests.support.machines import Machine, carry, let_in, officer_role
from tests.support.three_machines import Org


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    made = Org(tmp_path)
    yield made
    made.close()


def test_who_speaks_for_members_says_nothing_for_those_above_him(org: Org) -> None:
    for verb, words in (("member.change-profile", {"handle": "Impostor"}), ("member.leave", {})):
        with pytest.raises(RankTooHigh):
            org.bob.do(verb, org.space, {"member_id": org.founder, **words})
    profile = org.member(org.founder).profile
    org.forge((org.founder, ProfileChangedFor()), (org.founder, LeftFor()), (org.cleo_id, Claimed(org.bob_id)))
    assert org.member(org.founder).profile == profile
    assert org.member(org.founder).standing is Standing.JOINED
    assert org.member(org.cleo_id).claimed_by is None


def _admitted(org: Org, how: str, folder: Path) -> tuple[bytes, Node]:
    """Olga, rank 2, who has not said that she joins."""
    olga, officer = Machine(folder, "olga").open(), officer_role(org.ada, org.space)
    if how == "recorded":
        member = bytes.fromhex(org.ada.do("member.record", org.space, {"handle": "Olga"})["member"])
    elif how == "by hand":
        member = secrets.token_bytes(16)
    else:
        member = bytes.fromhex(org.ada.do("member.invite", org.space, {})["member"])
    asked = olga.request(org.ada.invitation(org.space, member))
    org.ada.take_request(asked)
    given = {"member_id": member, "log": asked.log, "device": asked.device, "box": asked.box}
    if how == "re-invited":
        org.ada.do("member.grant", org.space, given | {"role_id": org.hand})
        org.ada.do("member.remove", org.space, {"member_id": member, "reason": "inactive"})
        org.ada.do("member.invite", org.space, {"member_id": member})
    org.ada.do("member.grant", org.space, given | {"role_id": officer})
    if how == "a second seat":
        tablet = Machine(folder, "tablet").open()
        more = tablet.request(org.ada.invitation(org.space, member))
        org.ada.take_request(more)
        lower = {"role_id": org.hand, "log": more.log, "device": more.device, "box": more.box}
        org.ada.do("member.grant", org.space, given | lower)
        tablet.close()
    org.carry(org.ada, org.bob)
    return member, olga


@pytest.mark.parametrize("how", ["recorded", "invited", "by hand", "a second seat", "re-invited"])
def test_nobody_speaks_from_below_for_who_was_admitted_and_has_not_joined(org: Org, how: str, tmp_path: Path) -> None:
    member, olga = _admitted(org, how, tmp_path)
    before = org.member(member)
    for verb, words, refusal in (
        ("member.change-profile", {"handle": "Impostor"}, RankTooHigh),
        ("member.claim", {"by": org.bob_id}, (NoPlaceholder, MemberUnknown)),
        ("member.leave", {}, RankTooHigh),
    ):
        with pytest.raises(refusal):
            org.bob.do(verb, org.space, {"member_id": member, **words})
    org.forge((member, ProfileChangedFor()), (member, LeftFor()), (member, Claimed(org.bob_id)))
    after = org.member(member)
    assert (after.standing, after.profile, after.claims) == (before.standing, before.profile, ())
    org.carry(org.ada, olga)
    if how != "by hand":  # Nobody invited or recorded this one: acting is all that was given.
        assert olga.do("member.join", org.space, {"handle": "Olga"})
        org.carry(olga, org.ada)
        assert org.member(member).standing is Standing.JOINED
    assert olga.do("fleet.form", org.space, {"title": "Home"})
    olga.close()


def test_who_was_said_to_have_left_joins_with_the_seat_that_was_given(org: Org, tmp_path: Path) -> None:
    olga = Machine(tmp_path, "olga").open()
    member = bytes.fromhex(org.bob.do("member.record", org.space, {"handle": "Olga"})["member"])
    org.bob.do("member.leave", org.space, {"member_id": member})
    org.carry(org.bob, org.ada)
    asked = olga.request(org.ada.invitation(org.space, member))
    org.ada.take_request(asked)
    given = {"member_id": member, "log": asked.log, "device": asked.device, "box": asked.box}
    org.ada.do("member.grant", org.space, given | {"role_id": org.hand})
    org.carry(org.ada, olga)
    assert olga.do("member.join", org.space, {})
    org.carry(olga, org.ada)
    assert org.member(member).standing is Standing.JOINED
    olga.close()


def test_an_officer_who_became_less_is_spoken_for_by_who_is_above_now(org: Org, tmp_path: Path) -> None:
    member, olga = _admitted(org, "invited", tmp_path)
    org.ada.do("member.set-role", org.space, {"member_id": member, "role_id": org.hand})
    org.carry(org.ada, org.bob)
    assert org.bob.do("member.change-profile", org.space, {"member_id": member, "handle": "Olga"})
    olga.close()


def test_a_role_takes_no_right_that_its_writer_has_not(org: Org) -> None:
    wanted = {"role_id": org.hand, "title": "Hand", "rank": 8, "rights": ("member.remove",)}
    with pytest.raises(RightNotYours):
        org.bob.do("role.change", org.space, wanted)
    org.forge((org.hand, Changed("Hand", 8, ("member.remove", "*"))))
    with org.ada.shelf.lock:
        template = org.ada.shelf.space(org.space).state(ROLES, org.hand).template
    assert template.rights == ()


@pytest.mark.parametrize("under", ["another subject", "the space's own key", "no key"])
def test_a_note_that_no_erasure_would_reach_is_read_by_nobody(org: Org, under: str) -> None:
    def act(desk: Desk) -> dict[str, object]:
        if under == "no key":
            desk._sealing = lambda words: tuple((None, plain) for _, plain in words)
        elif under == "the space's own key":
            writing = desk.state(EPOCHS, desk.organisation).writing
            key = org.bob.vault.get(writing)
            desk._sealing = lambda words: tuple((Secret(writing, key), plain) for _, plain in words)
        subject = secrets.token_bytes(16) if under == "another subject" else org.cleo_id
        plain = msgspec.json.encode(Note("Cleo lives in Main Street 5"))
        desk.record(MEMBERS, org.cleo_id, Quoted(Noted(), ((subject, plain),)))
        return {}

    org.bob.writer.do(Command(secrets.token_bytes(16), org.space, act))
    org.carry(org.bob, org.ada)
    note = org.member(org.cleo_id).note
    assert note
    assert org.words(note, Note) is Absence.UNREADABLE


def named_under_nobody(org: Org, name: Event, *about: Event) -> None:
    """Bob gives a ship to somebody he made up, of whom he says this, and names it under that key: unreadable."""
    ship = bytes.fromhex(org.bob.do("ship.add", org.space, {"model": "AEGS_Gladius"})["ship"])
    nobody = secrets.token_bytes(16)

    def act(desk: Desk) -> dict[str, object]:
        for event in about:
            desk.record(MEMBERS, nobody, event)
        desk.record(SHIPS, ship, Transferred(Owner(OwnerKind.MEMBER, nobody), ()))
        plain = msgspec.json.encode(Nickname("Cleo, Main Street 5"))
        desk.record(SHIPS, ship, Quoted(name, ((nobody, plain),)))
        return {}

    org.bob.writer.do(Command(secrets.token_bytes(16), org.space, act))
    org.carry(org.bob, org.ada)
    with org.ada.shelf.lock:
        nickname = org.ada.shelf.space(org.space).state(SHIPS, ship).nickname
    assert nickname
    assert org.words(nickname, Nickname) is Absence.UNREADABLE


def test_words_of_a_ship_lie_under_no_made_up_owner(org: Org) -> None:
    named_under_nobody(org, Named())


def test_terms_of_a_treaty_lie_under_no_made_up_contact(org: Org) -> None:
    org.arm("diplomacy.manage")
    lyra = bytes.fromhex(org.ada.do("contact.record", org.space, {"title": "Lyra"})["contact"])
    said = {"contact_id": lyra, "kind": Kind.PEACE, "title": "Peace", "text": "No shots"}
    treaty = bytes.fromhex(org.ada.do("treaty.propose", org.space, said)["treaty"])
    org.carry(org.ada, org.bob)
    nobody = secrets.token_bytes(16)

    def act(desk: Desk) -> dict[str, object]:
        looked = desk._look
        desk._look = lambda fold, entity: (looked(fold, entity)[0], ())  # As if nobody had proposed it before.
        plain = msgspec.json.encode(TreatyTerms("Cleo, Main Street 5"))
        desk.record(TREATIES, treaty, Quoted(Proposed(nobody, Kind.PEACE, "Peace"), ((nobody, plain),)))
        return {}

    org.bob.writer.do(Command(secrets.token_bytes(16), org.space, act))
    org.carry(org.bob, org.ada)
    ours, theirs = (each.entry for each in org.state(TREATIES, treaty).versions)
    assert org.words(ours, TreatyTerms) == TreatyTerms("No shots")
    assert org.words(theirs, TreatyTerms) is Absence.UNREADABLE
    org.ada.do("member.erase", org.space, {"member_id": lyra})
    assert org.words(ours, TreatyTerms) is Absence.ERASED
    assert org.words(theirs, TreatyTerms) is Absence.UNREADABLE


def test_what_is_claimed_in_steps_is_erased_in_all(org: Org) -> None:
    one, two = (
        bytes.fromhex(org.ada.do("member.record", org.space, {"handle": handle})["member"])
        for handle in ("One", "Two")
    )
    with pytest.raises(NotJoined):
        org.ada.do("member.claim", org.space, {"member_id": one, "by": two})
    org.ada.do("member.claim", org.space, {"member_id": two, "by": org.cleo_id})
    with pytest.raises(NotJoined):
        org.ada.do("member.settle-claim", org.space, {"member_id": two, "by": one})

    def act(desk: Desk) -> dict[str, object]:
        desk.record(MEMBERS, one, Claimed(two))  # What no verb says.
        return {}

    org.ada.writer.do(Command(secrets.token_bytes(16), org.space, act))
    org.ada.do("member.erase", org.space, {"member_id": org.cleo_id})
    assert org.words(org.member(one).profile, Profile) is Absence.ERASED


def test_an_erasure_takes_what_was_recorded_of_them_before_they_joined(org: Org) -> None:
    recorded = bytes.fromhex(org.ada.do("member.record", org.space, {"handle": "CleoReal"})["member"])
    org.ada.do("member.note", org.space, {"member_id": recorded, "text": "Main Street 5"})
    org.ada.do("member.claim", org.space, {"member_id": recorded, "by": org.cleo_id})
    org.carry(org.ada, org.cleo)
    own = org.cleo.do("member.erase", org.space, {"member_id": org.cleo_id, "ground": "at-once"})
    assert own["recorded"] == [recorded.hex()]
    assert org.words(org.member(recorded).note, Note) == Note("Main Street 5")
    told = org.ada.do("member.erase", org.space, {"member_id": org.cleo_id})
    assert told["recorded"] == []
    state = org.member(recorded)
    assert org.words(state.note, Note) is Absence.ERASED
    assert org.words(state.profile, Profile) is Absence.ERASED


@pytest.mark.parametrize("how", ["removed", "left"])
def test_nobody_stays_by_having_more_logs_than_an_entry_can_name(
    org: Org, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    """Sixteen logs and an entry of 1,500 bytes stand for seven hundred and one of 64 KiB."""
    invitation = org.bob.invitation(org.space, org.bob_id)
    for _ in range(16):
        asked = org.bob.request(invitation)
        org.bob.take_request(asked)
        org.bob.do("device.enrol", org.space, {"log": asked.log, "device": asked.device, "box": asked.box})
    recorded = bytes.fromhex(org.bob.do("member.record", org.space, {"handle": "Zoe"})["member"])
    if how == "left":
        org.bob.do("member.leave", org.space, {})
    monkeypatch.setattr(members, "KEPT_MAX", 4)
    monkeypatch.setattr(content, "SHARED_BYTES_MAX", 1500)
    org.carry(org.bob, org.ada)  # Who left has his grants ended by what takes it in.
    if how == "removed":
        org.ada.do("member.remove", org.space, {"member_id": org.bob_id, "reason": "conduct"})
    with org.ada.shelf.lock:
        assert org.bob_id not in {each.grant.member for each in org.ada.shelf.space(org.space).grants()}
    assert org.member(recorded).standing is Standing.RECORDED, "the longest log is kept"
    assert org.member(org.bob_id).standing is (Standing.LEFT if how == "left" else Standing.REMOVED)


def test_what_one_seals_under_a_key_that_nobody_has_keeps_the_key_from_nothing(org: Org, tmp_path: Path) -> None:
    def act(desk: Desk) -> dict[str, object]:
        desk._writing_key = lambda _: Secret.of(secrets.token_bytes(32))
        desk.record(None, org.bob_id, Heads())
        return {}

    olga, dora = (Machine(tmp_path, name).open() for name in ("olga", "dora"))
    let_in(org.ada, olga, org.space, officer_role(org.ada, org.space), tmp_path)
    carry(olga, org.ada, org.space, tmp_path)
    dora_id = let_in(org.ada, dora, org.space, org.hand, tmp_path)
    carry(dora, org.ada, org.space, tmp_path)
    carry(org.ada, olga, org.space, tmp_path)
    org.bob.writer.do(Command(secrets.token_bytes(16), org.space, act))
    org.carry(org.bob, org.ada)
    org.ada.do("member.remove", org.space, {"member_id": dora_id, "reason": "conduct"})
    olga.do("member.remove", org.space, {"member_id": org.cleo_id, "reason": "conduct"})
    carry(olga, org.ada, org.space, tmp_path)
    with org.ada.shelf.lock:
        space = org.ada.shelf.space(org.space)
        assert space.waiting[1] == 1, "closed for want of a key"
        assert len(space.state(EPOCHS, org.founder).newest) == 1
    for node in (olga, dora):
        node.close()


def test_a_newcomers_request_does_not_make_their_machine_one_of_ones_own(org: Org, tmp_path: Path) -> None:
    newcomer = Machine(tmp_path, "dora").open()
    member = bytes.fromhex(org.ada.do("member.invite", org.space, {})["member"])
    request = Exchange(newcomer).request(Exchange(org.ada).invitation(org.space, member))
    with pytest.raises(RequestOfAnother):
        Exchange(org.ada).enrol(request)
    assert Exchange(org.ada).admit(request, org.hand)["member"] == member.hex()
    newcomer.close()


@pytest.mark.parametrize("under", ["nobody's key", "his own key"])
def test_an_epoch_under_a_key_that_others_have_not_or_lose_takes_nobodys_pen_away(org: Org, under: str) -> None:
    org.arm("member.remove")
    own = org.bob.vault.keys_of(org.space, org.bob_id)[0]
    key = secrets.token_bytes(32) if under == "nobody's key" else own

    def act(desk: Desk) -> dict[str, object]:
        if under == "nobody's key":
            desk._writing_key = lambda _: desk._secret(desk.state(EPOCHS, desk.organisation).writing)
        desk.record(EPOCHS, desk.organisation, EpochOpened(key))
        return {}

    org.bob.writer.do(Command(secrets.token_bytes(16), org.space, act))
    org.carry(org.bob, org.ada)
    assert org.ada.do("fleet.form", org.space, {"title": "Home"})
    with org.ada.shelf.lock:
        assert org.ada.shelf.space(org.space).state(EPOCHS, org.founder).writing != key
    org.ada.do("member.remove", org.space, {"member_id": org.bob_id, "reason": RemovalReason.CONDUCT})
    assert org.member(org.bob_id).standing is Standing.REMOVED
    org.carry(org.ada, org.cleo)
    assert org.cleo.do("member.change-profile", org.space, {"member_id": org.cleo_id, "handle": "Cleo"})


def test_a_device_that_nothing_can_be_sealed_to_is_refused_and_stops_no_export(org: Org, tmp_path: Path) -> None:
    tablet = Machine(tmp_path, "tablet").open()
    request = tablet.request(org.bob.invitation(org.space, org.bob_id))
    org.bob.take_request(request)
    asked = {"log": request.log, "device": request.device, "box": bytes(32)}
    with pytest.raises(DeviceUnreachable):
        org.bob.do("device.enrol", org.space, asked)

    def act(desk: Desk) -> dict[str, object]:
        desk.record(None, desk.me, Enrolled(**asked), (desk.space.first_entry(request.log),))
        return {}

    org.bob.writer.do(Command(secrets.token_bytes(16), org.space, act))
    org.carry(org.bob, org.ada)
    with org.ada.shelf.lock:
        assert (bytes(32), org.bob_id) in readers(org.ada.shelf.space(org.space))
    path = tmp_path / "whole.scm"
    org.ada.export_space(org.space, path)
    assert {box for box, _ in read_space(path).keys.readers} == {
        each.identity.box for each in (org.ada, org.bob, org.cleo)
    }
    tablet.close()


def gift(space: bytes, key: SpaceKey, box: bytes, *logs: LogCopy) -> SpaceFile:
    """A file of somebody who knows a space's id and its owner's box key: a key of his own, and logs anybody has."""
    once = PrivateKey.generate()
    sealed = seal_box(bytes(once.public_key), [key]), seal_secret(box, bytes(once))
    return SpaceFile(space, list(logs), KeysLine((sealed[0],), ((box, sealed[1]),)))


def test_nobody_puts_a_key_of_his_own_into_another_ones_space(org: Org, tmp_path: Path) -> None:
    own = org.ada.personal_space()
    held = org.ada.vault.keys_of(own, own[:16])
    key = min((SpaceKey(own, own[:16], secrets.token_bytes(32)) for _ in range(200)), key=lambda each: each.key_id)
    org.ada.export_space(own, tmp_path / "mirror.scm", with_keys=False)
    logs = read_space(tmp_path / "mirror.scm").logs
    org.ada.import_space(gift(own, key, org.ada.identity.box, *logs))
    assert org.ada.vault.keys_of(own, own[:16]) == held
    bare = tmp_path / "bare.scm"
    write_space(bare, own, [], gift(own, key, org.ada.identity.box).keys)
    with pytest.raises(SpaceFileDamaged, match="no log"):
        Exchange(org.ada).import_space(bare)


def test_a_key_that_seals_something_goes_before_one_that_lies_there_unused(org: Org) -> None:
    own = org.ada.personal_space()
    (key,) = org.ada.vault.keys_of(own, own[:16])
    smaller = next(each for each in iter(lambda: SpaceKey(own, own[:16], secrets.token_bytes(32)), None)
                   if each.key_id < key)  # fmt: skip
    org.ada.vault.put_all([smaller])
    org.ada.do("ship.add", own, {"model": "rsi-aurora-mr", "nickname": "Dart"})
    with org.ada.shelf.lock:
        assert smaller.key_id not in org.ada.shelf.space(own).named_keys()


def test_nobody_is_a_member_by_what_does_not_count(org: Org) -> None:
    """Words said for an owner lie under his key; one of whom only others said what is his to say is no owner."""
    org.arm("ship.manage")
    named_under_nobody(org, NamedFor(), ProfileChanged())


def test_words_lie_under_nobodys_subject_but_where_an_erasure_reaches_them(org: Org) -> None:
    """Not of a member that no member can be, and not of an organisation that is not this one."""
    org.arm("ship.manage", "member.represent")
    ship = bytes.fromhex(org.bob.do("ship.add", org.space, {"model": "AEGS_Gladius"})["ship"])
    prose, plain = prose_of(org.founder), msgspec.json.encode(Note("Cleo, Main Street 5"))
    other = Owner(OwnerKind.ORGANISATION, org.cleo_id)

    def act(desk: Desk) -> dict[str, object]:
        desk.record(MEMBERS, prose, Quoted(Noted(), ((prose, plain),)))
        desk.record(SHIPS, ship, Transferred(other, ()))
        words = msgspec.json.encode(Nickname("Cleo, Main Street 5"))
        desk.record(SHIPS, ship, Quoted(NamedFor(), ((other.subject, words),)))
        return {}

    org.bob.writer.do(Command(secrets.token_bytes(16), org.space, act))
    org.carry(org.bob, org.ada)
    note, nickname = org.member(prose).note, org.state(SHIPS, ship).nickname
    for entry, kind in ((note, Note), (nickname, Nickname)):
        assert entry
        assert org.words(entry, kind) is Absence.UNREADABLE
