"""Devices by name. Which of them act, and how one is cut, is governance (members)."""

from typing import Any

from scmanager.application.desk import Desk
from scmanager.application.inverses import former
from scmanager.application.verbs import DeviceId, verb
from scmanager.domain import machine
from scmanager.domain.catalogue import MACHINES

Result = dict[str, Any]


@verb("device.name", "personal", undo=former("name", machine.Named))
def name(desk: Desk, *, device: DeviceId, name: str) -> Result:
    """Call a device of yours something, such as Laptop, for yourself only; empty text takes the name away."""
    desk.decide(MACHINES, machine.machine_of(device), machine.name, desk.me, device, name)
    return {"device": device.hex()}
