"""Words of a ship are read once it is known whose they are, in whatever order that comes."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from secrets import token_bytes

import pytest

from scmanager.application.desk import Desk
from scmanager.application.writer import Command
from scmanager.domain import governance
from scmanager.domain.catalogue import MEMBERS
from scmanager.domain.member import ProfileChanged
from scmanager.projections.runner import Projector
from tests.support.books import Books, add_ship, name_ship, one, record
from tests.support.machines import Machine
from tests.support.three_machines import Org

pytestmark = pytest.mark.services

SHIP, PILOT = b"A" * 16, b"P" * 16
NICKNAME = "select nickname, nickname_words from scm_read.ship"


def test_a_ships_words_are_shown_once_its_owner_is_somebody_here(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    nova.do(add_ship(SHIP, owner=PILOT))
    nova.do(name_ship(SHIP, "Nostromo"))
    projector.catch_up()
    assert one(database, NICKNAME) == (None, "unreadable")
    nova.do(record("Ripley", PILOT))
    projector.catch_up()
    assert one(database, NICKNAME) == ("Nostromo", "open")
    assert projector.rebuild().differing == ()
    projector.close()


def said(act: Callable[[Desk], object]) -> Callable[[Desk], dict[str, object]]:
    """The same, as a command that answers nothing."""

    def done(desk: Desk) -> dict[str, object]:
        act(desk)
        return {}

    return done


def test_an_owner_of_whom_only_what_does_not_count_was_said_is_nobody_until_something_counts(
    nova: Books, database: str
) -> None:
    projector = nova.projector(database)
    nova.do(said(lambda desk: desk.record(MEMBERS, PILOT, ProfileChanged())))
    nova.do(add_ship(SHIP, owner=PILOT))
    nova.do(name_ship(SHIP, "Nostromo"))
    projector.catch_up()
    assert one(database, NICKNAME) == (None, "unreadable")
    nova.do(record("Ripley", PILOT))
    projector.catch_up()
    assert one(database, NICKNAME) == ("Nostromo", "open")
    assert projector.rebuild().differing == ()
    projector.close()


def test_who_is_somebody_by_a_seat_alone_is_nobody_once_that_ends(database: str, tmp_path: Path) -> None:
    with closing(Org(tmp_path)) as org, closing(Machine(tmp_path, "olga").open()) as olga:
        node = org.ada
        projector = Projector(node.shelf, node.store, node.vault.held, database, node.vault.logs_of)
        asked = olga.request(node.invitation(org.space, PILOT))
        node.take_request(asked)
        given = {"log": asked.log, "device": asked.device, "box": asked.box, "role_id": org.hand}
        node.do("member.grant", org.space, {"member_id": PILOT, **given})
        for act in (add_ship(SHIP, owner=PILOT), name_ship(SHIP, "Dart")):
            node.writer.do(Command(token_bytes(16), org.space, said(act)))
        projector.catch_up()
        assert one(database, NICKNAME) == ("Dart", "open")
        ended = said(lambda desk: desk.record(MEMBERS, PILOT, governance.Removed(PILOT)))
        node.writer.do(Command(token_bytes(16), org.space, ended))
        projector.catch_up()
        assert one(database, NICKNAME) == (None, "unreadable")
        assert projector.rebuild().differing == ()
        projector.close()
