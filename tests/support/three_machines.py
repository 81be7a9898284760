"""Three machines of one organisation, of which one records whatever its owner likes."""

import secrets
from pathlib import Path
from typing import Any

from scmanager.application.desk import Desk
from scmanager.application.words import Words
from scmanager.application.writer import Command
from scmanager.domain.catalogue import MEMBERS, ROLES
from scmanager.domain.event import Event, Id32, Personal
from scmanager.domain.fold import Fold
from scmanager.domain.role import Changed
from scmanager.runtime import Node
from tests.support.machines import Machine, carry, found, let_in


class Org:
    """Ada founds; Bob, rank 3, speaks for members and defines roles; Cleo, rank 8, may nothing."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ada, self.bob, self.cleo = (Machine(folder, name).open() for name in ("ada", "bob", "cleo"))
        self.space = found(self.ada)
        self.founder = self.space[:16]
        roles = (("Herald", 3, ("member.represent", "role.define")), ("Hand", 8, ()))
        self.herald, self.hand = (self._role(*each) for each in roles)
        self.bob_id = let_in(self.ada, self.bob, self.space, self.herald, folder)
        self.carry(self.bob, self.ada)
        self.cleo_id = let_in(self.ada, self.cleo, self.space, self.hand, folder)
        self.carry(self.cleo, self.ada)
        self.carry(self.ada, self.bob)

    def _role(self, title: str, rank: int, rights: tuple[str, ...]) -> bytes:
        made = self.ada.do("role.define", self.space, {"title": title, "rank": rank, "rights": rights})
        return bytes.fromhex(made["role"])

    def carry(self, from_: Node, to: Node) -> None:
        carry(from_, to, self.space, self.folder)

    def arm(self, *rights: str) -> None:
        """Bob gets these rights, at his rank."""
        role = self._role("Armed", 3, rights)
        self.ada.do("member.set-role", self.space, {"member_id": self.bob_id, "role_id": role})
        self.carry(self.ada, self.bob)

    def forge(self, *said: tuple[bytes, Event]) -> None:
        """Bob's machine records what no verb of his would."""

        def act(desk: Desk) -> dict[str, object]:
            for entity, event in said:
                desk.record(ROLES if isinstance(event, Changed) else MEMBERS, entity, event)
            return {}

        self.bob.writer.do(Command(secrets.token_bytes(16), self.space, act))
        self.carry(self.bob, self.ada)

    def member(self, member: bytes) -> object:
        with self.ada.shelf.lock:
            return self.ada.shelf.space(self.space).state(MEMBERS, member)

    def state(self, fold: Fold, entity: bytes) -> Any:
        """A thing as Ada's node knows it."""
        with self.ada.shelf.lock:
            return self.ada.shelf.space(self.space).state(fold, entity)

    def words(self, entry: Id32, kind: type[Personal]) -> object:
        with self.ada.shelf.lock:
            space = self.ada.shelf.space(self.space)
            return Words(self.ada.store, self.ada.vault.held).read(space, {entry: kind})[entry]

    def close(self) -> None:
        for node in (self.ada, self.bob, self.cleo):
            node.close()
