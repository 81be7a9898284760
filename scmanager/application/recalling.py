"""What a command led to, told from its entries: for logs of ours that came back as a file, without their outcomes.

A store keeps the outcome of each command it decided. Entries that are imported bring none, but each names its
command: so a command that was done before the folder was lost is not done again. An own log that entries came to from
outside is retired first (DESIGN 4, doubt), so only retired logs are looked through.

What cannot be known: a command whose entries are closed here or held for the clock, and one that recorded nothing.
"""

from collections.abc import Collection
from typing import Any

from scmanager.domain.catalogue import FOLDS
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space

Told = dict[str, Any]


class Recalled:
    """The commands of retired logs, by space and id. Read anew only when those logs changed."""

    def __init__(self) -> None:
        self._known: dict[bytes, tuple[object, dict[bytes, list[Opened]]]] = {}

    def told(self, space: Space, logs: Collection[bytes], command: bytes) -> Told | None:
        """What a command in these retired logs answers now; None when none of their entries names it.

        The first thing of each kind that it said something about, `recorded`: its entries' ids, and the space. What
        else the first answer held (counts, files) is not in entries, and so not in this one.
        """
        found = self._of(space, logs).get(command) if logs else None
        if found is None:
            return None
        things: Told = {}
        for each in sorted(found, key=lambda opened: opened.order):
            if each.shared is not None and each.shared.type in FOLDS:
                things.setdefault(each.shared.type.partition(".")[0], each.shared.entity.hex())
        return things | {"recorded": [each.entry.id32.hex() for each in found], "space": space.id.hex()}

    def _of(self, space: Space, logs: Collection[bytes]) -> dict[bytes, list[Opened]]:
        now = (tuple((log, space.heads(log)) for log in sorted(logs)), space.waiting)
        before = self._known.get(space.id)
        if before is not None and before[0] == now:
            return before[1]
        by_command: dict[bytes, list[Opened]] = {}
        for each in space.entries():
            if each.entry.log in logs and each.shared is not None:
                by_command.setdefault(each.shared.command, []).append(each)
        self._known[space.id] = (now, by_command)
        return by_command
