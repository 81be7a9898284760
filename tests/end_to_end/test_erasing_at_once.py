"""Erasures beside what is said, heard and rebuilt meanwhile: what counts is erased, and nothing else."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

from scmanager.adapters.space_reading import read_space
from scmanager.application.erasure import Erasures
from scmanager.projections.runner import Projector
from tests.support.machines import Machine, carry, let_in, officer_role
from tests.support.two_devices import TwoDevices, two_devices

pytestmark = pytest.mark.services


class Removed:
    """Bob erases himself at once: the phone hears of it, the desk does not, and removes him."""

    def __init__(self, folder: Path, both: TwoDevices) -> None:
        desk, phone, space = both.desk.node, both.phone.node, both.desk.space
        with Machine(folder, "bob").open() as bob:
            self.member = let_in(desk, bob, space, officer_role(desk, space), folder)
            carry(bob, desk, space, folder)
            both.meet()
            bob.do("member.erase", space, {"member_id": self.member, "ground": "at-once"})
            carry(bob, phone, space, folder)
        desk.do("member.remove", space, {"member_id": self.member, "reason": "conduct"})
        self.removal = folder / "removal.scm"
        desk.export_space(space, self.removal)
        self.phone, self.space = phone, space

    def erasures(self) -> Erasures:
        return Erasures(self.phone.store, self.phone.shelf, self.phone.vault, {}, lambda: 0)

    def hear_of_the_removal(self) -> None:
        self.phone.import_space(read_space(self.removal))

    @property
    def is_erased(self) -> bool:
        """Whether an erasure that counts has named his keys."""
        with self.phone.shelf.lock:
            return bool(self.phone.shelf.space(self.space).erased_keys())


@pytest.fixture
def removed(tmp_path: Path) -> Iterator[Removed]:
    with two_devices(tmp_path) as both:
        yield Removed(tmp_path, both)


def test_an_erasure_that_counts_no_more_destroys_nothing(removed: Removed) -> None:
    assert removed.is_erased
    removed.hear_of_the_removal()
    assert not removed.is_erased
    assert removed.erasures().run() == 0
    assert removed.phone.vault.keys_of(removed.space, removed.member)


def test_an_erasure_counts_still_when_it_destroys(removed: Removed, database: str) -> None:
    """Else the read models would show words of which a rebuild finds no key: they differ, and nobody lied."""
    phone, erase = removed.phone, removed.phone.vault.erase
    projector = Projector(phone.shelf, phone.store, phone.vault.held, database, phone.vault.logs_of)
    projector.catch_up()
    counted = []

    def hear() -> None:
        removed.hear_of_the_removal()
        projector.catch_up()

    hearing = threading.Thread(target=hear)

    def erase_late(keys: Iterable[bytes]) -> tuple[bytes, ...]:
        hearing.start()
        hearing.join(2)  # It cannot come so far while the erasure is looked at and done.
        with phone.shelf.lock:
            counted.append(removed.is_erased)
        return erase(keys)

    phone.vault.erase = erase_late  # type: ignore[method-assign]
    assert removed.erasures().run() == 1
    hearing.join()
    rebuilt = projector.rebuild()
    projector.close()
    assert (counted, rebuilt.differing) == ([True], ())
