"""Search's read model: every kind of thing by its name, gone with an erasure, and the same after a rebuild."""

import pytest

from scmanager.application import diplomacy, erasing, fleets, organisations
from scmanager.domain.catalogue import FOLDS
from scmanager.domain.subject import nobodys
from scmanager.projections.search import SEARCHED
from tests.support.books import (
    Books,
    add_ship,
    agree,
    dump,
    form_fleet,
    form_squadron,
    name_ship,
    one,
    plan,
    record,
    record_contact,
    show_character,
)

pytestmark = pytest.mark.services

NEW, SHIP, CONTACT = b"n" * 16, b"s" * 16, nobodys(b"c" * 16)


def found(database: str, entity: bytes) -> tuple[str, str, str, bool] | None:
    row = one(database, "select kind, name, key, gone from scm_read.searchable where id = %s", entity)
    return (row[0], row[1], row[2].strip("\n").replace("\n", "|"), row[3]) if row else None


def test_each_kind_of_thing_is_found_by_all_its_names(nova: Books, database: str) -> None:
    nova.do(record("Zaphod-Ü", NEW))
    nova.do(add_ship(SHIP, owner=NEW))
    nova.do(form_fleet(b"f" * 16, "Home Fleet"))
    nova.do(form_squadron(b"q" * 16, "Rôt"))
    nova.do(plan(b"o" * 16, "Jumptown", 4_000_000_000, 4_000_007_200))
    nova.do(record_contact(CONTACT, "Tallow"))
    nova.do(agree(b"t" * 16, CONTACT))
    nova.do(show_character(b"v" * 16, "Vésper Ilo"))
    projector = nova.projector(database)
    projector.catch_up()
    assert found(database, NEW) == ("member", "Zaphod-Ü", "zaphod u", False)
    assert found(database, SHIP) == ("ship", "drak_cutlass_black", "drak cutlass black", False)
    assert found(database, b"f" * 16) == ("fleet", "Home Fleet", "home fleet", False)
    assert found(database, b"q" * 16) == ("squadron", "Rôt", "rot", False)
    assert found(database, b"o" * 16) == ("operation", "Jumptown", "jumptown", False)
    assert found(database, CONTACT) == ("contact", "Tallow", "tallow", False)
    assert found(database, b"t" * 16) == ("treaty", "Pact 116", "pact 116", False)
    assert found(database, b"v" * 16) == ("character", "Vésper Ilo", "vesper ilo", False)
    nova.do(name_ship(SHIP, "Heart of Moonbeams"))
    projector.catch_up()
    assert found(database, SHIP) == ("ship", "Heart of Moonbeams", "heart of moonbeams|drak cutlass black", False)
    live = dump(database)
    assert projector.rebuild().differing == ()
    assert dump(database)["searchable"] == live["searchable"]
    projector.close()


def test_what_is_no_longer_there_says_so(nova: Books, database: str) -> None:
    nova.do(form_fleet(b"f" * 16, "Home Fleet"))
    nova.do(record_contact(CONTACT, "Tallow"))
    nova.do(lambda desk: fleets.disband(desk, fleet_id=b"f" * 16))
    nova.do(lambda desk: diplomacy.archive(desk, contact_id=CONTACT))
    nova.do(lambda desk: organisations.archive(desk))
    projector = nova.projector(database)
    projector.catch_up()
    query = (
        "select bool_and(gone), count(*) from scm_read.searchable where kind in ('fleet', 'contact', 'organisation')"
    )
    assert one(database, query) == (True, 3)
    projector.close()


def test_an_erased_name_is_found_no_more_and_a_ship_by_its_model_only(nova: Books, database: str) -> None:
    nova.do(record("Zaphod", NEW))
    nova.do(add_ship(SHIP))
    nova.do(name_ship(SHIP, "Moonbeam"))
    projector = nova.projector(database)
    projector.catch_up()
    for who in (NEW, nova.founder):
        nova.do(lambda desk, who=who: erasing.erase(desk, member_id=who))
    projector.catch_up()
    assert found(database, NEW) is None
    assert found(database, SHIP) == ("ship", "drak_cutlass_black", "drak cutlass black", False)
    projector.close()


def test_whatever_has_a_title_of_its_own_can_be_found() -> None:
    """A kind that comes later is entered, or stands here: no name, or searched where it is listed (plugins)."""
    nameless = {"epoch", "import", "player", "machine", "notification", "audit", "document", "consent", "registry"}
    folds = {fold.name for fold in FOLDS.values()}
    assert {each.fold.name for each in SEARCHED} | nameless == folds
