"""Continuing: a fresh log for the same seat, when the old one may have been copied or rolled back (DESIGN 3, rule 5).

The old log's key signs the new log's key in clear, so that mirrors follow; the device's key signs the new log's id in
entry 1, so that the grant's rules do. The old log is never written again.
"""

from collections.abc import Callable
from typing import Any

import msgspec

from scmanager.application.desk import Desk, NotAMember
from scmanager.application.keys import FreshKeys, Keys
from scmanager.application.seat import Seat
from scmanager.domain.governance import Continued, continuation_message, succession_message
from scmanager.eventstore.entry import Continues, Genesis
from scmanager.eventstore.own_log import OwnLog
from scmanager.eventstore.signing import SigningKey
from scmanager.spaces.shelf import Shelf

SignAsDevice = Callable[[bytes], bytes]
"""The device identity's signature over a whole message."""


class Continuation(msgspec.Struct, frozen=True):
    """A command that opens a new log in a space we act in already."""

    id: bytes
    space: bytes
    old: bytes
    """The log that is not written any more."""
    key: SigningKey
    """Fresh, for the new log only."""
    salt: bytes
    device: bytes
    sign: SignAsDevice

    def seat(self, shelf: Shelf, vault: Keys, now_us: int, entropy: Callable[[int], bytes]) -> Seat:
        """The same grant, at a log of its own. Raises NotAMember when the old log has no grant that stands."""
        space = shelf.space(self.space)
        standing = next((each for each in space.grants() if each.speaks(self.old)), None)
        seed = vault.log_seed(self.old)
        if standing is None or seed is None:
            raise NotAMember
        message = succession_message(space.id, self.old, self.key.public)
        continues = Continues(self.old, SigningKey(seed).sign(message))
        genesis = Genesis(
            (), (), space.id, space.kind, "ed25519", self.key.public, self.salt, continues=continues
        )  # fmt: skip
        log = OwnLog.found(genesis, self.key, max(now_us, space.hlc + 1))
        return Seat(space, log, standing.grant, FreshKeys(space.id, vault, entropy))

    def open(self, desk: Desk, vault: Keys) -> None:
        """Keep the new log's seed, durable before the commit; entry 1 proves the device."""
        log = desk.log_id
        vault.put_log(log, desk.space.id, self.key.reveal_seed())
        signature = self.sign(continuation_message(desk.space.id, log))
        desk.record(None, desk.me, Continued(self.device, signature), alone=True)  # It must be entry 1.

    def act(self, desk: Desk) -> dict[str, Any]:
        """Nothing more."""
        return {"log": desk.log_id.hex()}
