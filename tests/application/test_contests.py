"""Contests: what two devices set at once is listed, settled by one verb, and stays readable afterwards."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scmanager.application import contests
from scmanager.application.desk import NotAllowed
from scmanager.application.writer import Command
from scmanager.domain import hangar
from scmanager.domain.catalogue import CONTACTS, FLEETS, MEMBERS, OPERATIONS, ORGANISATIONS, SHIPS, SQUADRONS
from scmanager.domain.clash import Contest
from scmanager.domain.contact import ContactNote
from scmanager.domain.diplomacy import Stance
from scmanager.domain.fold import Fold
from scmanager.domain.operation_events import Cancellation, CancelReason, Objective
from scmanager.domain.operation_parts import Stage
from scmanager.domain.organisation import Description
from scmanager.domain.ship_events import Details, Nickname
from scmanager.errors import Refused
from tests.support.machines import Machine, carry, let_in
from tests.support.node import Seat
from tests.support.two_devices import TwoDevices, two_devices

START_S = 4_000_000_000


@pytest.fixture
def both(tmp_path: Path) -> Iterator[TwoDevices]:
    with two_devices(tmp_path) as made:
        yield made


@pytest.fixture
def flying(both: TwoDevices) -> bytes:
    made = both.desk.made("fleet", "fleet.form", title="First")
    both.tell_phone()
    return made


@pytest.fixture
def jumptown(both: TwoDevices) -> bytes:
    made = both.desk.made("operation", "operation.plan", title="Jump", starts_s=START_S, ends_s=START_S + 3600)
    both.tell_phone()
    return made


def contest(both: TwoDevices, fold: Fold, entity: bytes) -> Contest:
    (found,) = both.contests(fold, entity)
    return found


def refused(error: type[Refused], seat: Seat, **arguments: Any) -> None:
    before = seat.pos()
    with pytest.raises(error):
        seat.do("settle", **arguments)
    assert seat.pos() == before, "a refused command leaves no trace"


def test_a_name_given_at_once_is_settled_by_choosing_and_the_other_stays_readable(
    both: TwoDevices, flying: bytes
) -> None:
    rename = "fleet.rename"
    both.at_once((rename, {"fleet_id": flying, "title": "North"}), (rename, {"fleet_id": flying, "title": "South"}))
    found = contest(both, FLEETS, flying)
    assert (found.field, [each.value for each in found.rivals]) == ("name", ["North", "South"])
    assert {each.member for each in found.rivals} == {both.desk.me}
    assert found.since == found.rivals[1].at
    chosen = found.rivals[1].entry
    assert both.phone.do("settle", thing=flying, field="name", entry=chosen)["fleet"] == flying.hex()
    both.meet()
    assert both.desk.state(FLEETS, flying).title == "South"
    ended = contest(both, FLEETS, flying)
    assert [each.value for each in ended.rivals] == ["North", "South"]
    assert (ended.outcome, ended.by, ended.settled != b"") == ("South", both.desk.me, True)
    with pytest.raises(contests.NotContested):
        both.desk.do("settle", thing=flying, field="name", entry=chosen)


def test_a_contest_is_settled_by_a_new_value_too(both: TwoDevices, flying: bytes) -> None:
    made = both.desk.made("member", "member.record", handle="grace")
    both.tell_phone()
    lead = "fleet.assign-lead"
    both.at_once(
        (lead, {"fleet_id": flying, "member_id": made}), (lead, {"fleet_id": flying, "member_id": both.desk.me})
    )
    refused(contests.ContestUnclear, both.desk, thing=flying, field="lead")
    refused(contests.NewValueElsewhere, both.desk, thing=flying, field="lead", value="grace")
    refused(contests.NoSuchValue, both.desk, thing=flying, field="lead", entry=b"?" * 32)
    both.desk.do("settle", thing=flying, field="lead", value=made.hex())
    assert both.desk.state(FLEETS, flying).lead == made
    assert contest(both, FLEETS, flying).outcome == made


def test_words_of_which_the_last_stands_are_contested_too_and_none_is_lost(both: TwoDevices) -> None:
    org = both.desk.me
    describe = "organisation.describe"
    both.at_once((describe, {"text": "We mine."}), (describe, {"text": "We fly."}))
    found = contest(both, ORGANISATIONS, org)
    assert found.field == "description"
    words = [both.desk.read(each.value, Description) for each in found.rivals]
    assert words == [Description("We fly."), Description("We mine.")], "the last in fold order holds"
    both.desk.do("settle", thing=org, field="description", entry=found.rivals[1].entry)
    both.meet()
    ended = contest(both, ORGANISATIONS, org)
    assert both.phone.read(both.phone.state(ORGANISATIONS, org).profile, Description) == Description("We mine.")
    assert both.phone.read(ended.rivals[0].value, Description) == Description("We fly.")


def test_what_was_written_after_something_else_was_seen_is_no_contest(both: TwoDevices) -> None:
    org = both.desk.me
    both.desk.do("organisation.describe", text="We mine.")
    both.at_once(("organisation.rename", {"title": "Novum"}), ("organisation.set-sid", {"sid": "NVM"}))
    both.desk.do("organisation.describe", text="We fly.")
    assert both.contests(ORGANISATIONS, org) == ()


def test_a_tag_that_holds_already_can_be_settled_for(both: TwoDevices) -> None:
    org = both.desk.me
    both.at_once(("organisation.set-sid", {"sid": "ONE"}), ("organisation.set-sid", {"sid": "TWO"}))
    found = contest(both, ORGANISATIONS, org)
    assert [each.value for each in found.rivals] == ["TWO", "ONE"]
    both.desk.do("settle", thing=org, field="tag", entry=found.rivals[0].entry)
    assert contest(both, ORGANISATIONS, org).settled
    assert both.desk.state(ORGANISATIONS, org).sid == "TWO"


def test_what_becomes_of_an_operation_is_settled_with_the_words_it_was_called_off_with(
    both: TwoDevices, jumptown: bytes
) -> None:
    ids = {"operation_id": jumptown}
    both.at_once(
        ("operation.start", ids), ("operation.cancel", ids | {"reason": CancelReason.SERVERS, "text": "Down."})
    )
    found = contest(both, OPERATIONS, jumptown)
    assert [each.value.stage for each in found.rivals] == [Stage.STARTED, Stage.CANCELLED]
    both.desk.do("settle", thing=jumptown, field="course", entry=found.rivals[1].entry)
    one = both.desk.state(OPERATIONS, jumptown)
    assert (one.call.stage, one.call.reason, one.rival_calls) == (Stage.CANCELLED, CancelReason.SERVERS, ())
    assert both.desk.read(one.cancellation, Cancellation) == Cancellation("Down.")


def test_of_several_contested_slots_the_one_that_is_meant_is_settled(both: TwoDevices, jumptown: bytes) -> None:
    people = [both.desk.made("member", "member.record", handle=name) for name in ("grace", "edsger")]
    told = both.desk.do("operation.add-crew-slots", operation_id=jumptown, role="gunner", count=2)
    guns = [bytes.fromhex(each) for each in told["slots"]]
    for each in people:
        both.desk.do("operation.sign-up", operation_id=jumptown, member_id=each)
    both.tell_phone()
    for seat, (first, second) in ((both.desk, people), (both.phone, people[::-1])):
        seat.do("operation.take-slot", operation_id=jumptown, slot=guns[0], member_id=first)
        seat.do("operation.take-slot", operation_id=jumptown, slot=guns[1], member_id=second)
    both.meet()
    found = both.contests(OPERATIONS, jumptown)
    assert {each.field for each in found} <= {"crew"}
    for each in [each for each in found if not each.settled]:
        wanted = each.rivals[1]
        both.desk.do("settle", thing=jumptown, field="crew", slot=each.part, entry=wanted.entry)
    assert all(each.settled for each in both.contests(OPERATIONS, jumptown))


def test_an_objective_written_at_once_is_settled_and_both_texts_stay(both: TwoDevices, jumptown: bytes) -> None:
    ids = {"operation_id": jumptown}
    describe = "operation.describe"
    both.at_once(
        (describe, ids | {"objective": "Take it.", "place": "Yela"}), (describe, ids | {"objective": "Leave it."})
    )
    found = contest(both, OPERATIONS, jumptown)
    both.phone.do("settle", thing=jumptown, field="objective", entry=found.rivals[1].entry)
    both.meet()
    now = both.desk.read(both.desk.state(OPERATIONS, jumptown).objective, Objective)
    assert now == Objective("Leave it.")
    assert both.desk.read(found.rivals[0].value, Objective) == Objective("Take it.", "Yela")
    refused(contests.NotContested, both.desk, thing=jumptown, field="objective", entry=found.rivals[0].entry)


def test_a_window_is_chosen_and_a_new_one_has_its_own_command(both: TwoDevices, jumptown: bytes) -> None:
    move = "operation.reschedule"
    ids = {"operation_id": jumptown}
    both.at_once(
        (move, ids | {"starts_s": START_S + 60, "ends_s": START_S + 3600}),
        (move, ids | {"starts_s": START_S + 120, "ends_s": START_S + 3600}),
    )
    found = contest(both, OPERATIONS, jumptown)
    refused(contests.NewValueElsewhere, both.desk, thing=jumptown, field="window", value="tomorrow")
    both.desk.do("settle", thing=jumptown, field="window", entry=found.rivals[1].entry)
    assert both.desk.state(OPERATIONS, jumptown).window.starts == START_S + 120


def test_a_ship_s_owner_loan_fleet_and_nickname_are_settled(both: TwoDevices, flying: bytes) -> None:
    grace = both.desk.made("member", "member.record", handle="grace")
    ship = both.desk.made("ship", "ship.add", model="DRAK_Corsair")
    second = both.desk.made("fleet", "fleet.form", title="Second")
    both.tell_phone()
    ids = {"ship_id": ship}
    both.desk.do("ship.lend", **ids, borrower=grace)
    both.desk.do("ship.assign", **ids, fleet_id=flying)
    both.desk.do("ship.name", **ids, nickname="Rocinante")
    edsger = both.phone.made("member", "member.record", handle="edsger")
    both.phone.do("ship.lend", **ids, borrower=edsger)
    both.phone.do("ship.assign", **ids, fleet_id=second)
    both.phone.do("ship.name", **ids, nickname="Nostromo")
    both.meet()
    open_ = {each.field: each for each in both.contests(SHIPS, ship)}
    assert set(open_) == {"loan", "fleet", "nickname"}
    for field, each in open_.items():
        both.desk.do("settle", thing=ship, field=field, entry=each.rivals[1].entry)
    now = both.desk.ship(ship)
    assert now.loan is not None
    assert (now.loan.borrower, now.fleet, now.rival_loans) == (edsger, second, ())
    assert both.desk.read(now.nickname, Nickname) == Nickname("Rocinante")
    both.meet()
    both.at_once(("ship.transfer", ids | {"owner": grace}), ("ship.transfer", ids | {"organisation": True}))
    found = next(each for each in both.contests(SHIPS, ship) if not each.settled)
    both.phone.do("settle", thing=ship, field="owner", entry=found.rivals[1].entry)
    assert both.phone.ship(ship).owner == found.rivals[1].value


def test_details_of_a_hangar_tool_are_settled_without_writing_them_again(both: TwoDevices) -> None:
    ship = both.desk.made("ship", "ship.add", model="DRAK_Corsair")
    both.tell_phone()
    for number, seat in enumerate((both.desk, both.phone)):
        words = Details("Corsair", serial=str(number))

        def act(desk: Any, words: Details = words) -> dict[str, Any]:
            desk.decide(SHIPS, ship, hangar.detail, desk.me, words)
            return {}

        seat.node.writer.do(Command(bytes([number]) * 16, seat.space, act))
    both.meet()
    found = contest(both, SHIPS, ship)
    both.desk.do("settle", thing=ship, field="details", entry=found.rivals[0].entry)
    assert contest(both, SHIPS, ship).settled, "also when it holds already"
    assert both.desk.details(ship) == both.desk.read(found.rivals[0].value, Details)


def test_a_contact_s_stance_and_note_and_a_squadron_s_fleet_are_settled(both: TwoDevices, flying: bytes) -> None:
    tallow = both.desk.made("contact", "contact.record", title="Tallow")
    wing = both.desk.made("squadron", "squadron.form", title="Red")
    both.tell_phone()
    ids = {"contact_id": tallow}
    both.at_once(
        ("contact.set-stance", ids | {"stance": Stance.ALLY}),
        ("contact.set-stance", ids | {"stance": Stance.HOSTILE}),
    )
    both.at_once(("contact.note", ids | {"text": "Pay."}), ("contact.note", ids | {"text": "Do not pay."}))
    both.at_once(
        ("squadron.move", {"squadron_id": wing, "fleet_id": flying}),
        ("squadron.rename", {"squadron_id": wing, "title": "Blue"}),
    )
    assert both.contests(SQUADRONS, wing) == ()
    stance, note = both.contests(CONTACTS, tallow)
    both.desk.do("settle", thing=tallow, field="stance", value="friendly")
    both.desk.do("settle", thing=tallow, field="note", value="Perhaps pay.")
    now = both.desk.state(CONTACTS, tallow)
    assert (now.stance, both.desk.read(now.note, ContactNote)) == (Stance.FRIENDLY, ContactNote("Perhaps pay."))
    assert [stance.field, note.field] == ["stance", "note"]
    assert [each.outcome for each in both.contests(CONTACTS, tallow)] == [Stance.FRIENDLY, now.note]


def test_who_has_no_right_settles_nothing(both: TwoDevices, flying: bytes, tmp_path: Path) -> None:
    pilot = both.desk.made("role", "role.define", title="Pilot", rank=5, rights=())
    with Machine(tmp_path, "bob").open() as bobs:
        let_in(both.desk.node, bobs, both.desk.space, pilot, tmp_path)
        both.tell_phone()
        rename = "fleet.rename"
        both.at_once(
            (rename, {"fleet_id": flying, "title": "North"}), (rename, {"fleet_id": flying, "title": "South"})
        )
        carry(both.desk.node, bobs, both.desk.space, tmp_path)
        found = contest(both, FLEETS, flying)
        theirs = Seat(bobs, both.desk.space)
        refused(NotAllowed, theirs, thing=flying, field="name", entry=found.rivals[1].entry)


def test_an_invitation_accepted_while_it_was_withdrawn_is_settled_either_way(
    both: TwoDevices, tmp_path: Path
) -> None:
    pilot = both.desk.made("role", "role.define", title="Pilot", rank=5, rights=())
    host = both.desk.node
    with Machine(tmp_path, "bob").open() as bobs:
        member = bytes.fromhex(both.desk.do("member.invite")["member"])
        request = bobs.request(host.invitation(both.desk.space, member))
        host.take_request(request)
        place = {"log": request.log, "device": request.device, "box": request.box}
        both.desk.do("member.grant", member_id=member, role_id=pilot, **place)
        carry(host, bobs, both.desk.space, tmp_path)
        both.desk.do("member.withdraw-invitation", member_id=member)
        Seat(bobs, both.desk.space).do("member.join", handle="bob")
        carry(bobs, host, both.desk.space, tmp_path)
    found = next(each for each in both.contests(MEMBERS, member) if each.field == "joining")
    assert [each.value for each in found.rivals] == ["joined", "withdrawn"]
    both.desk.do("settle", thing=member, field="joining", entry=found.rivals[0].entry)
    assert not both.desk.state(MEMBERS, member).join_contested
    ended = next(each for each in both.contests(MEMBERS, member) if each.field == "joining")
    assert ended.settled


def test_two_settle_the_same_contest_in_two_ways_and_that_is_a_contest_again(both: TwoDevices, flying: bytes) -> None:
    rename = "fleet.rename"
    both.at_once((rename, {"fleet_id": flying, "title": "North"}), (rename, {"fleet_id": flying, "title": "South"}))
    one, other = (each.entry for each in contest(both, FLEETS, flying).rivals)
    settled = {"thing": flying, "field": "name"}
    both.at_once(("settle", settled | {"entry": one}), ("settle", settled | {"entry": other}))
    open_ = [each for each in both.contests(FLEETS, flying) if not each.settled]
    assert [sorted(rival.value for rival in each.rivals) for each in open_] == [["North", "South"]]
