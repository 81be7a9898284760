"""What may be sent to the author: said on one machine, it holds on all of its owner's, and on nobody else's."""

from pathlib import Path

import pytest

from scmanager.application import privacy
from scmanager.application.every_verb import VERBS, NotForThisSpace
from scmanager.domain.consent import ConsentTextOther, consent_hash
from scmanager.domain.consent_texts import Purpose, current
from scmanager.runtime import Node
from tests.support.machines import Machine, found
from tests.support.node import Seat

NOW = current(Purpose.HEALTH)


def standing(node: Node) -> set[Purpose]:
    return set(privacy.standing(node.shelf, node.store, node.vault))


def test_nothing_stands_without_a_space_and_nothing_in_a_fresh_one(tmp_path: Path) -> None:
    with Machine(tmp_path, "ada").open() as node:
        assert standing(node) == set()
        found(node)
        assert standing(node) == set()
        node.personal_space()
        assert standing(node) == set()


def test_what_is_given_stands_until_it_is_withdrawn_and_over_restarts(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "ada")
    with machine.open() as node:
        seat = Seat(node, node.personal_space())
        seat.do("privacy.consent", purpose=Purpose.HEALTH, version=NOW)
        found_ = privacy.standing(node.shelf, node.store, node.vault)
        assert found_ == {Purpose.HEALTH: consent_hash(Purpose.HEALTH, NOW)}
    with machine.open() as node:
        assert standing(node) == {Purpose.HEALTH}
        seat = Seat(node, node.personal_space())
        pos = seat.pos()
        seat.do("privacy.consent", purpose=Purpose.HEALTH, version=NOW)
        assert seat.pos() == pos, "twice is said once"
        seat.do("privacy.withdraw", purpose=Purpose.HEALTH)
        assert standing(node) == set()


def test_another_version_than_the_one_shown_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    with Machine(tmp_path, "ada").open() as node:
        seat = Seat(node, node.personal_space())
        pos = seat.pos()
        with pytest.raises(ConsentTextOther):
            seat.do("privacy.consent", purpose=Purpose.HEALTH, version=NOW - 1)
        assert (seat.pos(), standing(node)) == (pos, set())


def test_a_consent_is_undone_by_withdrawing_and_a_withdrawal_by_nothing(tmp_path: Path) -> None:
    with Machine(tmp_path, "ada").open() as node:
        seat = Seat(node, node.personal_space())
        seat.do("privacy.consent", purpose=Purpose.STATISTICS, version=NOW)
        seat.do("privacy.consent", purpose=Purpose.HEALTH, version=NOW)
        seat.do("undo")
        assert standing(node) == {Purpose.STATISTICS}
    assert VERBS["privacy.withdraw"].undo.why


def test_an_organisation_is_no_place_to_consent_or_to_withdraw_in(tmp_path: Path) -> None:
    with Machine(tmp_path, "ada").open() as node:
        seat = Seat(node, found(node))
        with pytest.raises(NotForThisSpace):
            seat.do("privacy.consent", purpose=Purpose.HEALTH, version=NOW)
        with pytest.raises(NotForThisSpace):
            seat.do("privacy.withdraw", purpose=Purpose.HEALTH)
