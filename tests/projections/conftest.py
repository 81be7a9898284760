"""One history of two installations, made once: invitations, words, ships, fleets, a removal that voids work."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from scmanager.application.desk import Desk
from scmanager.application.writer import Command
from scmanager.domain import fleet
from scmanager.domain import operation_crew as crew
from scmanager.domain import operation_planning as planning
from scmanager.domain.catalogue import FLEETS
from scmanager.domain.member import RemovalReason
from scmanager.domain.operation_events import Answer
from scmanager.domain.subject import nobodys
from scmanager.runtime import Node
from tests.support.books import (
    Books,
    History,
    add_ship,
    agree,
    books,
    form_fleet,
    form_squadron,
    name_ship,
    operate,
    plan,
    record,
    record_contact,
    show_character,
)
from tests.support.machines import Machine, carry, found, let_in, officer_role


@pytest.fixture
def nova() -> Iterator[Books]:
    with books("Nova", "ada") as made:
        yield made


class Tale:
    """Two installations' organisation; `before` and `after` the removal that voids what the guest did unseen."""

    def __init__(self, folder: Path) -> None:
        ada, bob = Machine(folder, "ada"), Machine(folder, "bob")
        with ada.open() as host, bob.open() as guest:
            self.space = found(host)
            self.guest = let_in(host, guest, self.space, officer_role(host, self.space), folder)
            for number in range(3):
                _do(host, self.space, record(f"pilot {number}", bytes([number + 1]) * 16))
                _do(host, self.space, add_ship(bytes([number + 65]) * 16))
            _do(host, self.space, name_ship(b"A" * 16, "Nostromo"))
            _do(host, self.space, form_fleet(b"L" * 16, "Contested for a while"))
            self._plan(host, guest, folder)
            _do(host, self.space, record_contact(nobodys(b"C" * 16), "Tallow"))
            _do(host, self.space, agree(b"T" * 16, nobodys(b"C" * 16), until=4_000_000_000))
            _do(host, self.space, show_character(b"P" * 16, "Vesper"))
            _do(guest, self.space, show_character(b"Q" * 16, "Grub"))
            _do(guest, self.space, form_fleet(b"F" * 16, "Guest's fleet"))
            carry(guest, host, self.space, folder)
            _do(guest, self.space, form_fleet(b"G" * 16, "Unseen fleet"))
            _do(guest, self.space, form_squadron(b"S" * 16, "Unseen squadron", b"F" * 16))
            _do(guest, self.space, lambda desk: _rename_fleet(desk, "Renamed unseen"))
            _do(guest, self.space, lambda desk: _rename_fleet(desk, "First unseen", b"L" * 16))
            _do(host, self.space, lambda desk: _rename_fleet(desk, "Second unseen", b"L" * 16))
            host.do("member.note", self.space, {"member_id": bytes([1]) * 16, "text": "reliable"})
            host.do("member.remove", self.space, {"member_id": self.guest, "reason": RemovalReason.CONDUCT})
            _do(host, self.space, form_fleet(b"H" * 16, "After"))
            carry(guest, host, self.space, folder)
            self.host_logs, self.guest_logs = host.vault.logs_of(self.space), guest.vault.logs_of(self.space)
            keys = {row: host.vault.held(row) for row in host.vault.keys_of(self.space, None)}
            self.history = History(host.store, lambda key: keys.get(key))

    def _plan(self, host: Node, guest: Node, folder: Path) -> None:
        """An operation, what it is for, and a guest who is to take a slot in it."""
        jumptown, org, slot = b"J" * 16, self.space[:16], b"K" * 16
        _do(host, self.space, plan(jumptown, "Jumptown", 4_000_000_000, 4_000_007_200))
        _do(host, self.space, operate(jumptown, planning.describe, org, "Take it.", "Yela"))
        _do(host, self.space, operate(jumptown, planning.add_crew_slots, (slot,), "gunner", None, None, False))
        carry(host, guest, self.space, folder)
        _do(guest, self.space, operate(jumptown, crew.sign_up, self.guest, self.guest, Answer.ACCEPTED))
        _do(guest, self.space, operate(jumptown, crew.take_slot, self.guest, self.guest, slot))


def _rename_fleet(desk: Desk, title: str, fleet_id: bytes = b"F" * 16) -> None:
    desk.decide(FLEETS, fleet_id, fleet.rename, title)


def _do(node: Node, space: bytes, act: Callable[[Desk], None]) -> None:
    node.writer.do(Command(secrets.token_bytes(16), space, lambda desk: act(desk) or {}))


@pytest.fixture(scope="session")
def tale(tmp_path_factory: pytest.TempPathFactory) -> Tale:
    return Tale(tmp_path_factory.mktemp("tale"))
