"""Two machines and one organisation, carried by files."""

import itertools
import shutil
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest

from scmanager import founders_seat
from scmanager.adapters import recovery_sheet
from scmanager.adapters.folder_lock import FolderInUse
from scmanager.adapters.space_file import (
    SpaceFileDamaged,
    parse_hand_over,
    parse_request,
    parse_signed_hand_over,
)
from scmanager.application.desk import NotAllowed, NotAMember
from scmanager.application.erasure import Erasures
from scmanager.application.recovering import NewKeysUnsound, RecoveryKeysWrong, StatementOutdated
from scmanager.application.writer import Command, NodeStopping
from scmanager.domain.catalogue import MEMBERS, ORGANISATIONS
from scmanager.domain.hangar import ShipUnknown
from scmanager.domain.member import RemovalReason, Standing
from scmanager.domain.words import TitleUnusable
from scmanager.errors import Untrusted
from scmanager.runtime import NotForThisSpace, VerbUnknown
from tests.support.machines import Machine, carry, found, let_in, officer_role
from tests.support.space_files import parse_space, read_whole


@pytest.fixture
def ada(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "ada")


@pytest.fixture
def bob(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "bob")


def test_an_organisation_is_founded_and_is_there_after_a_restart(ada: Machine) -> None:
    with ada.open() as node:
        space = found(node, "Nova")
        assert (node.settings.data / f"recovery-{space[:6].hex()}.txt").exists()
    with ada.open() as node:
        assert node.doubt is None
        held = node.shelf.space(space)
        assert held.state(ORGANISATIONS, space[:16]).title == "Nova"
        assert held.state(MEMBERS, space[:16]).standing is Standing.JOINED
        assert len(node.store.heads()) == 1


def test_a_refused_command_leaves_no_trace(ada: Machine) -> None:
    with ada.open() as node:
        space = found(node)
        before = node.store.last_pos()
        with pytest.raises(TitleUnusable):
            node.do("organisation.rename", space, {"title": "x" * 121})
        assert node.store.last_pos() == before
        node.do("organisation.rename", space, {"title": "Nova Corps"})
        assert node.store.last_pos() == before + 1


def test_a_command_sent_twice_has_one_effect_and_one_answer(ada: Machine) -> None:
    with ada.open() as node:
        space = found(node)
        first = node.do("member.record", space, {"handle": "grace"}, b"c" * 16)
        assert node.do("member.record", space, {"handle": "grace"}, b"c" * 16) == first
    with ada.open() as node:
        assert node.do("member.record", space, {"handle": "grace"}, b"c" * 16) == first
        assert len(list(node.shelf.space(space).things(MEMBERS))) == 2


def test_founding_sent_twice_founds_once(ada: Machine) -> None:
    with ada.open() as node:
        first = node.found_organisation("Nova", "", "ada", command_id=b"f" * 16)
        assert node.found_organisation("Nova", "", "ada", command_id=b"f" * 16) == first
        assert len(node.shelf.spaces()) == 1


def test_sixty_four_commands_at_once_share_few_commits(ada: Machine) -> None:
    with ada.open() as node:
        space = found(node)
        before, gate = node.writer.commits, threading.Event()

        def wait_first(desk: object) -> dict[str, str]:
            gate.wait(10)
            return {}

        held = node.writer.submit(Command(b"w" * 16, space, wait_first))
        waiting = [node.writer.submit(Command(bytes([n]) * 16, space, lambda desk: _record(desk))) for n in range(64)]
        gate.set()
        held.result(10)
        assert len({each.result(10)["member"] for each in waiting}) == 64
        assert node.writer.commits - before <= 4


def test_sixty_four_commands_on_one_entity_build_on_each_other(ada: Machine) -> None:
    with ada.open() as node:
        space = found(node)
        before, gate = node.writer.commits, threading.Barrier(64)

        def rename(number: int) -> None:
            gate.wait(10)
            node.do("organisation.rename", space, {"title": f"Nova {number}"}, bytes([number]) * 16)

        with ThreadPoolExecutor(64) as threads:
            list(threads.map(rename, range(64)))
        held = node.shelf.space(space)
        thing = held.thing(ORGANISATIONS, space[:16])
        assert thing is not None
        named = [envelope for envelope, _ in thing.events()][1:]
        assert len({envelope.command for envelope in named}) == 64
        assert all(later.saw == (earlier.entry,) for earlier, later in itertools.pairwise(named))
        assert node.writer.commits - before < 64


def _record(desk: object) -> dict[str, str]:
    from scmanager.application import members

    return members.record(desk, handle="somebody")  # type: ignore[arg-type]


def test_a_copied_folder_goes_on_in_a_log_of_its_own(ada: Machine, tmp_path: Path) -> None:
    with ada.open() as node:
        space = found(node)
    copy = tmp_path / "copy"
    shutil.copytree(ada.settings.data, copy)
    with ada.open(copy) as node:
        assert node.doubt is not None
        node.do("organisation.rename", space, {"title": "From the copy"})
        assert len(node.store.heads(space)) == 2
        carry_file = tmp_path / "copy.scm"
        node.export_space(space, carry_file)
    with ada.open(copy) as node:
        assert node.doubt is None
        assert len(node.store.heads(space)) == 2
    with ada.open() as node:
        assert node.doubt is None
        node.do("member.record", space, {"handle": "grace"})
        node.import_space(read_whole(carry_file))
        heads = node.store.heads(space)
        assert [head.branch for head in heads] == [0, 0]  # Nobody forked.
        held = node.shelf.space(space)
        assert all(verdict.valid for verdict in held.verdicts.entries.values())
        assert held.state(ORGANISATIONS, space[:16]).title == "From the copy"


def test_a_folder_put_back_from_an_older_copy_never_signs_on_its_old_log(ada: Machine, tmp_path: Path) -> None:
    with ada.open() as node:
        space = found(node)
    shutil.copytree(ada.settings.data, tmp_path / "backup")
    with ada.open() as node:
        node.do("organisation.rename", space, {"title": "Later"})
        node.export_space(space, tmp_path / "later.scm")
    shutil.rmtree(ada.settings.data)
    shutil.copytree(tmp_path / "backup", ada.settings.data)
    with ada.open() as node:
        assert node.doubt is not None
        node.do("member.record", space, {"handle": "grace"})
        node.import_space(read_whole(tmp_path / "later.scm"))
        assert {head.branch for head in node.store.heads(space)} == {0}
        assert node.shelf.space(space).state(ORGANISATIONS, space[:16]).title == "Later"


def test_two_nodes_on_one_folder_is_refused(ada: Machine) -> None:
    with ada.open(), pytest.raises(FolderInUse):
        ada.open()


def test_a_member_joins_by_files_and_both_machines_see_the_same(ada: Machine, bob: Machine, tmp_path: Path) -> None:
    with ada.open() as host, bob.open() as guest:
        space = found(host)
        member = let_in(host, guest, space, officer_role(host, space), tmp_path)
        assert carry(guest, host, space, tmp_path).entries >= 1
        here, there = host.shelf.space(space), guest.shelf.space(space)
        assert here.state(MEMBERS, member).standing is Standing.JOINED
        assert dict(here.things(MEMBERS)) == dict(there.things(MEMBERS))
        assert there.waiting == (0, 0)
        assert guest.do("member.record", space, {"handle": "grace"})["member"]
        with pytest.raises(NotAllowed):
            guest.do("organisation.rename", space, {"title": "Mine now"})


def test_a_removed_member_grows_his_log_in_vain(ada: Machine, bob: Machine, tmp_path: Path) -> None:
    with ada.open() as host, bob.open() as guest:
        space = found(host)
        member = let_in(host, guest, space, officer_role(host, space), tmp_path)
        guest.do("member.record", space, {"handle": "before"})
        carry(guest, host, space, tmp_path)
        host.do("member.remove", space, {"member_id": member, "reason": RemovalReason.CONDUCT})
        guest.do("member.record", space, {"handle": "after"})
        carry(guest, host, space, tmp_path)
        held = host.shelf.space(space)
        void = [verdict.reason for verdict in held.verdicts.entries.values() if not verdict.valid]
        assert [str(reason) for reason in void] == ["cut-by-removal"]
        assert held.state(MEMBERS, member).standing is Standing.REMOVED
        assert len(list(held.things(MEMBERS))) == 3  # Ada, the guest, and whom he recorded before.
        carry(host, guest, space, tmp_path)
        with pytest.raises(NotAMember):
            guest.do("member.record", space, {"handle": "later"})


def test_a_removed_member_gets_no_keys_any_more(ada: Machine, bob: Machine, tmp_path: Path) -> None:
    with ada.open() as host, bob.open() as guest:
        space = found(host)
        member = let_in(host, guest, space, officer_role(host, space), tmp_path)
        host.do("member.remove", space, {"member_id": member, "reason": RemovalReason.REQUESTED})
        host.do("organisation.rename", space, {"title": "Without him"})
        carry(host, guest, space, tmp_path)
        closed = guest.shelf.space(space)
        assert closed.waiting[1] == 2  # The new epoch and the renaming are sealed under its key.
        assert closed.state(ORGANISATIONS, space[:16]).title == "Nova"


def test_an_import_before_the_grant_gives_no_seat_but_does_no_harm(
    ada: Machine, bob: Machine, tmp_path: Path
) -> None:
    with ada.open() as host, bob.open() as guest:
        space = found(host)
        carry(host, guest, space, tmp_path)
        assert guest.shelf.space(space).waiting[1] > 0
        with pytest.raises(NotAMember):
            guest.do("member.record", space, {"handle": "x"})


def test_a_second_machine_of_one_member_is_enrolled(ada: Machine, bob: Machine, tmp_path: Path) -> None:
    with ada.open() as first, bob.open() as second:
        space = found(first)
        request = second.request(first.invitation(space, space[:16]))
        first.take_request(request)
        arguments = {"log": request.log, "device": request.device, "box": request.box}
        first.do("device.enrol", space, arguments)
        carry(first, second, space, tmp_path)
        second.do("organisation.rename", space, {"title": "From the second"})
        carry(second, first, space, tmp_path)
        assert first.shelf.space(space).state(ORGANISATIONS, space[:16]).title == "From the second"
        first.do("device.cut", space, {"device": request.device})
        second.do("organisation.rename", space, {"title": "From a lost machine"})
        carry(second, first, space, tmp_path)
        assert first.shelf.space(space).state(ORGANISATIONS, space[:16]).title == "From the second"


def test_a_changed_space_file_is_refused_and_nothing_is_stored(ada: Machine, bob: Machine, tmp_path: Path) -> None:
    with ada.open() as host, bob.open() as guest:
        space = found(host)
        host.export_space(space, tmp_path / "x.scm")
        data = (tmp_path / "x.scm").read_bytes()
        for place in range(0, len(data), 37):
            changed = data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :]
            try:
                guest.import_space(parse_space(changed))
            except Untrusted:
                assert guest.store.last_pos() == 0
                continue
            # A flip in the key box or its readers harms no entry; nothing else may pass.
            assert place > data.rindex(b'{"boxes"')
            break


def test_a_request_that_its_device_did_not_sign_or_that_nothing_can_be_sealed_to_is_refused(
    ada: Machine, bob: Machine
) -> None:
    with ada.open() as host, bob.open() as guest:
        space = found(host)
        request = guest.request(host.invitation(space, bytes(16)))
        forged = msgspec.structs.replace(request, box=bytes(32))
        with pytest.raises(SpaceFileDamaged):
            parse_request(msgspec.json.encode(forged))
        signed = msgspec.structs.replace(forged, signature=guest.identity.sign_message(forged.message))
        with pytest.raises(SpaceFileDamaged, match="sealed to its box key"):
            parse_request(msgspec.json.encode(signed))
        assert parse_request(msgspec.json.encode(request)) == request


def test_erasing_waits_seven_days_unless_one_erases_oneself_at_once(ada: Machine) -> None:
    with ada.open() as node:
        space = found(node)
        other = bytes.fromhex(node.do("member.record", space, {"handle": "grace"})["member"])
        erasures = Erasures(node.store, node.shelf, node.vault, {}, lambda: ada.clock() // 1_000_000)
        node.do("member.erase", space, {"member_id": other})
        assert erasures.run() == 0
        assert [each.subject for each in erasures.pending()] == [other]
        assert ada.clock.daily(erasures.run, 7) == [0, 0, 0, 0, 0, 0, 1]
        assert erasures.pending() == []
        assert node.vault.keys_of(space, other) == ()
        node.do("member.erase", space, {"member_id": space[:16], "ground": "at-once"})
        assert erasures.run() == 1
        assert erasures.run() == 0
        assert node.store.parts(range(1, node.store.last_pos() + 1)) == {}


def test_a_clock_far_ahead_is_noticed_and_harms_nobody(ada: Machine) -> None:
    ada.clock.ahead_s = 400 * 24 * 3600
    with ada.open() as node:
        space = found(node, "Far ahead")
    ada.clock.ahead_s = 0
    with ada.open() as node:
        assert node.shelf.space(space).waiting[0] > 0


def test_nobody_s_hangar_lands_in_the_space_of_somebody_who_let_him_in(
    ada: Machine, bob: Machine, tmp_path: Path
) -> None:
    with ada.open() as host, bob.open() as guest:
        theirs = host.personal_space()
        told = msgspec.structs.replace(host.invitation(theirs, theirs[:16]), kind="org")
        request = guest.request(told)
        host.take_request(request)
        given = {"log": request.log, "device": request.device, "box": request.box}
        host.do("device.enrol", theirs, given)
        carry(host, guest, theirs, tmp_path)
        assert guest.shelf.space(theirs).kind == "personal"
        assert guest.personal_space() != theirs
        ship = bytes.fromhex(host.do("ship.add", theirs, {"model": "RSI_Aurora_MR"})["ship"])
        carry(host, guest, theirs, tmp_path)
        org = found(guest)
        assert guest.do("hangar.share", org, {})["ships"] == []
        with pytest.raises(ShipUnknown):
            guest.do("ship.share", org, {"ship_id": ship})


def test_unknown_verbs_and_wrong_spaces_are_refused(ada: Machine) -> None:
    with ada.open() as node:
        space = found(node)
        with pytest.raises(VerbUnknown):
            node.do("organisation.explode", space, {})
        with pytest.raises(NotForThisSpace):
            node.do("organisation.rename", node.personal_space(), {"title": "x"})
    with pytest.raises(NodeStopping):
        node.do("organisation.rename", space, {"title": "x"})


def seeds_on(machine: Machine) -> tuple[bytes, ...]:
    """What the newest recovery sheet in the folder holds."""
    sheets = sorted(machine.settings.data.glob("recovery-*.txt"), key=lambda path: path.stat().st_mtime_ns)
    return recovery_sheet.parse(sheets[-1].read_text())


def test_a_lost_founder_s_machine_is_recovered_with_the_sheet(ada: Machine, bob: Machine, tmp_path: Path) -> None:
    with ada.open() as old, bob.open() as new:
        space = found(old)
        old.export_space(space, tmp_path / "kept.scm")
        new.import_space(read_whole(tmp_path / "kept.scm"))
        seeds = seeds_on(ada)
        answer = founders_seat.sign(new, founders_seat.offer(new, space), seeds)
        founders_seat.take(new, answer)
        assert new.shelf.space(space).waiting[1] > 0  # Recovery gives the seat back, members give the keys back.
        old.do("organisation.rename", space, {"title": "By the thief"})
        carry(new, old, space, tmp_path)
        assert old.shelf.space(space).state(ORGANISATIONS, space[:16]).title == "Nova"
        with pytest.raises(NotAMember):
            old.do("organisation.rename", space, {"title": "Again"})
        carry(old, new, space, tmp_path)
        new.do("organisation.rename", space, {"title": "Recovered"})
        assert new.shelf.space(space).state(ORGANISATIONS, space[:16]).title == "Recovered"
        with pytest.raises(RecoveryKeysWrong):
            founders_seat.sign(new, founders_seat.offer(new, space), seeds)  # The old sheet ended with its use.


def test_an_organisation_is_handed_over_to_a_member(ada: Machine, bob: Machine, tmp_path: Path) -> None:
    with ada.open() as founder, bob.open() as successor:
        space = found(founder)
        let_in(founder, successor, space, officer_role(founder, space), tmp_path)
        offer = parse_hand_over(msgspec.json.encode(founders_seat.offer(successor, space)))
        answer = parse_signed_hand_over(msgspec.json.encode(founders_seat.sign(founder, offer, seeds_on(ada))))
        with pytest.raises(founders_seat.HandOverNotOurs):
            founders_seat.take(founder, answer)
        founders_seat.take(successor, answer)
        successor.do("organisation.rename", space, {"title": "Handed over"})
        again = founders_seat.take(successor, answer)  # Harmless, and no second log.
        assert again == founders_seat.take(successor, answer)
        assert len(successor.store.heads(space)) == 3
        carry(successor, founder, space, tmp_path)
        with pytest.raises(NotAMember):
            founder.do("organisation.rename", space, {"title": "Mine again"})
        # Who holds no seat any more reads what he could read, and nothing that is written from now on.
        assert founder.shelf.space(space).state(ORGANISATIONS, space[:16]).title == "Nova"
        assert founder.shelf.space(space).waiting[1] > 0
        assert successor.shelf.space(space).state(ORGANISATIONS, space[:16]).title == "Handed over"


def test_of_two_signed_offers_the_second_cannot_be_taken_any_more(ada: Machine, bob: Machine, tmp_path: Path) -> None:
    with ada.open() as founder, bob.open() as successor:
        space = found(founder)
        let_in(founder, successor, space, officer_role(founder, space), tmp_path)
        seeds = seeds_on(ada)
        here = founders_seat.sign(founder, founders_seat.offer(founder, space), seeds)
        there = founders_seat.sign(founder, founders_seat.offer(successor, space), seeds)
        founders_seat.take(founder, here)
        carry(founder, successor, space, tmp_path)
        with pytest.raises((RecoveryKeysWrong, StatementOutdated)):
            founders_seat.take(successor, there)
        founder.do("organisation.rename", space, {"title": "Undisputed"})
        assert founder.shelf.space(space).verdicts.disputed == ()


def test_who_takes_over_needs_as_many_new_keys_as_there_were(ada: Machine) -> None:
    with ada.open() as founder:
        space = bytes.fromhex(founder.found_organisation("Nova", "", "ada", recovery_keys=3)["space"])
        offer = founders_seat.offer(founder, space)
        assert (len(offer.recovery_keys), offer.needed) == (3, 2)
        fewer = founders_seat.offer(founder, space, 1)
        assert (len(fewer.recovery_keys), fewer.needed) == (1, 1)


def test_new_recovery_keys_that_a_minority_could_use_are_not_signed(ada: Machine) -> None:
    with ada.open() as founder:
        space = found(founder)
        offer = founders_seat.offer(founder, space, 3)
        with pytest.raises(NewKeysUnsound):
            founders_seat.sign(founder, msgspec.structs.replace(offer, needed=1), seeds_on(ada))
