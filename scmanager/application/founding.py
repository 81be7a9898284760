"""Founding a space: a fresh log whose entry 0 is the founder's grant, and the first key it is written under."""

from collections.abc import Callable
from typing import Any

import msgspec

from scmanager.application.desk import Desk
from scmanager.application.keys import FreshKeys, Keys
from scmanager.application.seat import Seat
from scmanager.domain.governance import EVERY_RIGHT
from scmanager.domain.records import Grant
from scmanager.eventstore.entry import Genesis, Kind, RecoveryKeys
from scmanager.eventstore.own_log import OwnLog
from scmanager.eventstore.signing import SigningKey
from scmanager.spaces.shelf import Shelf


class Founding(msgspec.Struct, frozen=True):
    """A command that makes its own space. `act` runs at its desk once the space stands."""

    id: bytes
    kind: Kind
    key: SigningKey
    """Fresh, for this log only."""
    salt: bytes
    recovery: RecoveryKeys
    device: bytes
    box: bytes
    act: Callable[[Desk], dict[str, Any]]

    def seat(self, shelf: Shelf, vault: Keys, now_us: int, entropy: Callable[[int], bytes]) -> Seat:
        """The founder's seat, before anything is committed."""
        genesis = Genesis(
            (), (), b"", self.kind, "ed25519", self.key.public, self.salt,
            recovery=self.recovery, device=self.device, box=self.box,
        )  # fmt: skip
        log = OwnLog.found(genesis, self.key, now_us)
        first = log.first.entry
        grant = Grant(first.id32, first.log[:16], 0, frozenset({EVERY_RIGHT}), first.log, self.device, self.box)
        return Seat(shelf.fresh(first.log, self.kind), log, grant, FreshKeys(first.log, vault, entropy))

    def open(self, desk: Desk, vault: Keys) -> None:
        """Keep the log's seed, durable before the commit, and open the first epoch."""
        vault.put_log(desk.space.id, desk.space.id, self.key.reveal_seed())
        if self.kind != "author":
            desk.open_epoch()
