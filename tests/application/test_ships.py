"""Ships as a member asks for them: in the hangar of one's own space, shared into organisations, lent and assigned."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scmanager.application.desk import NotAllowed
from scmanager.domain import fleet, hangar, member
from scmanager.domain.ship import Standing, owned_by, readiness_at
from scmanager.domain.ship_events import Owner, OwnerKind, Readiness, RemovalReason
from scmanager.errors import Refused
from scmanager.runtime import Node, NotForThisSpace
from scmanager.spaces.personal import Absence
from tests.support.machines import Machine, carry, found, let_in
from tests.support.node import Seat

CARRACK, ARROW = "ANVL_Carrack", "ANVL_Arrow"
DAY_S = 24 * 3600


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "ada")


@pytest.fixture
def node(machine: Machine) -> Iterator[Node]:
    with machine.open() as node:
        yield node


@pytest.fixture
def org(node: Node) -> Seat:
    return Seat(node, found(node))


@pytest.fixture
def own(node: Node) -> Seat:
    return Seat(node, node.personal_space())


def shared(own: Seat, org: Seat, model: str = CARRACK) -> bytes:
    ship = own.made("ship", "ship.add", model=model)
    org.do("ship.share", ship_id=ship)
    return ship


def refused(error: type[Refused], seat: Seat, verb: str, **arguments: object) -> None:
    before = seat.pos()
    with pytest.raises(error):
        seat.do(verb, **arguments)
    assert seat.pos() == before, "a refused command leaves no trace"


def now_s(machine: Machine) -> int:
    return machine.clock() // 1_000_000


def test_a_ship_is_added_to_the_hangar_with_a_name_and_is_there_after_a_restart(machine: Machine) -> None:
    with machine.open() as node:
        own = Seat(node, node.personal_space())
        ship = own.made("ship", "ship.add", model=CARRACK, nickname="Terra's Light")
    with machine.open() as node:
        own = Seat(node, node.personal_space())
        assert (own.ship(ship).model, own.nickname(ship)) == (CARRACK, "Terra's Light")
        assert owned_by(own.ship(ship), own.me)


def test_a_command_sent_twice_adds_one_ship(own: Seat) -> None:
    first = own.do("ship.add", b"c" * 16, model=ARROW)
    assert own.do("ship.add", b"c" * 16, model=ARROW) == first
    assert len(own.ships()) == 1


def test_what_is_no_key_of_a_catalogue_is_refused(own: Seat) -> None:
    refused(hangar.ModelUnusable, own, "ship.add", model="My pretty Carrack")


def test_in_one_s_own_space_every_ship_is_one_s_own(own: Seat) -> None:
    refused(hangar.OwnerUnclear, own, "ship.add", model=ARROW, organisation=True)
    refused(hangar.OwnerUnclear, own, "ship.add", model=ARROW, owner=b"g" * 16)


def test_loans_and_fleets_are_an_organisation_s_business(own: Seat) -> None:
    ship = own.made("ship", "ship.add", model=ARROW)
    refused(NotForThisSpace, own, "ship.lend", ship_id=ship, borrower=b"g" * 16)
    refused(NotForThisSpace, own, "ship.assign", ship_id=ship, fleet_id=b"f" * 16)


def test_a_name_is_changed_and_taken_back(own: Seat) -> None:
    ship = own.made("ship", "ship.add", model=ARROW, nickname="Dart")
    own.do("ship.name", ship_id=ship, nickname="Javelin")
    assert own.nickname(ship) == "Javelin"
    own.do("ship.name", ship_id=ship, nickname="")
    assert own.nickname(ship) == ""
    refused(hangar.ShipUnknown, own, "ship.name", ship_id=b"?" * 16, nickname="Ghost")


def test_a_removed_ship_can_be_restored(own: Seat) -> None:
    ship = own.made("ship", "ship.add", model=ARROW)
    own.do("ship.remove", ship_id=ship, reason=RemovalReason.MELTED)
    assert own.ship(ship).removed_for is RemovalReason.MELTED
    own.do("ship.restore", ship_id=ship)
    assert own.ship(ship).standing is Standing.PRESENT


def test_a_ship_wished_for_is_no_longer_owned(own: Seat) -> None:
    ship = own.made("ship", "ship.add", model=ARROW)
    own.do("ship.remove", ship_id=ship, reason=RemovalReason.WISHED)
    assert own.ships() == {}
    assert own.ship(ship).removed_for is RemovalReason.WISHED


def test_a_claim_runs_out_by_itself(own: Seat, machine: Machine) -> None:
    ship = own.made("ship", "ship.add", model=ARROW)
    until = now_s(machine) + 600
    own.do("ship.set-readiness", ship_id=ship, readiness=Readiness.IN_CLAIM, until_s=until)
    assert readiness_at(own.ship(ship), until - 1) is Readiness.IN_CLAIM
    assert readiness_at(own.ship(ship), until) is Readiness.READY
    refused(
        hangar.ClaimTimeUnusable,
        own,
        "ship.set-readiness",
        ship_id=ship,
        readiness=Readiness.IN_CLAIM,
        until_s=now_s(machine) + 32 * DAY_S,
    )


def test_sharing_shows_a_ship_of_the_hangar_and_nothing_else_of_it(own: Seat, org: Seat) -> None:
    ship = own.made("ship", "ship.add", model=CARRACK, nickname="Secret")
    org.do("ship.share", ship_id=ship)
    assert org.ship(ship).model == CARRACK
    assert owned_by(org.ship(ship), org.me)
    assert org.ship(ship).nickname == b""
    assert org.details(ship) is Absence.NONE
    org.do("ship.withdraw", ship_id=ship)
    assert org.ship(ship).standing is Standing.WITHDRAWN
    assert own.ship(ship).standing is Standing.PRESENT


def test_only_what_is_in_the_hangar_can_be_shared(own: Seat, org: Seat) -> None:
    refused(hangar.ShipUnknown, org, "ship.share", ship_id=b"?" * 16)
    ship = own.made("ship", "ship.add", model=CARRACK)
    own.do("ship.remove", ship_id=ship, reason=RemovalReason.SOLD)
    refused(hangar.ShipGone, org, "ship.share", ship_id=ship)


def test_nothing_moves_silently_a_ship_sold_is_still_shared_until_withdrawn_and_the_answer_says_where(
    own: Seat, org: Seat
) -> None:
    ship = shared(own, org)
    answer = own.do("ship.remove", ship_id=ship, reason=RemovalReason.SOLD)
    assert answer["still_shared_in"] == [org.space.hex()]
    assert org.ship(ship).standing is Standing.PRESENT
    org.do("ship.withdraw", ship_id=ship)
    own.do("ship.restore", ship_id=ship)
    assert own.do("ship.remove", ship_id=ship, reason=RemovalReason.SOLD)["still_shared_in"] == []


def test_the_whole_hangar_is_shared_at_once_and_withdrawn_at_once(own: Seat, org: Seat) -> None:
    ships = {own.made("ship", "ship.add", model=ARROW) for _ in range(3)}
    org.do("ship.share", ship_id=min(ships))
    org.do("ship.remove", ship_id=min(ships), reason=RemovalReason.MISTAKE)
    assert len(org.do("hangar.share")["ships"]) == 2, "what was removed there stays removed"
    assert org.do("hangar.share")["ships"] == []
    assert set(org.ships()) == ships - {min(ships)}
    assert len(org.do("hangar.withdraw")["ships"]) == 2
    assert org.ships() == {}


def test_sharing_a_ship_again_tells_its_readiness_and_withdraws_what_is_sold(own: Seat, org: Seat) -> None:
    damaged, sold = shared(own, org), shared(own, org, ARROW)
    answer = own.do("ship.set-readiness", ship_id=damaged, readiness=Readiness.DAMAGED)
    assert answer["still_shared_in"] == [org.space.hex()]
    assert org.ship(damaged).readiness is Readiness.READY, "nothing moves by itself"
    assert org.do("ship.share", ship_id=damaged)["ship"] == damaged.hex()
    assert org.ship(damaged).readiness is Readiness.DAMAGED
    again = own.do("ship.set-readiness", ship_id=damaged, readiness=Readiness.DAMAGED)
    assert again["still_shared_in"] == []
    own.do("ship.remove", ship_id=sold, reason=RemovalReason.SOLD)
    assert org.do("ship.share", ship_id=sold)["withdrawn"] == [sold.hex()]
    assert org.ship(sold).standing is Standing.WITHDRAWN
    refused(hangar.ShipGone, org, "ship.share", ship_id=sold)
    own.do("ship.restore", ship_id=sold)
    org.do("ship.share", ship_id=sold)
    assert org.ship(sold).standing is Standing.PRESENT


def test_sharing_the_hangar_again_tells_what_has_changed_since_and_once(
    machine: Machine, own: Seat, org: Seat
) -> None:
    claimed, sold, kept = (shared(own, org) for _ in range(3))
    until = now_s(machine) + DAY_S
    own.do("ship.set-readiness", ship_id=claimed, readiness=Readiness.IN_CLAIM, until_s=until)
    own.do("ship.remove", ship_id=sold, reason=RemovalReason.SOLD)
    new = own.made("ship", "ship.add", model=ARROW)
    own.do("ship.set-readiness", ship_id=new, readiness=Readiness.LOST)
    told = org.do("hangar.share")
    assert told["withdrawn"] == [sold.hex()]
    assert set(told["ships"]) == {claimed.hex(), new.hex()}
    assert (org.ship(claimed).readiness, org.ship(claimed).claim_until) == (Readiness.IN_CLAIM, until)
    assert org.ship(new).readiness is Readiness.LOST
    assert set(org.ships()) == {claimed, kept, new}
    assert org.do("hangar.share")["ships"] == org.do("hangar.share")["withdrawn"] == []


def test_what_was_said_of_a_ship_here_stands_against_an_older_word_in_the_hangar(own: Seat, org: Seat) -> None:
    silent, older = shared(own, org), shared(own, org)
    own.do("ship.set-readiness", ship_id=older, readiness=Readiness.DAMAGED)
    for ship in (silent, older):
        org.do("ship.set-readiness", ship_id=ship, readiness=Readiness.LOST)
    assert org.do("hangar.share")["ships"] == []
    assert {org.ship(each).readiness for each in (silent, older)} == {Readiness.LOST}


def test_sharing_again_is_undone_readiness_and_all(own: Seat, org: Seat) -> None:
    ship = shared(own, org)
    own.do("ship.set-readiness", ship_id=ship, readiness=Readiness.DAMAGED)
    org.do("hangar.share")
    org.do("undo")
    assert (org.ship(ship).readiness, org.ship(ship).standing) == (Readiness.READY, Standing.PRESENT)


def test_a_ship_is_given_to_the_organisation_and_to_a_member(own: Seat, org: Seat) -> None:
    ship = shared(own, org)
    org.do("ship.transfer", ship_id=ship, organisation=True)
    assert org.ship(ship).owner == Owner(OwnerKind.ORGANISATION, org.me)
    grace = org.made("member", "member.record", handle="grace")
    org.do("ship.transfer", ship_id=ship, owner=grace)
    assert org.ship(ship).owner == Owner(OwnerKind.MEMBER, grace)
    refused(member.MemberUnknown, org, "ship.transfer", ship_id=ship, owner=b"?" * 16)
    refused(hangar.ShipNotContested, org, "ship.settle-owner", ship_id=ship, owner=grace)


def test_a_ship_is_lent_to_a_member_and_comes_back(own: Seat, org: Seat, machine: Machine) -> None:
    ship = shared(own, org)
    grace = org.made("member", "member.record", handle="grace")
    org.do("ship.lend", ship_id=ship, borrower=grace, until_s=now_s(machine) + DAY_S)
    assert org.ship(ship).loan is not None
    lin = org.made("member", "member.record", handle="lin")
    refused(hangar.LentAlready, org, "ship.lend", ship_id=ship, borrower=lin)
    refused(hangar.ShipNotContested, org, "ship.settle-loan", ship_id=ship, borrower=grace)
    org.do("ship.return", ship_id=ship, borrower=grace)
    assert org.ship(ship).loan is None
    refused(hangar.NotLent, org, "ship.return", ship_id=ship)
    refused(hangar.LoanTimeUnusable, org, "ship.lend", ship_id=ship, borrower=grace, until_s=2**60)


def test_nothing_is_lent_to_somebody_who_is_not_on_the_roster(own: Seat, org: Seat) -> None:
    ship = shared(own, org)
    refused(member.MemberUnknown, org, "ship.lend", ship_id=ship, borrower=b"?" * 16)
    grace = org.made("member", "member.record", handle="grace")
    org.do("member.leave", member_id=grace)
    refused(member.MemberGone, org, "ship.lend", ship_id=ship, borrower=grace)


def test_a_ship_flies_with_a_fleet_that_is_there(own: Seat, org: Seat) -> None:
    ship = shared(own, org)
    first = org.made("fleet", "fleet.form", title="First")
    org.do("ship.assign", ship_id=ship, fleet_id=first)
    assert org.ship(ship).fleet == first
    org.do("ship.unassign", ship_id=ship)
    assert org.ship(ship).fleet is None
    refused(fleet.FleetUnknown, org, "ship.assign", ship_id=ship, fleet_id=b"?" * 16)
    org.do("fleet.disband", fleet_id=first)
    refused(fleet.FleetDisbanded, org, "ship.assign", ship_id=ship, fleet_id=first)


def test_a_member_speaks_for_his_own_ship_and_needs_a_right_for_another_s(
    own: Seat, org: Seat, tmp_path: Path, machine: Machine
) -> None:
    carrack = shared(own, org)
    pilot = org.made("role", "role.define", title="Pilot", rank=5, rights=())
    with Machine(tmp_path, "bob").open() as bobs:
        let_in(org.node, bobs, org.space, pilot, tmp_path)
        theirs = Seat(bobs, org.space)
        refused(NotAllowed, theirs, "ship.assign", ship_id=carrack, fleet_id=org_fleet(org, bobs, tmp_path))
        refused(NotAllowed, theirs, "ship.add", model=ARROW, organisation=True)
        refused(hangar.ShipNotYours, theirs, "ship.withdraw", ship_id=carrack)
        arrow = Seat(bobs, bobs.personal_space()).made("ship", "ship.add", model=ARROW)
        theirs.do("ship.share", ship_id=arrow)
        theirs.do("ship.set-readiness", ship_id=arrow, readiness=Readiness.DAMAGED)
        carry(bobs, org.node, org.space, tmp_path)
    assert org.ship(arrow).readiness is Readiness.DAMAGED
    org.do("ship.set-readiness", ship_id=arrow, readiness=Readiness.READY)
    assert org.ship(arrow).readiness is Readiness.READY


def org_fleet(org: Seat, other: Node, folder: Path) -> bytes:
    made = org.made("fleet", "fleet.form", title="First")
    carry(org.node, other, org.space, folder)
    return made


def test_what_was_called_something_is_called_nothing_after_an_erasure(own: Seat) -> None:
    ship = own.made("ship", "ship.add", model=ARROW, nickname="Dart")
    own.erase_my_words()
    assert own.nickname(ship) is Absence.ERASED
    own.do("ship.name", ship_id=ship, nickname="Javelin")
    assert own.nickname(ship) == "Javelin", "new words have a new key"


def test_words_written_in_the_days_of_grace_outlive_the_erasure_before_them(own: Seat) -> None:
    ship = own.made("ship", "ship.add", model=ARROW, nickname="Dart")
    own.do("member.erase", member_id=own.me)
    assert own.nickname(ship) is Absence.ERASED
    own.do("ship.name", ship_id=ship, nickname="Javelin")
    assert own.nickname(ship) == "Javelin"
