"""A player: the member behind the characters, by the member's own id; which of them is the main one in this space."""

from collections.abc import Iterator

from scmanager.domain.contest import Claim, drop, entries, holder, rivals, stake
from scmanager.domain.event import Decision, Envelope, Event, Id, State, replace
from scmanager.domain.payload import Entries, Id16


class MainChosen(Event, tag="player.main-chosen/1"):
    """Its author's main character."""

    character: Id16
    over: Entries = ()


class MainDropped(Event, tag="player.main-dropped/1"):
    """Its author has no main character."""

    over: Entries = ()


PlayerEvent = MainChosen | MainDropped


class Player(State):
    """A player, as the member's own events so far tell it."""

    mains: tuple[Claim[Id], ...] = ()

    @property
    def main(self) -> Id | None:
        """The main character. Whether it is still seen here is the character's business."""
        return holder(self.mains)

    @property
    def rival_mains(self) -> tuple[Id, ...]:
        """Others chosen at the same time. Choosing one of them again settles it."""
        return rivals(self.mains)


def choose_main(player: Player, character: Id) -> Iterator[Decision]:
    """Play this one first of all; ends every other choice, contested ones too."""
    if player.main != character or player.rival_mains:
        yield MainChosen(character, entries(player.mains))


def drop_main(player: Player) -> Iterator[Decision]:
    """Have no main character. Harmless if there is none."""
    if player.mains:
        yield MainDropped(entries(player.mains))


def evolve(player: Player, event: PlayerEvent, envelope: Envelope) -> Player:
    """Total. Counts only from the member himself. Two chosen at once are contested until one is chosen again."""
    if envelope.member != envelope.entity:
        return player
    match event:
        case MainChosen(character, over):
            return replace(player, mains=stake(player.mains, character, over, envelope))
        case MainDropped(over):
            return replace(player, mains=drop(player.mains, over, envelope))
