"""A seat: from where this installation speaks in a space. It outlives commands; a desk stands before it for one."""

from scmanager.application.keys import FreshKeys
from scmanager.domain.event import Id, Id32, State
from scmanager.domain.records import Grant
from scmanager.eventstore.own_log import OwnLog, Secret
from scmanager.spaces.space import Space


class Seat:
    """From where this installation speaks in a space: its log there and the grant it acts by."""

    def __init__(self, space: Space, log: OwnLog, grant: Grant, keys: FreshKeys) -> None:
        self.space, self.log, self.grant, self.keys = space, log, grant, keys
        self.rulings = space.rulings
        """How often grants had changed when it was taken: after another change it is looked for anew."""
        self.overlay: dict[tuple[str, Id], tuple[State, tuple[Id32, ...]]] = {}
        """States and tips that recorded, not yet committed events lead to."""
        self.has_named = False
        """Whether an entry of this batch names the heads of other logs."""
        self.writing: Secret | None = None
        """The space's key as this batch has fetched it: the vault reads and unwraps it anew each time."""

    def settle(self) -> None:
        """The batch was committed, or given up: begin anew from the space."""
        self.overlay.clear()
        self.has_named, self.writing = False, None
