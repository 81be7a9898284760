"""Whose words an erasure takes along, and whose it leaves, on real machines."""

import secrets
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from scmanager.application.desk import Desk, WouldNotCount
from scmanager.application.erasing import ProseStays
from scmanager.application.erasure import WAITING_MAX, Erasures, Grace
from scmanager.application.members import EventNotTheirs
from scmanager.application.writer import Command
from scmanager.cli.session import carry_out_erasures
from scmanager.domain.catalogue import MEMBERS, OPERATIONS, ORGANISATIONS, SHIPS
from scmanager.domain.governance import AT_ONCE, Erased
from scmanager.domain.member import Claimed, Note, Profile
from scmanager.domain.operation_events import Cancellation, Objective
from scmanager.domain.organisation import Description
from scmanager.domain.prose import prose_of
from scmanager.domain.ship_events import Nickname
from scmanager.runtime import Node
from scmanager.spaces.personal import Absence
from tests.support.machines import DAY_S, Machine, carry
from tests.support.three_machines import Org


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Org]:
    made = Org(tmp_path)
    yield made
    made.close()


def planned(org: Org) -> bytes:
    """An operation that Bob planned and said the objective of."""
    org.arm("operation.plan", "operation.lead", "organisation.describe", "ship.manage", "document.curate")
    times = {"starts_s": 4 * 10**9, "ends_s": 4 * 10**9 + 3600}
    made = bytes.fromhex(org.bob.do("operation.plan", org.space, {"title": "Supply run", **times})["operation"])
    org.bob.do("operation.describe", org.space, {"operation_id": made, "objective": "Meet at Everus"})
    return made


def test_the_founders_erasure_leaves_what_others_wrote_about_the_organisation(org: Org) -> None:
    operation = planned(org)
    org.bob.do("organisation.describe", org.space, {"text": "We haul"})
    ship = {"model": "AEGS_Gladius", "nickname": "Dart", "organisation": True}
    ours = bytes.fromhex(org.bob.do("ship.add", org.space, ship)["ship"])
    org.carry(org.bob, org.ada)
    told = org.ada.do("member.erase", org.space, {"member_id": org.founder, "ground": AT_ONCE})
    assert carry_out_erasures(org.ada) == 1
    assert told["keys"] == 1
    assert org.words(org.member(org.founder).profile, Profile) is Absence.ERASED
    assert org.words(org.state(OPERATIONS, operation).objective, Objective) == Objective("Meet at Everus")
    assert org.words(org.state(ORGANISATIONS, org.founder).profile, Description) == Description("We haul")
    assert org.words(org.state(SHIPS, ours).nickname, Nickname) == Nickname("Dart")
    org.bob.do("operation.cancel", org.space, {"operation_id": operation, "reason": "servers", "text": "Storms"})
    org.carry(org.bob, org.ada)
    cancelled = org.state(OPERATIONS, operation).cancellation
    assert org.words(cancelled, Cancellation) == Cancellation("Storms")


def test_nobody_erases_the_prose_of_an_organisation(org: Org) -> None:
    operation = planned(org)
    org.carry(org.bob, org.ada)
    prose = prose_of(org.founder)
    (key,) = org.ada.vault.keys_of(org.space, prose)
    with pytest.raises(ProseStays):
        org.ada.do("member.erase", org.space, {"member_id": prose})

    def act(desk: Desk) -> dict[str, Any]:
        desk.record(None, prose, Erased(prose, (key,), "request"))
        return {}

    with pytest.raises(WouldNotCount):
        org.ada.writer.do(Command(secrets.token_bytes(16), org.space, act))
    org.bob.writer.do(Command(secrets.token_bytes(16), org.space, passing(act)))
    org.carry(org.bob, org.ada)
    assert carry_out_erasures(org.ada) == 0
    assert org.words(org.state(OPERATIONS, operation).objective, Objective) == Objective("Meet at Everus")


def passing(act: Any) -> Any:
    """The same, from a machine that does not ask whether it counts."""

    def forged(desk: Desk) -> dict[str, Any]:
        desk._check_counts = lambda *_: None
        return act(desk)

    return forged


def zoe(org: Org) -> bytes:
    """An entry that Ada made, with a note; Bob says that it is himself."""
    made = bytes.fromhex(org.ada.do("member.record", org.space, {"handle": "Zoe"})["member"])
    org.ada.do("member.note", org.space, {"member_id": made, "text": "A good pilot"})
    org.carry(org.ada, org.bob)
    org.bob.do("member.claim", org.space, {"member_id": made, "by": org.bob_id})
    org.carry(org.bob, org.ada)
    return made


def test_who_says_that_somebodys_entry_is_himself_takes_nothing_of_it_with_his_own_words(org: Org) -> None:
    other = zoe(org)
    told = org.ada.do("member.erase", org.space, {"member_id": org.bob_id})
    assert (told["keys"], told["also"], told["recorded"], told["unconfirmed"]) == (1, [], [], [other.hex()])
    assert org.words(org.member(other).note, Note) == Note("A good pilot")
    assert org.words(org.member(org.bob_id).profile, Profile) is Absence.ERASED


def test_what_the_founder_confirms_goes_along_and_is_named_before(org: Org) -> None:
    other = zoe(org)
    org.ada.do("member.settle-claim", org.space, {"member_id": other, "by": org.bob_id})
    before = org.ada.store.last_pos()
    org.ada.do("member.settle-claim", org.space, {"member_id": other, "by": org.bob_id})
    told = org.ada.do("member.erase", org.space, {"member_id": org.bob_id, "preview": True})
    assert (told["keys"], told["also"], told["unconfirmed"]) == (2, [other.hex()], [])
    assert org.ada.store.last_pos() == before, "said once is enough, and a preview says nothing"
    assert org.ada.do("member.erase", org.space, {"member_id": org.bob_id})["also"] == [other.hex()]
    assert org.words(org.member(other).note, Note) is Absence.ERASED


def test_beyond_a_claim_that_nobody_confirmed_nothing_goes_along(org: Org) -> None:
    other = zoe(org)
    further = bytes.fromhex(org.ada.do("member.record", org.space, {"handle": "Zoé"})["member"])

    def act(desk: Desk) -> dict[str, Any]:
        desk.record(MEMBERS, further, Claimed(other))
        return {}

    org.ada.writer.do(Command(secrets.token_bytes(16), org.space, act))
    told = org.ada.do("member.erase", org.space, {"member_id": org.bob_id})
    assert (told["also"], sorted(told["unconfirmed"])) == ([], sorted([other.hex(), further.hex()]))
    assert org.words(org.member(further).profile, Profile) == Profile("Zoé")


def as_placeholder(org: Org, tmp_path: Path) -> tuple[bytes, Node]:
    """Zoe, recorded by Ada with a note; and Bob lets a machine of his own in as her."""
    zoe = bytes.fromhex(org.ada.do("member.record", org.space, {"handle": "Zoe"})["member"])
    org.ada.do("member.note", org.space, {"member_id": zoe, "text": "Plays at night"})
    org.arm("member.invite", "member.grant")
    org.carry(org.ada, org.bob)
    org.bob.do("member.invite", org.space, {"member_id": zoe})
    impostor = Machine(tmp_path, "impostor").open()
    request = impostor.request(org.bob.invitation(org.space, zoe))
    org.bob.take_request(request)
    named = {"log": request.log, "device": request.device, "box": request.box}
    org.bob.do("member.grant", org.space, {"member_id": zoe, "role_id": org.hand} | named)
    carry(org.bob, impostor, org.space, tmp_path)
    return zoe, impostor


def test_who_is_let_in_as_another_erases_nothing_at_once_elsewhere_and_is_called_off(
    org: Org, tmp_path: Path
) -> None:
    zoe, impostor = as_placeholder(org, tmp_path)
    with closing(impostor):
        impostor.do("member.erase", org.space, {"member_id": zoe, "ground": AT_ONCE})
        assert carry_out_erasures(impostor) == 1
        carry(impostor, org.ada, org.space, tmp_path)
    assert carry_out_erasures(org.ada) == 0
    note = org.member(zoe).note
    assert org.words(note, Note) is Absence.ERASED  # Hidden, and the keys are there.
    space = org.ada.shelf.space(org.space)
    erasure = next(each for each in space.of_type(Erased.tag)).entry.id32
    said = {"member_id": zoe, "reason": "conduct", "voiding": erasure}
    with pytest.raises(EventNotTheirs):
        org.ada.do("member.remove", org.space, said | {"member_id": org.bob_id})
    org.ada.do("member.remove", org.space, said)
    assert org.words(note, Note) == Note("Plays at night")


def test_whom_rank_1_let_in_is_erased_at_once_everywhere(org: Org) -> None:
    org.cleo.do("member.erase", org.space, {"member_id": org.cleo_id, "ground": AT_ONCE})
    org.carry(org.cleo, org.ada)
    assert carry_out_erasures(org.ada) == 1


def test_what_somebody_says_of_himself_moves_nobody_elses_day(org: Org) -> None:
    def act(desk: Desk) -> dict[str, object]:
        for number in range(WAITING_MAX * 2):
            desk.record(None, org.bob_id, Erased(org.bob_id, (number.to_bytes(32, "big"),), "request"))
            desk.record(None, org.bob_id, Erased(org.bob_id, (), "request"))
        return {}

    org.bob.writer.do(Command(secrets.token_bytes(16), org.space, act))
    org.carry(org.bob, org.ada)
    org.ada.do("member.erase", org.space, {"member_id": org.bob_id})
    assert org.ada.vault.keys_of(org.space, org.bob_id)
    now, seen = [0], dict[str, Grace]()
    erasures = Erasures(org.ada.store, org.ada.shelf, org.ada.vault, seen, lambda: now[0])
    for day in range(8):
        assert bool(org.ada.vault.keys_of(org.space, org.bob_id)), day
        now[0] = day * DAY_S
        erasures.run()
    assert not org.ada.vault.keys_of(org.space, org.bob_id), "on the seventh day"
    assert len(seen) < WAITING_MAX * 2 + 2
