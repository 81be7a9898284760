"""Alarms: what a node noticed and its owner must know, in the owner's own space. They change nothing else."""

from scmanager.domain.event import Event
from scmanager.domain.payload import Entry


class ForkSeen(Event, tag="alarm.fork-seen/1"):
    """A log signed two histories: its key has a twin, or its writer deceives. Each device says it once."""

    space: Entry
    log: Entry
