"""Who may do what, through real commands: what is answered with a success counts, and nobody's work is lost."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scmanager.adapters.key_box import SpaceKey, seal_box, seal_secret
from scmanager.adapters.seen_file import SeenFile
from scmanager.adapters.space_file import KeysLine, open_keys
from scmanager.application.desk import Desk, WouldNotCount
from scmanager.application.erasure import Erasures
from scmanager.application.exchange import FoundingMissing
from scmanager.application.members import DeviceNotYounger, RemovedFromAbove
from scmanager.application.writer import Command
from scmanager.domain.catalogue import MEMBERS
from scmanager.domain.epoch import EPOCHS
from scmanager.domain.governance import AT_ONCE, Enrolled, Erased
from scmanager.domain.member import RankTooHigh, RemovalReason, Standing
from scmanager.domain.records import Reason
from scmanager.eventstore import entry
from scmanager.eventstore.log_copy import LogCopy
from scmanager.eventstore.own_log import OwnLog
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.verification import SignedNote
from scmanager.runtime import Node
from scmanager.spaces.readers import box_keys
from tests.support.machines import Machine, carry, found, let_in, officer_role
from tests.support.space_files import read_whole


class Org:
    """Ada founds, Ann and Bob come in; `meet` carries everything everywhere."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ada, self.ann, self.bob = (Machine(folder, name).open() for name in ("ada", "ann", "bob"))
        self.space = found(self.ada)
        self.officer = officer_role(self.ada, self.space)
        self.lower = self.role(3, ("member.invite", "member.represent"))

    def role(self, rank: int, rights: tuple[str, ...]) -> bytes:
        return bytes.fromhex(
            self.ada.do("role.define", self.space, {"title": f"Rank {rank}", "rank": rank, "rights": rights})["role"]
        )

    def meet(self, *nodes: Node) -> None:
        for source in nodes:
            for target in nodes:
                if source is not target:
                    carry(source, target, self.space, self.folder)

    def voids(self, node: Node) -> list[Reason | None]:
        return [v.reason for v in node.shelf.space(self.space).verdicts.entries.values() if not v.valid]

    def sees(self, node: Node) -> int:
        return len(list(node.shelf.space(self.space).things(MEMBERS)))


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    made = Org(tmp_path)
    yield made
    for node in (made.ada, made.ann, made.bob):
        node.close()


def removal(member: bytes) -> dict[str, object]:
    return {"member_id": member, "reason": RemovalReason.CONDUCT}


def test_a_grant_from_further_up_keeps_the_work_done_by_a_lower_one(org: Org) -> None:
    let_in(org.ada, org.ann, org.space, org.officer, org.folder)
    bob = let_in(org.ann, org.bob, org.space, org.lower, org.folder)
    org.bob.do("member.record", org.space, {"handle": "grace"})
    org.meet(org.bob, org.ann, org.ada)
    org.ada.do("member.set-role", org.space, {"member_id": bob, "role_id": org.officer})
    assert org.voids(org.ada) == []
    org.meet(org.ada, org.bob)
    org.bob.do("member.invite", org.space, {})
    carry(org.bob, org.ada, org.space, org.folder)
    assert org.voids(org.ada) == []


def test_who_was_removed_and_is_admitted_again_can_act(org: Org) -> None:
    bob = let_in(org.ada, org.bob, org.space, org.officer, org.folder)
    carry(org.bob, org.ada, org.space, org.folder)
    org.ada.do("member.remove", org.space, removal(bob))
    carry(org.ada, org.bob, org.space, org.folder)
    org.ada.do("member.invite", org.space, {"member_id": bob})
    request = org.bob.request(org.ada.invitation(org.space, bob))
    org.ada.take_request(request)
    again = {"member_id": bob, "role_id": org.officer, "log": request.log, "device": request.device}
    org.ada.do("member.grant", org.space, again | {"box": request.box})
    carry(org.ada, org.bob, org.space, org.folder)
    org.bob.do("member.join", org.space, {})
    org.bob.do("member.record", org.space, {"handle": "grace"})
    carry(org.bob, org.ada, org.space, org.folder)
    assert org.voids(org.ada) == []
    assert org.ada.shelf.space(org.space).state(MEMBERS, bob).standing is Standing.JOINED
    org.ada.do("member.set-role", org.space, {"member_id": bob, "role_id": org.lower})
    carry(org.ada, org.bob, org.space, org.folder)
    org.bob.do("member.record", org.space, {"handle": "alan"})


def test_an_officer_cannot_let_in_again_whom_the_founder_removed(org: Org) -> None:
    let_in(org.ada, org.ann, org.space, org.officer, org.folder)
    bob = let_in(org.ada, org.bob, org.space, org.lower, org.folder)
    org.meet(org.ada, org.bob)
    org.ada.do("member.remove", org.space, removal(bob))
    org.ada.do("member.invite", org.space, {"member_id": bob})
    carry(org.ada, org.ann, org.space, org.folder)
    request = org.bob.request(org.ann.invitation(org.space, bob))
    org.ann.take_request(request)
    again = {"member_id": bob, "role_id": org.lower, "log": request.log, "device": request.device, "box": request.box}
    with pytest.raises(RemovedFromAbove):
        org.ann.do("member.grant", org.space, again)


def test_an_officer_does_not_remove_or_regrade_an_equal_who_never_spoke(org: Org) -> None:
    let_in(org.ada, org.ann, org.space, org.officer, org.folder)
    bob = bytes.fromhex(org.ada.do("member.invite", org.space, {})["member"])
    request = org.bob.request(org.ada.invitation(org.space, bob))
    org.ada.take_request(request)
    arguments = {"member_id": bob, "role_id": org.officer, "log": request.log, "device": request.device}
    org.ada.do("member.grant", org.space, arguments | {"box": request.box})
    carry(org.ada, org.ann, org.space, org.folder)
    before = org.ann.store.last_pos()
    with pytest.raises(RankTooHigh):
        org.ann.do("member.remove", org.space, removal(bob))
    with pytest.raises(RankTooHigh):
        org.ann.do("member.set-role", org.space, {"member_id": bob, "role_id": org.lower})
    assert org.ann.store.last_pos() == before


def test_what_the_rules_would_void_is_refused_and_not_written(org: Org) -> None:
    ann = let_in(org.ada, org.ann, org.space, org.officer, org.folder)
    first = org.role(1, ())
    fleet = org.role(3, ("organisation.describe",))
    carry(org.ada, org.ann, org.space, org.folder)
    bob = bytes.fromhex(org.ann.do("member.invite", org.space, {})["member"])
    request = org.bob.request(org.ann.invitation(org.space, bob))
    org.ann.take_request(request)
    place = {"member_id": bob, "log": request.log, "device": request.device, "box": request.box}
    before = org.ann.store.last_pos()
    for role, why in ((first, Reason.RANK), (org.officer, Reason.RANK), (fleet, Reason.RIGHTS)):
        with pytest.raises(WouldNotCount) as refused:
            org.ann.do("member.grant", org.space, place | {"role_id": role})
        assert refused.value.facts["reason"] == str(why)
    with pytest.raises(WouldNotCount):
        org.ann.do("member.grant", org.space, place | {"role_id": org.lower, "member_id": org.space[:16]})
    with pytest.raises(WouldNotCount):  # Ada's words are not an officer's to erase.
        org.ann.do("member.erase", org.space, {"member_id": org.space[:16]})
    assert org.ann.store.last_pos() == before
    assert ann != bob


def test_a_younger_device_does_not_disown_an_older_one(org: Org) -> None:
    request = org.bob.request(org.ada.invitation(org.space, org.space[:16]))
    org.ada.take_request(request)
    org.ada.do("device.enrol", org.space, {"log": request.log, "device": request.device, "box": request.box})
    carry(org.ada, org.bob, org.space, org.folder)
    for device in (org.ada.identity.device, org.bob.identity.device):
        with pytest.raises(DeviceNotYounger):
            org.bob.do("device.cut", org.space, {"device": device})


def test_a_disowned_device_gets_no_keys_and_writes_nothing_in_vain(org: Org) -> None:
    request = org.bob.request(org.ada.invitation(org.space, org.space[:16]))
    org.ada.take_request(request)
    org.ada.do("device.enrol", org.space, {"log": request.log, "device": request.device, "box": request.box})
    carry(org.ada, org.bob, org.space, org.folder)
    held = org.ada.shelf.space(org.space)
    assert request.box in box_keys(held)
    org.ada.do("device.cut", org.space, {"device": request.device})
    assert box_keys(held) == {org.ada.identity.box}


def test_an_enrolment_of_somebody_else_s_log_brings_no_box_in(org: Org) -> None:
    """Else a removed member would read on, by a box that he once tied to the founder's own log."""
    bob = let_in(org.ada, org.bob, org.space, org.officer, org.folder)
    first = org.bob.shelf.space(org.space).first_entry(org.space)

    def borrow(desk):  # type: ignore[no-untyped-def]
        desk.record(None, desk.me, Enrolled(org.space, b"d" * 32, b"b" * 32), (first,))
        return {}

    org.bob.writer.do(Command(b"b" * 16, org.space, borrow))
    carry(org.bob, org.ada, org.space, org.folder)
    org.ada.do("member.remove", org.space, removal(bob))
    assert box_keys(org.ada.shelf.space(org.space)) == {org.ada.identity.box}


def test_an_erasure_cannot_name_the_keys_of_others_or_of_the_space(org: Org) -> None:
    bob = let_in(org.ada, org.bob, org.space, org.lower, org.folder)
    vault = org.ada.vault
    every = vault.keys_of(org.space, None)

    def destroy(desk):  # type: ignore[no-untyped-def]
        desk.record(None, bob, Erased(bob, every, AT_ONCE))
        return {}

    org.bob.writer.do(Command(b"e" * 16, org.space, destroy))
    carry(org.bob, org.ada, org.space, org.folder)
    held = org.ada.shelf.space(org.space)
    kept = {key for key in every if vault.subjects(org.space).get(key) != bob}
    assert kept
    assert not kept & held.erased_keys()
    Erasures(org.ada.store, org.ada.shelf, vault, {}, lambda: 0).run()
    assert kept <= set(vault.keys_of(org.space, None))


def test_a_space_file_plants_no_key_that_nothing_here_is_sealed_under(org: Org) -> None:
    org.ada.export_space(org.space, org.folder / "x.scm", with_keys=False)
    honest = read_whole(org.folder / "x.scm")
    from nacl.public import PrivateKey

    ours = PrivateKey.generate()
    planted = SpaceKey(org.space, org.space[:16], b"k" * 32)
    box = seal_box(bytes(ours.public_key), [planted])
    line = KeysLine((box,), ((org.ada.identity.box, seal_secret(org.ada.identity.box, bytes(ours))),))
    org.ada.import_space(type(honest)(honest.space, honest.logs, line))
    assert org.ada.vault.get(planted.key_id) is None


def test_erasures_of_keys_that_never_were_cost_a_look_and_not_one_for_each(
    org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    bob = let_in(org.ada, org.bob, org.space, org.lower, org.folder)

    def destroy(desk: Desk) -> dict[str, str]:
        for letter in b"abcdefgh":
            named = tuple(bytes([letter, number]) * 16 for number in range(200))
            desk.record(None, bob, Erased(bob, named, AT_ONCE))
        return {}

    org.bob.writer.do(Command(b"e" * 16, org.space, destroy))
    carry(org.bob, org.ada, org.space, org.folder)
    looks = []
    for name in ("subjects", "is_erased", "get"):
        ask = getattr(org.ada.vault, name)
        monkeypatch.setattr(org.ada.vault, name, lambda *given, ask=ask: looks.append(given) or ask(*given))
    org.ada.do("member.record", org.space, {"handle": "grace"})
    kept = SeenFile(org.folder, lambda: 0)
    writes = []
    monkeypatch.setattr(kept, "_write", lambda seen, write=kept._write: writes.append(len(seen)) or write(seen))
    erasures = Erasures(org.ada.store, org.ada.shelf, org.ada.vault, kept, lambda: 0)
    erasures.run()
    erasures.run()
    assert writes == [], "what goes at once waits for nothing"
    assert len(looks) < 20


def test_keys_handed_on_as_one_s_own_are_no_keys_of_the_space(org: Org) -> None:
    """Else who first gives a newcomer the file could erase himself, and the space's keys there with him."""
    from nacl.public import PrivateKey

    bob = let_in(org.ada, org.bob, org.space, org.lower, org.folder)
    org.bob.export_space(org.space, org.folder / "x.scm")
    honest = read_whole(org.folder / "x.scm")
    assert honest.keys is not None
    known = open_keys(honest.keys, org.bob.identity.box, org.bob.identity.box_secret)
    assert known
    ours, reader = PrivateKey.generate(), org.ann.identity
    for keys in ([SpaceKey(org.space, bob, key.secret) for key in known], known):
        box = seal_box(bytes(ours.public_key), keys)
        line = KeysLine((box,), ((reader.box, seal_secret(reader.box, bytes(ours))),))
        org.ann.import_space(type(honest)(honest.space, honest.logs, line))
        assert all(org.ann.vault.subjects(org.space).get(key.key_id, key.subject) == key.subject for key in known)
    assert set(org.ann.vault.keys_of(org.space, None)) == {key.key_id for key in known}


def test_a_part_that_was_erased_here_does_not_come_back_with_an_older_file(org: Org) -> None:
    bob = let_in(org.ada, org.bob, org.space, org.lower, org.folder)
    org.bob.do("member.change-profile", org.space, {"member_id": bob, "handle": "bobby"})
    org.bob.export_space(org.space, org.folder / "old.scm")
    carry(org.ada, org.ann, org.space, org.folder)
    keys = org.bob.vault.keys_of(org.space, bob)
    org.ann.vault.erase(keys)
    org.ann.import_space(read_whole(org.folder / "old.scm"))
    head = next(head for head in org.ann.store.heads(org.space) if head.log != org.space)
    rows = org.ann.store.read(head.log, 0, 0, 99)
    assert org.ann.store.parts(row.pos for row in rows) == {}


def test_after_a_removal_no_words_are_sealed_under_keys_that_the_removed_member_has(org: Org) -> None:
    bob = let_in(org.ada, org.bob, org.space, org.officer, org.folder)
    grace = bytes.fromhex(org.ada.do("member.record", org.space, {"handle": "grace"})["member"])
    org.meet(org.ada, org.bob)
    known = set(org.bob.vault.keys_of(org.space, None))
    org.ada.do("member.note", org.space, {"member_id": grace, "text": "one"})
    assert set(org.ada.vault.keys_of(org.space, None)) == known
    org.ada.do("member.remove", org.space, removal(bob))
    before = org.ada.store.last_pos()
    org.ada.do("member.note", org.space, {"member_id": grace, "text": "two"})
    org.ada.do("member.note", org.space, {"member_id": grace, "text": "three"})
    new = [entry.parse(row.data) for row in org.ada.store.tail(before, 9)]
    used = {part.key for one in new for part in one.parts}
    assert len(used) == 2  # The new epoch's, and one for her.
    assert not used & known


def test_two_keys_opened_at_once_are_followed_by_one_that_both_removals_know(org: Org) -> None:
    """Who was removed by one of two officers may have been given the other's key, and it may be the smaller one."""
    let_in(org.ada, org.ann, org.space, org.officer, org.folder)
    carry(org.ann, org.ada, org.space, org.folder)
    for node in (org.ada, org.ann):
        node.writer.do(Command(b"k" * 16, org.space, open_epoch))
    carry(org.ada, org.ann, org.space, org.folder)
    assert len(org.ann.shelf.space(org.space).state(EPOCHS, org.space[:16]).newest) == 2
    org.meet(org.ann, org.ada)
    for node in (org.ada, org.ann):
        assert len(node.shelf.space(org.space).state(EPOCHS, org.space[:16]).newest) == 1


def open_epoch(desk):  # type: ignore[no-untyped-def]
    desk.open_epoch()
    return {}


def test_logs_that_nothing_speaks_of_are_left_outside(org: Org) -> None:
    """Anybody can sign logs for a space whose id he knows; stored once, every export would hand them on for ever."""
    org.ada.export_space(org.space, org.folder / "x.scm", with_keys=False)
    honest = read_whole(org.folder / "x.scm")
    strangers = []
    for _ in range(3):
        key = SigningKey.generate()
        genesis = entry.Genesis((), (), org.space, "org", "ed25519", key.public, bytes(32))
        batch = OwnLog.found(genesis, key, 1).commit()
        note = SignedNote(1, batch.root, batch.signature)
        strangers.append(LogCopy([batch.sealed[0].entry.data], [{}], note))
    for logs in ((*honest.logs, *strangers), tuple(strangers)):
        assert org.ada.import_space(type(honest)(org.space, logs, None)).entries == 0
    assert len(org.ada.store.heads(org.space)) == 1
    assert org.ann.import_space(type(honest)(org.space, (*strangers, *honest.logs), None)).logs == 1


def test_logs_without_the_one_that_founded_their_space_are_refused(org: Org) -> None:
    request = org.bob.request(org.ada.invitation(org.space, b"m" * 16))
    org.bob.export_space(org.space, org.folder / "rootless.scm")
    with pytest.raises(FoundingMissing):
        org.ann.import_space(read_whole(org.folder / "rootless.scm"))
    with pytest.raises(FoundingMissing):
        org.ann.take_request(request)
    assert org.ann.shelf.spaces() == []


def test_a_member_s_further_devices_keep_their_seat_when_the_role_changes(org: Org) -> None:
    """Ann's machine is Bob's phone here."""
    bob = let_in(org.ada, org.bob, org.space, org.lower, org.folder)
    request = org.ann.request(org.bob.invitation(org.space, bob))
    org.bob.take_request(request)
    org.bob.do("device.enrol", org.space, {"log": request.log, "device": request.device, "box": request.box})
    org.meet(org.bob, org.ann, org.ada)
    org.ada.do("member.set-role", org.space, {"member_id": bob, "role_id": org.officer})
    carry(org.ada, org.bob, org.space, org.folder)
    carry(org.bob, org.ann, org.space, org.folder)
    org.ann.do("member.invite", org.space, {})
    carry(org.ann, org.ada, org.space, org.folder)
    assert org.voids(org.ada) == []
    org.bob.do("device.cut", org.space, {"device": request.device})
    carry(org.bob, org.ada, org.space, org.folder)
    org.ada.do("member.set-role", org.space, {"member_id": bob, "role_id": org.lower})
    carry(org.ada, org.bob, org.space, org.folder)
    assert request.box not in box_keys(org.bob.shelf.space(org.space))
