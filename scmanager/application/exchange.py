"""Exchange: what came from another machine is verified, admitted, and then follows the path of our own events."""

from collections.abc import Iterable

import msgspec

from scmanager.application.keys import Keys
from scmanager.errors import Untrusted
from scmanager.eventstore.entry import Genesis, Kind
from scmanager.eventstore.log_copy import LogCopy, verify_copy
from scmanager.eventstore.own_log import OwnLog
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.store import Row, Store
from scmanager.eventstore.verification import VerifiedRun
from scmanager.spaces.shelf import Shelf


class OtherSpace(Untrusted):
    """A log in this file belongs to another space."""

    code = "exchange-other-space"
    hint = "Have the sender export the space again."


class Admitted(msgspec.Struct, frozen=True):
    """What an exchange brought."""

    logs: int
    entries: int
    """New ones."""


def admit_logs(store: Store, shelf: Shelf, space: bytes, logs: Iterable[LogCopy]) -> Admitted:
    """Verify all copies before the first is stored, then admit them. Raises Untrusted, OtherSpace."""
    runs = [verify_copy(copy) for copy in logs]
    if any(run.head.space != space for run in runs):
        raise OtherSpace
    new = sum(store.admit(run) for run in _founding_first(runs))
    shelf.follow()
    return Admitted(len(runs), new)


def _founding_first(runs: list[VerifiedRun]) -> list[VerifiedRun]:
    return sorted(runs, key=lambda run: run.head.log != run.head.space)


def open_log(store: Store, shelf: Shelf, vault: Keys, space: bytes, kind: Kind, salt: bytes, now_us: int) -> bytes:
    """A fresh log of ours in a space we do not act in yet: entry 0 alone, to be named by a grant. Returns its id."""
    key = SigningKey.generate()
    log = OwnLog.found(Genesis((), (), space, kind, "ed25519", key.public, salt), key, now_us)
    batch = log.commit()
    vault.put_log(batch.head.log, space, key.reveal_seed())
    pos = store.append(batch)
    shelf.take([Row(pos, batch.head.log, 0, batch.sealed[0].entry.data, b"")])
    return batch.head.log
