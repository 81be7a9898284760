"""What a log that is dated back can do to things that were there before: it counts from when its member came."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from scmanager.application.desk import Desk
from scmanager.application.writer import Command
from scmanager.domain.catalogue import CHARACTERS, SHIPS, TREATIES
from scmanager.domain.character import CharacterSheet, Shared, Standing, each_player
from scmanager.domain.event import About, Event, Id
from scmanager.domain.fold import Fold
from scmanager.domain.ship import Standing as ShipStanding
from scmanager.domain.ship import owned_by
from scmanager.domain.ship_events import Owner, OwnerKind, Transferred
from scmanager.domain.ship_events import Shared as ShipShared
from scmanager.domain.ship_events import ShareWithdrawn as ShipWithdrawn
from scmanager.domain.treaty_events import Kind, Proposed, TreatyTerms
from scmanager.exchanging import Exchange
from scmanager.runtime import Node
from tests.support.machines import Machine
from tests.support.three_machines import Org

YEARS_S = 20 * 365 * 86400


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    one = Org(tmp_path)
    yield one
    one.close()


def dated_back(org: Org, folder: Path) -> Node:
    """Bob's second machine, whose log begins with an entry dated twenty years back."""
    machine = Machine(folder, "tablet")
    machine.clock.ahead_s = -YEARS_S
    node = machine.open()
    request = Exchange(node).request(Exchange(org.bob).invitation(org.space, org.bob_id))
    machine.clock.ahead_s = 0
    Exchange(org.bob).enrol(request)
    org.carry(org.bob, node)
    return node


def act_on(node: Node, org: Org, said: Callable[[Desk], None], then: int = 0) -> None:
    """It says something right after its last entry, or after `then` (microseconds), and knows of nothing."""

    def act(desk: Desk) -> dict[str, object]:
        log, past = desk._seat.log, [then]

        def next_hlc() -> int:
            past[0] += 1
            return max(log.hlc + 1, past[0])

        desk._next_hlc = next_hlc  # type: ignore[method-assign]
        look = desk._look
        desk._look = lambda fold, entity: (look(fold, entity)[0], ())  # type: ignore[method-assign]
        said(desk)
        return {}

    node.writer.do(Command(secrets.token_bytes(16), org.space, act))
    org.carry(node, org.ada)


def record(node: Node, org: Org, *events: tuple[Fold, Id, Event | About]) -> None:
    """It records these."""

    def said(desk: Desk) -> None:
        for fold, entity, event in events:
            desk.record(fold, entity, event)

    act_on(node, org, said)


def bring(node: Node, org: Org, character: Id, ship: Id) -> None:
    """It says that a character and a ship are Bob's, right after its first entry, and knows of nothing."""

    record(
        node,
        org,
        (CHARACTERS, character, About(Shared(), org.bob_id, CharacterSheet("Bobby"))),
        (SHIPS, ship, ShipShared("rsi-aurora-mr")),
    )


def shown(org: Org, character: Id) -> dict[Id, object]:
    """What Ada sees under the character's id: each player's sheet."""
    with org.ada.shelf.lock:
        held = org.ada.shelf.space(org.space).state(CHARACTERS, character)
    return {
        each.player: org.words(each.sheet, CharacterSheet)
        for each in each_player(held)
        if each.standing is Standing.PRESENT
    }


def test_a_character_stays_its_players_whoever_says_that_he_had_it_first(org: Org, tmp_path: Path) -> None:
    made = org.cleo.do("character.make", org.cleo.personal_space(), {"name": "Cleopatra"})["character"]
    character = bytes.fromhex(made)
    org.cleo.do("character.share", org.space, {"character_id": character})
    ship = bytes.fromhex(org.cleo.do("ship.add", org.space, {"model": "rsi-aurora-mr"})["ship"])
    org.carry(org.cleo, org.ada)
    with closing(dated_back(org, tmp_path)) as tablet:
        bring(tablet, org, character, ship)
    assert shown(org, character) == {
        org.bob_id: CharacterSheet("Bobby"),
        org.cleo_id: CharacterSheet("Cleopatra"),
    }
    org.carry(org.ada, org.cleo)
    org.cleo.do("character.describe", org.cleo.personal_space(), {"character_id": character, "origin": "Terra"})
    org.cleo.do("character.share", org.space, {"character_id": character})
    org.cleo.do("character.choose-main", org.space, {"character_id": character})
    org.carry(org.cleo, org.ada)
    assert shown(org, character)[org.cleo_id] == CharacterSheet("Cleopatra", origin="Terra")
    org.cleo.do("character.withdraw", org.space, {"character_id": character})
    org.carry(org.cleo, org.ada)
    assert shown(org, character).keys() == {org.bob_id}


def test_nobody_stands_in_front_of_what_was_there_before_he_was_let_in(org: Org, tmp_path: Path) -> None:
    ship = bytes.fromhex(org.cleo.do("ship.add", org.space, {"model": "rsi-aurora-mr"})["ship"])
    org.carry(org.cleo, org.ada)
    org.arm("fleet.manage")  # By a new grant, as if he came today.
    with closing(dated_back(org, tmp_path)) as tablet:
        bring(tablet, org, secrets.token_bytes(16), ship)
    with org.ada.shelf.lock:
        space = org.ada.shelf.space(org.space)
        held, thing = space.state(SHIPS, ship), space.thing(SHIPS, ship)
    assert thing is not None
    (first, _), (second, _) = thing.events()
    assert [held.owner.id, *(each.id for each in held.rival_owners)] == [org.cleo_id, org.bob_id]
    assert (first.member, second.member) == (org.cleo_id, org.bob_id)
    assert space.opened(second.entry).entry.hlc < first.hlc < second.hlc


def test_nobody_crowds_an_owner_out_of_his_ship(org: Org, tmp_path: Path) -> None:
    ship = bytes.fromhex(org.cleo.do("ship.add", org.space, {"model": "rsi-aurora-mr"})["ship"])
    org.carry(org.cleo, org.ada)
    nobodies = (Transferred(Owner(OwnerKind.MEMBER, secrets.token_bytes(16)), ()) for _ in range(63))
    with closing(dated_back(org, tmp_path)) as tablet:
        record(tablet, org, (SHIPS, ship, ShipShared("rsi-aurora-mr")), *((SHIPS, ship, each) for each in nobodies))
    held = org.state(SHIPS, ship)
    assert len(held.owners) == 5
    assert org.cleo_id in {each.id for each in held.rival_owners}
    org.ada.do("ship.settle-owner", org.space, {"ship_id": ship, "owner": org.cleo_id})
    assert owned_by(org.state(SHIPS, ship), org.cleo_id)


def test_nobody_hides_a_ship_by_taking_it_away_before_it_was_there(org: Org, tmp_path: Path) -> None:
    ship = bytes.fromhex(org.cleo.do("ship.add", org.space, {"model": "rsi-aurora-mr"})["ship"])
    org.carry(org.cleo, org.ada)
    with closing(dated_back(org, tmp_path)) as tablet:
        record(tablet, org, (SHIPS, ship, ShipShared("rsi-aurora-mr")), (SHIPS, ship, ShipWithdrawn()))
    held = org.state(SHIPS, ship)
    assert (held.standing, owned_by(held, org.cleo_id)) == (ShipStanding.PRESENT, True)


def test_a_signed_treaty_stays_and_is_read_whatever_is_proposed_under_its_id(org: Org, tmp_path: Path) -> None:
    org.arm("diplomacy.manage")
    lyra, other = (
        bytes.fromhex(org.ada.do("contact.record", org.space, {"title": title})["contact"])
        for title in ("Lyra", "Other")
    )
    said = {"contact_id": lyra, "kind": Kind.PEACE, "title": "Peace", "text": "No shots"}
    treaty = bytes.fromhex(org.ada.do("treaty.propose", org.space, said)["treaty"])
    org.ada.do("treaty.sign", org.space, {"treaty_id": treaty})
    ours = org.state(TREATIES, treaty).versions[0].entry
    with closing(dated_back(org, tmp_path)) as tablet:
        record(tablet, org, *((TREATIES, treaty, Proposed(other, Kind.PEACE, "Surrender")) for _ in range(64)))
    version = org.state(TREATIES, treaty).version(ours)
    assert version is not None
    assert version.ours
    assert org.words(ours, TreatyTerms) == TreatyTerms("No shots")
