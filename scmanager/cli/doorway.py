"""The way into a data folder: through the node that runs there, or by oneself once nobody else works in it.

Commands are short, so that one waits for another; so does one for a node that is still starting, until it answers.
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from scmanager.adapters.folder_lock import FolderInUse, Holder
from scmanager.cli.client import RunningNode, running_node

LOOK_S = 0.05
COMMAND_S = 5.0
PATIENCE_S = {Holder.NODE: 15.0, Holder.QUERY: 30.0}
"""How long one holder is waited for; the next makes the wait begin anew. A query starts a database."""
QUEUE_S = 120.0
"""How long all of them are waited for."""

Opened = TypeVar("Opened")


def enter(folder: Path, work: Callable[[], Opened], command_s: float = COMMAND_S) -> Opened | RunningNode:
    """The node that runs in the folder, or what `work` opens there. Raises what `work` raises.

    `work` raises FolderInUse while somebody holds the folder; it is asked again until that holder was there for
    too long: `command_s` seconds for a command.
    """
    began, since, last = time.monotonic(), time.monotonic(), ""
    while True:
        running = running_node(folder)
        if running is not None:
            return running
        try:
            return work()
        except FolderInUse as error:
            now, holder, what = time.monotonic(), str(error.facts["holder"]), str(error.facts["what"])
            if holder != last:
                since, last = now, holder
            patience_s = PATIENCE_S.get(Holder(what), command_s)
            if now - since >= patience_s or now - began >= QUEUE_S:
                raise
        time.sleep(LOOK_S)
