"""An ordinary event can bring a grant back: whoever then has rank again shows it at once, not after a rebuild."""

from pathlib import Path

import pytest

from scmanager.domain.catalogue import FOLDS
from scmanager.projections.runner import Projector
from scmanager.runtime import Node, clock_us
from scmanager.spaces.shelf import Shelf
from tests.support.books import History, one
from tests.support.machines import Machine, carry, found, let_in, officer_role

pytestmark = pytest.mark.services


def test_a_witness_that_spares_a_grant_from_an_own_cut_gives_the_member_his_rank_back(
    tmp_path: Path, database: str
) -> None:
    ada, ann, phone, bob = (Machine(tmp_path, name).open() for name in ("ada", "ann", "phone", "bob"))
    space = found(ada)
    officer = officer_role(ada, space)
    low = bytes.fromhex(ada.do("role.define", space, {"title": "Low", "rank": 5, "rights": ()})["role"])
    member = let_in(ada, ann, space, officer, tmp_path)
    guest = bytes.fromhex(ann.do("member.invite", space, {})["member"])
    enrol(ann, phone, space, member, tmp_path)
    request = bob.request(phone.invitation(space, guest))
    phone.take_request(request)
    given = {"member_id": guest, "role_id": low, "log": request.log, "device": request.device, "box": request.box}
    phone.do("member.grant", space, given)
    ann.do("device.cut", space, {"device": phone.identity.device})
    carry(phone, ann, space, tmp_path)
    before = ann.store.last_pos()
    carry(phone, ada, space, tmp_path)
    ada.do("member.record", space, {"handle": "witness"})
    carry(ada, ann, space, tmp_path)
    keys = {row: ann.vault.held(row) for row in ann.vault.keys_of(space, None)}
    history = History(ann.store, lambda key: keys.get(key))
    store = history.store()
    shelf = Shelf(store, FOLDS, history.key_of, clock_us)  # type: ignore[arg-type]
    projector = Projector(shelf, store, history.held, database)  # type: ignore[arg-type]
    store.arrive(history.rows[:before])
    shelf.follow()
    projector.catch_up()
    rank = "select rank from scm_read.member where id = %s"
    assert one(database, rank, guest) == (None,)
    rulings = shelf.space(space).rulings
    store.arrive(history.rows[before:])
    shelf.follow()
    projector.catch_up()
    assert one(database, rank, guest) == (5,)
    assert shelf.space(space).rulings > rulings
    assert projector.rebuild().differing == ()
    projector.close()
    for node in (ada, ann, phone, bob):
        node.close()


def enrol(first: Node, second: Node, space: bytes, member: bytes, folder: Path) -> None:
    request = second.request(first.invitation(space, member))
    first.take_request(request)
    given = {"log": request.log, "device": request.device, "box": request.box, "transport": request.transport}
    first.do("device.enrol", space, given)
    carry(first, second, space, folder)
