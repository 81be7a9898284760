"""Words of a ship are read once it is known whose they are, in whatever order that comes."""

import pytest

from tests.support.books import Books, add_ship, name_ship, one, record

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
