"""Operations as members ask for them."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from scmanager.application.desk import NotAllowed
from scmanager.application.zones import days_later
from scmanager.domain import hangar, member
from scmanager.domain import operation_crew as crew
from scmanager.domain import operation_flow as flow
from scmanager.domain import operation_planning as planning
from scmanager.domain.catalogue import OPERATIONS
from scmanager.domain.document import Kind
from scmanager.domain.operation import Operation
from scmanager.domain.operation_events import Answer, Cancellation, CancelReason, Objective, Outcome
from scmanager.domain.operation_parts import Every, Stage
from scmanager.domain.operation_rules import OperationClosed, OperationUnknown
from scmanager.domain.ship_events import RemovalReason
from scmanager.domain.words import TitleUnusable
from scmanager.errors import Refused
from scmanager.spaces.documents import Place
from tests.support.machines import Machine, carry, found, let_in
from tests.support.node import Seat

STARTS, ENDS = 4_000_000_000, 4_000_007_200


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Seat]:
    with Machine(tmp_path, "ada").open() as node:
        yield Seat(node, found(node))


@pytest.fixture
def jumptown(org: Seat) -> bytes:
    return org.made("operation", "operation.plan", title="Jumptown", starts_s=STARTS, ends_s=ENDS)


@pytest.fixture
def grace(org: Seat) -> bytes:
    return org.made("member", "member.record", handle="grace")


def seen(seat: Seat, operation: bytes) -> Operation:
    one: Operation = seat.state(OPERATIONS, operation)
    return one


def refused(error: type[Refused], seat: Seat, verb: str, **arguments: object) -> None:
    before = seat.pos()
    with pytest.raises(error):
        seat.do(verb, **arguments)
    assert seat.pos() == before, "a refused command leaves no trace"


def utc(*when: int) -> int:
    return int(datetime(*when, tzinfo=UTC).timestamp())  # type: ignore[arg-type, misc] # year, month, day, hour


def test_an_operation_is_planned_with_words_and_zone(org: Seat) -> None:
    arguments = {"starts_s": STARTS, "ends_s": ENDS, "zone": "Asia/Tokyo"}
    new = org.made(
        "operation", "operation.plan", title="夜明け", objective="Take it.\nHold it.", place="Yela", **arguments
    )
    assert (seen(org, new).title, seen(org, new).window.zone) == ("夜明け", "Asia/Tokyo")
    assert org.read(seen(org, new).objective, Objective) == Objective("Take it.\nHold it.", "Yela")
    refused(planning.ZoneUnusable, org, "operation.plan", title="X", **arguments | {"zone": "Mars/Olympus"})
    refused(planning.WindowUnusable, org, "operation.plan", title="X", **arguments | {"ends_s": STARTS})
    refused(TitleUnusable, org, "operation.plan", title="", **arguments)


def test_an_operation_is_changed(org: Seat, jumptown: bytes) -> None:
    org.do("operation.rename", operation_id=jumptown, title="Orison")
    org.do("operation.reschedule", operation_id=jumptown, starts_s=STARTS + 60, ends_s=ENDS)
    org.do("operation.reschedule", operation_id=jumptown, starts_s=STARTS + 60, ends_s=ENDS, zone="Europe/Berlin")
    org.do("operation.limit-crew", operation_id=jumptown, most=3)
    org.do("operation.set-reminders", operation_id=jumptown, before=(60, 3600))
    org.do("operation.describe", operation_id=jumptown, objective="Again")
    one = seen(org, jumptown)
    assert (one.title, one.window.starts, one.window.zone) == ("Orison", STARTS + 60, "Europe/Berlin")
    assert (one.crew_most, one.reminders) == (3, (3600, 60))
    refused(OperationUnknown, org, "operation.rename", operation_id=b"?" * 16, title="X")


def test_members_sign_up_wait_and_take_slots(org: Seat, jumptown: bytes, grace: bytes) -> None:
    squad = org.made("squad", "operation.form-squad", operation_id=jumptown, title="Red")
    hull = org.made("slot", "operation.add-ship-slot", operation_id=jumptown, title="Gunship", squad=squad)
    made = org.do("operation.add-crew-slots", operation_id=jumptown, role="gunner", aboard=hull, squad=squad)
    (slot,) = (bytes.fromhex(each) for each in made["slots"])
    assert org.do("operation.sign-up", operation_id=jumptown, roles=("gunner",))["standing"] == "crew"
    assert org.do("operation.sign-up", operation_id=jumptown, member_id=grace)["standing"] == "waiting"
    org.do("operation.take-slot", operation_id=jumptown, slot=slot)
    refused(crew.NotInCrew, org, "operation.take-slot", operation_id=jumptown, slot=slot, member_id=grace)
    org.do("operation.sign-up", operation_id=jumptown, answer=Answer.DECLINED)
    assert crew.manifest(seen(org, jumptown)).crew == (grace,)
    org.do("operation.take-slot", operation_id=jumptown, slot=slot, member_id=grace)
    org.do("operation.leave-slot", operation_id=jumptown, slot=slot)
    assert seen(org, jumptown).crew_slots[0].claims == ()
    org.do("operation.drop-slot", operation_id=jumptown, slot=slot)
    org.do("operation.disband-squad", operation_id=jumptown, squad=squad)
    assert (seen(org, jumptown).crew_slots, seen(org, jumptown).squads) == ((), ())
    refused(member.MemberUnknown, org, "operation.sign-up", operation_id=jumptown, member_id=b"?" * 16)
    refused(planning.SlotCountUnusable, org, "operation.add-crew-slots", operation_id=jumptown, role="x", count=-1)
    refused(planning.SlotCountUnusable, org, "operation.add-crew-slots", operation_id=jumptown, role="x", count=10**9)


def test_a_ship_that_is_sold_while_assigned_stays_named_and_no_other_sold_one_is_taken(
    org: Seat, jumptown: bytes
) -> None:
    hull = org.made(
        "slot", "operation.add-ship-slot", operation_id=jumptown, title="Gunship", models=("DRAK_Corsair",)
    )
    ship = org.made("ship", "ship.add", model="DRAK_Corsair", organisation=True)
    other = org.made("ship", "ship.add", model="ANVL_Carrack", organisation=True)
    refused(planning.ShipDoesNotFit, org, "operation.assign-ship", operation_id=jumptown, slot=hull, ship_id=other)
    org.do("operation.assign-ship", operation_id=jumptown, slot=hull, ship_id=ship)
    org.do("ship.remove", ship_id=ship, reason=RemovalReason.SOLD)
    assert [each.value for each in seen(org, jumptown).ship_slots[0].claims] == [ship]
    org.do("operation.release-ship", operation_id=jumptown, slot=hull)
    refused(hangar.ShipGone, org, "operation.assign-ship", operation_id=jumptown, slot=hull, ship_id=ship)


def test_an_operation_is_flown_and_reported(org: Seat, jumptown: bytes, grace: bytes) -> None:
    org.do("operation.assign-lead", operation_id=jumptown, member_id=grace)
    org.do("operation.check-in", operation_id=jumptown)
    org.do("operation.check-in", operation_id=jumptown, member_id=grace)
    report = {"thing_id": jumptown, "kind": Kind.REPORT}
    refused(flow.NothingToReport, org, "document.edit", **report, text="Early.")
    org.do("operation.start", operation_id=jumptown)
    org.do("operation.take-attendance", operation_id=jumptown)
    org.do("operation.take-attendance", operation_id=jumptown, members=(grace,))
    org.do("operation.complete", operation_id=jumptown, outcome=Outcome.SUCCESS)
    org.do("document.edit", **report, text="All came home.")
    one = seen(org, jumptown)
    assert (one.call.stage, one.call.outcome, one.lead) == (Stage.COMPLETED, Outcome.SUCCESS, grace)
    assert [each.members for each in one.snapshots] == [(org.me, grace), (grace,)]
    assert org.node.documents.show(Place(org.space, jumptown, Kind.REPORT)).text == "All came home."
    refused(OperationClosed, org, "operation.sign-up", operation_id=jumptown)


def test_an_operation_is_cancelled_with_words_and_reinstated(org: Seat, jumptown: bytes) -> None:
    org.do("operation.assign-lead", operation_id=jumptown, member_id=org.me)
    org.do("operation.relieve-lead", operation_id=jumptown)
    org.do("operation.cancel", operation_id=jumptown, reason=CancelReason.SERVERS, text="Patch day.")
    assert org.read(seen(org, jumptown).cancellation, Cancellation) == Cancellation("Patch day.")
    refused(OperationClosed, org, "operation.start", operation_id=jumptown)
    org.do("operation.reinstate", operation_id=jumptown)
    assert seen(org, jumptown).call.stage is Stage.PLANNED


def test_a_weekly_series_keeps_the_time_that_clocks_show_when_they_are_changed(org: Seat) -> None:
    starts = utc(2026, 10, 17, 18)  # 20:00 in Berlin; clocks are put back on the 25th.
    first = org.made(
        "operation", "operation.plan", title="Mining", starts_s=starts, ends_s=starts + 7200, zone="Europe/Berlin"
    )
    done = org.do("operation.repeat", operation_id=first, every=Every.WEEK, times=2)
    again = [seen(org, bytes.fromhex(each)) for each in done["operations"]]
    assert [each.window.starts for each in again] == [utc(2026, 10, 24, 18), utc(2026, 10, 31, 19)]
    assert [each.window.length_s for each in again] == [7200, 7200]
    assert {each.series for each in (*again, seen(org, first))} == {bytes.fromhex(done["series"])}
    refused(planning.TimesUnusable, org, "operation.repeat", operation_id=first, every=Every.DAY, times=0)


def test_a_window_lasts_as_long_as_it_lasts_when_clocks_are_changed_and_across_the_date_line(
    org: Seat,
) -> None:
    for zone, starts, ends in (
        ("Europe/Berlin", utc(2026, 10, 24, 23), utc(2026, 10, 25, 3)),  # 01:00 to 04:00 there, and four hours.
        (
            "Pacific/Kiritimati",
            utc(2026, 6, 1, 9),
            utc(2026, 6, 1, 13),
        ),  # Midnight there.
        ("Pacific/Pago_Pago", utc(2026, 6, 1, 9), utc(2026, 6, 1, 13)),
    ):
        arguments = {"starts_s": starts, "ends_s": ends, "zone": zone}
        first = org.made("operation", "operation.plan", title="Long night", **arguments)
        done = org.do("operation.repeat", operation_id=first, every=Every.DAY, times=1)
        again = seen(org, bytes.fromhex(done["operations"][0])).window
        assert (seen(org, first).window.length_s, again.length_s) == (4 * 3600, 4 * 3600)
        assert again.starts - starts == 24 * 3600 + (3600 if zone == "Europe/Berlin" else 0)


def test_a_wall_clock_that_is_skipped_or_comes_twice_still_gives_one_instant() -> None:
    assert days_later(utc(2026, 3, 28, 1, 30), 1, "Europe/Berlin") == utc(2026, 3, 29, 1, 30)
    assert days_later(utc(2026, 10, 24, 0, 30), 1, "Europe/Berlin") == utc(2026, 10, 25, 0, 30)
    assert days_later(utc(2026, 6, 1, 10), 1, "Pacific/Kiritimati") == utc(2026, 6, 2, 10)


def test_a_template_is_kept_and_operations_are_made_of_it(org: Seat, jumptown: bytes) -> None:
    org.do("operation.describe", operation_id=jumptown, objective="Take it.")
    org.do("operation.add-ship-slot", operation_id=jumptown, title="Nobody owns it", models=("BANU_Merchantman",))
    template = org.made("operation", "operation.save-template", operation_id=jumptown, title="Jumptown, as ever")
    refused(OperationUnknown, org, "operation.save-template", operation_id=b"?" * 16, title="X")
    new = seen(org, org.made("operation", "operation.copy", operation_id=template, starts_s=STARTS + 86_400))
    assert (new.title, new.window.ends, new.template) == ("Jumptown, as ever", ENDS + 86_400, False)
    assert new.ship_slots[0].models == ("BANU_Merchantman",)
    assert org.read(new.objective, Objective) == Objective("Take it.")
    refused(planning.WindowUnusable, org, "operation.copy", operation_id=template, starts_s=0)


def test_started_here_and_cancelled_there_is_contested_everywhere_until_somebody_who_knows_both_settles_it(
    org: Seat, jumptown: bytes, tmp_path: Path
) -> None:
    rights = ("operation.plan", "operation.lead")
    chief = org.made("role", "role.define", title="Chief", rank=2, rights=rights)
    with Machine(tmp_path, "bob").open() as bobs:
        let_in(org.node, bobs, org.space, chief, tmp_path)
        theirs = Seat(bobs, org.space)
        org.do("operation.start", operation_id=jumptown)
        for each, name in ((org, "North"), (theirs, "South")):
            each.do("operation.rename", operation_id=jumptown, title=name)
            each.do("operation.describe", operation_id=jumptown, objective=f"Aim {name}")
        theirs.do("operation.cancel", operation_id=jumptown, reason=CancelReason.SERVERS, text="Patch day.")
        carry(bobs, org.node, org.space, tmp_path)
        carry(org.node, bobs, org.space, tmp_path)
        assert seen(org, jumptown) == seen(theirs, jumptown)
        one = seen(theirs, jumptown)
        assert {one.call.stage, *(each.stage for each in one.rival_calls)} == {Stage.STARTED, Stage.CANCELLED}
        assert {one.title, *one.rival_titles} == {"North", "South"}
        (losing,) = one.rival_objectives
        theirs.do("operation.start", operation_id=jumptown)
        theirs.do("operation.rename", operation_id=jumptown, title="South")
        theirs.do("operation.describe", operation_id=jumptown, objective="Both")
        carry(bobs, org.node, org.space, tmp_path)
    settled = seen(org, jumptown)
    assert (settled.title, settled.call.stage) == ("South", Stage.STARTED)
    assert (settled.rival_titles, settled.rival_calls, settled.rival_objectives) == ((), (), ())
    assert str(getattr(org.read(losing, Objective), "objective", "")).startswith("Aim ")


def test_who_has_no_right_signs_up_for_himself_and_plans_nothing(org: Seat, jumptown: bytes, tmp_path: Path) -> None:
    pilot = org.made("role", "role.define", title="Pilot", rank=5, rights=())
    with Machine(tmp_path, "bob").open() as bobs:
        bob = let_in(org.node, bobs, org.space, pilot, tmp_path)
        theirs = Seat(bobs, org.space)
        refused(NotAllowed, theirs, "operation.rename", operation_id=jumptown, title="Mine")
        refused(NotAllowed, theirs, "operation.start", operation_id=jumptown)
        refused(NotAllowed, theirs, "operation.sign-up", operation_id=jumptown, member_id=org.me)
        theirs.do("operation.sign-up", operation_id=jumptown)
        org.do("operation.cancel", operation_id=jumptown, reason=CancelReason.TOO_FEW)
        carry(bobs, org.node, org.space, tmp_path)
        carry(org.node, bobs, org.space, tmp_path)
        assert seen(org, jumptown) == seen(theirs, jumptown)
    assert crew.manifest(seen(org, jumptown)).crew == (bob,)
    assert seen(org, jumptown).call.stage is Stage.CANCELLED
