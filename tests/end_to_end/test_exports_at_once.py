"""Exports beside what changes who may read: nobody gets a key that was made because of him."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from scmanager.adapters.space_reading import read_space
from scmanager.domain.catalogue import EPOCHS
from tests.support.machines import Machine, found, let_in, officer_role


class Pair:
    """Ada founds; Bob is let in."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ada, self.bob = Machine(folder, "ada").open(), Machine(folder, "bob").open()
        self.space = found(self.ada)
        self.bob_id = let_in(self.ada, self.bob, self.space, officer_role(self.ada, self.space), folder)

    def key(self) -> bytes:
        """The key that Ada writes under now."""
        with self.ada.shelf.lock:
            return bytes(self.ada.shelf.space(self.space).state(EPOCHS, self.space[:16]).writing)  # type: ignore[attr-defined]


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    made = Pair(tmp_path)
    yield made
    for node in (made.ada, made.bob):
        node.close()


def test_who_is_removed_while_a_space_is_exported_gets_no_new_key(pair: Pair) -> None:
    old, remember = pair.key(), pair.ada.own_logs.remember

    def removed_meanwhile() -> None:
        remember()
        pair.ada.do("member.remove", pair.space, {"member_id": pair.bob_id, "reason": "conduct"})

    pair.ada.own_logs.remember = removed_meanwhile  # type: ignore[method-assign]
    pair.ada.export_space(pair.space, pair.folder / "space.scm")
    assert pair.key() != old
    pair.bob.import_space(read_space(pair.folder / "space.scm"))
    assert pair.bob.vault.get(old)
    assert pair.bob.vault.get(pair.key()) is None
