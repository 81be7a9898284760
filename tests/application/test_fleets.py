"""Fleets and squadrons as leaders ask for them."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scmanager.application.desk import NotAllowed
from scmanager.domain import fleet, hangar, member, squadron
from scmanager.domain.catalogue import FLEETS, SQUADRONS
from scmanager.domain.ship_events import RemovalReason
from scmanager.domain.words import TitleUnusable
from scmanager.errors import Refused
from tests.support.machines import Machine, carry, found, let_in
from tests.support.node import Seat

ARROW = "ANVL_Arrow"


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Seat]:
    with Machine(tmp_path, "ada").open() as node:
        yield Seat(node, found(node))


@pytest.fixture
def first(org: Seat) -> bytes:
    return org.made("fleet", "fleet.form", title="First")


@pytest.fixture
def wing(org: Seat, first: bytes) -> bytes:
    return org.made("squadron", "squadron.form", title="Wing", fleet_id=first)


@pytest.fixture
def grace(org: Seat) -> bytes:
    return org.made("member", "member.record", handle="grace")


def refused(error: type[Refused], seat: Seat, verb: str, **arguments: object) -> None:
    before = seat.pos()
    with pytest.raises(error):
        seat.do(verb, **arguments)
    assert seat.pos() == before, "a refused command leaves no trace"


def test_forming_sent_twice_forms_one_fleet(org: Seat) -> None:
    first = org.do("fleet.form", b"c" * 16, title="First")
    assert org.do("fleet.form", b"c" * 16, title="First") == first
    refused(TitleUnusable, org, "fleet.form", title="")


def test_a_fleet_is_renamed_disbanded_and_formed_anew(org: Seat, first: bytes) -> None:
    org.do("fleet.rename", fleet_id=first, title="Home Fleet")
    org.do("fleet.disband", fleet_id=first)
    refused(fleet.FleetDisbanded, org, "fleet.rename", fleet_id=first, title="Other")
    org.do("fleet.reform", fleet_id=first)
    assert org.state(FLEETS, first).title == "Home Fleet"
    assert not org.state(FLEETS, first).disbanded
    refused(fleet.FleetUnknown, org, "fleet.disband", fleet_id=b"?" * 16)
    refused(fleet.FleetNameNotContested, org, "fleet.settle-name", fleet_id=first, title="Home Fleet")


def test_a_fleet_is_led_by_somebody_on_the_roster(org: Seat, first: bytes, grace: bytes) -> None:
    org.do("fleet.assign-lead", fleet_id=first, member_id=grace)
    assert org.state(FLEETS, first).lead == grace
    org.do("fleet.relieve-lead", fleet_id=first)
    assert org.state(FLEETS, first).lead is None
    refused(member.MemberUnknown, org, "fleet.assign-lead", fleet_id=first, member_id=b"?" * 16)


def test_a_squadron_stands_in_a_fleet_that_is_there_or_in_none(org: Seat, first: bytes, wing: bytes) -> None:
    assert org.state(SQUADRONS, wing).fleet == first
    org.do("squadron.move", squadron_id=wing)
    assert org.state(SQUADRONS, wing).fleet is None
    org.do("squadron.move", squadron_id=wing, fleet_id=first)
    assert org.state(SQUADRONS, wing).fleet == first
    refused(fleet.FleetUnknown, org, "squadron.form", title="Lost", fleet_id=b"?" * 16)
    refused(fleet.FleetUnknown, org, "squadron.move", squadron_id=wing, fleet_id=b"?" * 16)


def test_a_squadron_is_renamed_disbanded_and_formed_anew(org: Seat, wing: bytes) -> None:
    org.do("squadron.rename", squadron_id=wing, title="Blue Wing")
    org.do("squadron.disband", squadron_id=wing)
    refused(squadron.SquadronDisbanded, org, "squadron.rename", squadron_id=wing, title="Other")
    org.do("squadron.reform", squadron_id=wing)
    assert org.state(SQUADRONS, wing).title == "Blue Wing"
    refused(squadron.SquadronNameNotContested, org, "squadron.settle-name", squadron_id=wing, title="Blue Wing")


def test_a_ship_and_a_member_fly_with_several_squadrons(org: Seat, wing: bytes, grace: bytes) -> None:
    ship = org.made("ship", "ship.add", model=ARROW, organisation=True)
    other = org.made("squadron", "squadron.form", title="Red Wing")
    for each in (wing, other):
        org.do("squadron.enlist-ship", squadron_id=each, ship_id=ship)
        org.do("squadron.enlist-member", squadron_id=each, member_id=grace)
    assert [org.state(SQUADRONS, each).ships for each in (wing, other)] == [(ship,), (ship,)]
    assert [org.state(SQUADRONS, each).members for each in (wing, other)] == [(grace,), (grace,)]
    org.do("squadron.release-ship", squadron_id=wing, ship_id=ship)
    org.do("squadron.release-member", squadron_id=wing, member_id=grace)
    assert (org.state(SQUADRONS, wing).ships, org.state(SQUADRONS, wing).members) == ((), ())
    assert org.state(SQUADRONS, other).ships == (ship,)


def test_only_who_and_what_is_here_is_enlisted(org: Seat, wing: bytes) -> None:
    refused(hangar.ShipUnknown, org, "squadron.enlist-ship", squadron_id=wing, ship_id=b"?" * 16)
    refused(member.MemberUnknown, org, "squadron.enlist-member", squadron_id=wing, member_id=b"?" * 16)
    refused(squadron.SquadronUnknown, org, "squadron.enlist-member", squadron_id=b"?" * 16, member_id=org.me)
    ship = org.made("ship", "ship.add", model=ARROW, organisation=True)
    org.do("ship.remove", ship_id=ship, reason=RemovalReason.SOLD)
    refused(hangar.ShipGone, org, "squadron.enlist-ship", squadron_id=wing, ship_id=ship)


def test_a_squadron_is_led_by_somebody_on_the_roster(org: Seat, wing: bytes, grace: bytes) -> None:
    org.do("squadron.assign-lead", squadron_id=wing, member_id=grace)
    assert org.state(SQUADRONS, wing).lead == grace
    org.do("squadron.relieve-lead", squadron_id=wing)
    assert org.state(SQUADRONS, wing).lead is None


def test_one_leaves_a_squadron_without_any_right_and_needs_one_for_the_rest(
    org: Seat, wing: bytes, tmp_path: Path
) -> None:
    pilot = org.made("role", "role.define", title="Pilot", rank=5, rights=())
    with Machine(tmp_path, "bob").open() as bobs:
        bob = let_in(org.node, bobs, org.space, pilot, tmp_path)
        carry(bobs, org.node, org.space, tmp_path)
        org.do("squadron.enlist-member", squadron_id=wing, member_id=bob)
        carry(org.node, bobs, org.space, tmp_path)
        theirs = Seat(bobs, org.space)
        refused(NotAllowed, theirs, "squadron.release-member", squadron_id=wing, member_id=bob)
        theirs.do("squadron.leave", squadron_id=wing)
        carry(bobs, org.node, org.space, tmp_path)
    assert org.state(SQUADRONS, wing).members == ()


def test_names_and_leads_given_on_two_machines_at_once_are_contested_until_settled(
    org: Seat, first: bytes, wing: bytes, grace: bytes, tmp_path: Path
) -> None:
    chief = org.made("role", "role.define", title="Chief", rank=2, rights=("fleet.manage",))
    with Machine(tmp_path, "bob").open() as bobs:
        let_in(org.node, bobs, org.space, chief, tmp_path)
        theirs = Seat(bobs, org.space)
        for each, lead, suffix in ((org, grace, "North"), (theirs, org.me, "South")):
            each.do("fleet.rename", fleet_id=first, title=f"Fleet {suffix}")
            each.do("fleet.assign-lead", fleet_id=first, member_id=lead)
            each.do("squadron.rename", squadron_id=wing, title=f"Wing {suffix}")
        carry(bobs, org.node, org.space, tmp_path)
    assert org.state(FLEETS, first).rival_titles
    assert org.state(FLEETS, first).rival_leads
    org.do("fleet.settle-name", fleet_id=first, title="Fleet South")
    org.do("fleet.assign-lead", fleet_id=first, member_id=grace)
    org.do("squadron.settle-name", squadron_id=wing, title="Wing South")
    assert (org.state(FLEETS, first).title, org.state(FLEETS, first).rival_titles) == ("Fleet South", ())
    assert (org.state(FLEETS, first).lead, org.state(FLEETS, first).rival_leads) == (grace, ())
    assert (org.state(SQUADRONS, wing).title, org.state(SQUADRONS, wing).rival_titles) == ("Wing South", ())
