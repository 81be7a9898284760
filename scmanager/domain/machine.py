"""A machine: one of a member's devices, by what he calls it. Said in his own space, for nobody else needs to know it.

Its id is the first half of the device's key, so that all his machines speak of one thing. What a device may do stands
in governance, and no name changes it.
"""

from collections.abc import Iterator

from scmanager.domain.event import About, Decision, Envelope, Event, Id, Id32, Personal, State, replace
from scmanager.domain.governance import Bytes32
from scmanager.domain.words import Name, check_name


class Named(Event, tag="machine.named/1"):
    """Carries a MachineName; an empty one takes the name away."""

    device: Bytes32


class MachineName(Personal):
    """What a member calls a device. Sealed under his key, so his erasure takes it."""

    text: Name


class Machine(State):
    """A machine, as its owner's events so far tell it."""

    owner: Id = b""
    device: Id32 = b""
    name: Id32 = b""
    """The entry whose part holds the MachineName."""


def machine_of(device: Id32) -> Id:
    """The id of the machine that a device is."""
    return device[:16]


def name(_machine: Machine, actor: Id, device: Id32, text: str) -> Iterator[Decision]:
    """Call it something; empty takes the name away. Raises WordsUnusable."""
    yield About(Named(device), actor, MachineName(check_name(text, may_be_empty=True)))


def evolve(machine: Machine, event: Named, envelope: Envelope) -> Machine:
    """Total. Whoever names it first is its owner: what others say does not count. The last in fold order stands."""
    if machine_of(event.device) != envelope.entity or machine.owner not in (b"", envelope.member):
        return machine
    return replace(machine, owner=envelope.member, device=event.device, name=envelope.entry)
