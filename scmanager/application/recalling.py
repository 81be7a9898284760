"""What a command led to, told from its entries: for logs of ours that came back as a file, without their outcomes.

A store keeps the outcome of each command it decided. Entries that are imported bring none, but each names its
command: so a command that was done before the folder was lost is not done again. An own log that entries came to from
outside is retired first (DESIGN 4, doubt), so only retired logs are looked through.

What cannot be known: a command whose entries are closed here or held for the clock, and one that recorded nothing.
"""

from collections.abc import Collection
from typing import Any

from scmanager.domain.catalogue import FOLDS
from scmanager.spaces.space import Space

Told = dict[str, Any]


def recalled(space: Space, logs: Collection[bytes], command: bytes) -> Told | None:
    """What a command in these retired logs answers now; None when none of their entries names it.

    The first thing of each kind that it said something about, `recorded`: its entries' ids, and the space. What
    else the first answer held (counts, files) is not in entries, and so not in this one.
    """
    found = space.outcomes.of(command, logs)
    if not found:
        return None
    things: Told = {}
    for each in found:
        if each.shared is not None and each.shared.type in FOLDS:
            things.setdefault(FOLDS[each.shared.type].name, each.shared.entity.hex())
    return things | {"recorded": [each.entry.id32.hex() for each in found], "space": space.id.hex()}
