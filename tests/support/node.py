"""A node of one member in a temporary folder, with what a test of the use cases asks of it."""

from pathlib import Path
from typing import Any

from scmanager.adapters.hangar_files import read_hangar
from scmanager.application.erasure import Erasures
from scmanager.application.hangar_preview import Preview, preview
from scmanager.application.hangar_ships import HangarFile
from scmanager.application.words import Words
from scmanager.domain.catalogue import SHIPS
from scmanager.domain.event import Id, Personal
from scmanager.domain.ship import Ship, Standing
from scmanager.domain.ship_events import Details, Nickname, Owner, OwnerKind
from scmanager.runtime import Node
from scmanager.spaces.personal import Absence

FIXTURES = Path(__file__).parent.parent / "fixtures" / "hangars"


class Seat:
    """A node and the space in it that a test acts in."""

    def __init__(self, node: Node, space: bytes) -> None:
        self.node, self.space = node, space

    @property
    def me(self) -> Id:
        """The member this seat speaks as: here always the space's founder."""
        return self.space[:16]

    def do(self, verb: str, command: bytes | None = None, **arguments: Any) -> dict[str, Any]:
        return self.node.do(verb, self.space, arguments, command)

    def made(self, thing: str, verb: str, **arguments: Any) -> bytes:
        """The id of what a verb made."""
        return bytes.fromhex(self.do(verb, **arguments)[thing])

    def state(self, fold: Any, entity: bytes) -> Any:
        return self.node.shelf.space(self.space).state(fold, entity)

    def ship(self, ship_id: bytes) -> Ship:
        found: Ship = self.state(SHIPS, ship_id)
        return found

    def ships(self, standing: Standing = Standing.PRESENT) -> dict[bytes, Ship]:
        space = self.node.shelf.space(self.space)
        return {i: one for i, one in space.things(SHIPS) if isinstance(one, Ship) and one.standing is standing}

    def pos(self) -> int:
        return self.node.store.last_pos()

    @property
    def words(self) -> Words:
        return Words(self.node.store, self.node.vault.held)

    def read(self, entry: bytes, kind: type[Personal]) -> Personal | Absence:
        return self.words.read(self.node.shelf.space(self.space), {entry: kind})[entry]

    def nickname(self, ship_id: bytes) -> str | Absence:
        found = self.read(self.ship(ship_id).nickname, Nickname)
        return found.text if isinstance(found, Nickname) else Absence(found)

    def details(self, ship_id: bytes) -> Details | Absence:
        found = self.read(self.ship(ship_id).details, Details)
        return found if isinstance(found, Details) else Absence(found)

    def preview(self, file: HangarFile, owner: Owner | None = None, answers: dict[str, str] | None = None) -> Preview:
        space = self.node.shelf.space(self.space)
        return preview(space, owner or Owner(OwnerKind.MEMBER, self.me), file, self.words, answers)

    def erase_my_words(self) -> None:
        """At once, keys and parts."""
        self.do("member.erase", member_id=self.me, ground="at-once")
        node = self.node
        Erasures(node.store, node.shelf, node.vault, {}, lambda: 0).run()


def fixture(name: str) -> HangarFile:
    """A hangar file as the reader understands it."""
    return read_hangar((FIXTURES / name).read_bytes())
