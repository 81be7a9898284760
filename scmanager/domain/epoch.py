"""Epochs: which key a space is written under from now on. A new one follows founding and each removal."""

from typing import Any

from scmanager.domain.event import Envelope, Id32, State, replace
from scmanager.domain.fold import Fold
from scmanager.domain.governance import EpochOpened


class Epochs(State):
    """The newest epochs: those that no other was opened in knowledge of."""

    newest: tuple[tuple[Id32, bytes], ...] = ()
    """(entry that opened it, key id)"""

    @property
    def writing(self) -> bytes:
        """The key id to write under: of concurrent newest epochs the smallest. Empty before the first."""
        return min((key for _, key in self.newest), default=b"")


def evolve(epochs: Epochs, event: Any, envelope: Envelope) -> Epochs:
    """Total. Two epochs opened at once stand side by side until somebody opens the next."""
    match event:
        case EpochOpened(key):
            kept = tuple(each for each in epochs.newest if each[0] not in (*envelope.saw, envelope.entry))
            return replace(epochs, newest=(*kept, (envelope.entry, key)))
        case _:
            return epochs


EPOCHS = Fold("epoch", Epochs(), evolve, (EpochOpened,))
