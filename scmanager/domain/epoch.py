"""Epochs: which key a space is written under from now on. A new one follows founding and each removal."""

from typing import Any

from scmanager.domain.event import Envelope, Id32, State, replace
from scmanager.domain.fold import Fold
from scmanager.domain.governance import EpochOpened
from scmanager.domain.roll import Roll


class Epochs(State):
    """The newest epochs: those that no other was opened in knowledge of."""

    newest: Roll[Id32, tuple[Id32, bytes]] = Roll()
    """(entry that opened it, key id), by entry."""

    @property
    def writing(self) -> bytes:
        """The key id to write under: of concurrent newest epochs the smallest. Empty before the first."""
        return min((key for _, key in self.newest), default=b"")


def evolve(epochs: Epochs, event: Any, envelope: Envelope) -> Epochs:
    """Total. Two epochs opened at once stand side by side until somebody opens the next."""
    match event:
        case EpochOpened(key):
            newest = epochs.newest
            for seen in envelope.saw:
                newest = newest.strike(seen)
            return replace(epochs, newest=newest.enter_last(envelope.entry, (envelope.entry, key)))
        case _:
            return epochs


EPOCHS = Fold("epoch", Epochs(), evolve, (EpochOpened,))
