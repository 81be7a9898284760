"""One's own devices and what one calls them, out of the folder itself. The names stand in one's own space."""

from collections.abc import Iterable, Iterator
from typing import Any

from scmanager.application.words import Words
from scmanager.cli.calling import Named
from scmanager.cli.session import Place
from scmanager.domain.catalogue import MACHINES
from scmanager.domain.event import Id32
from scmanager.domain.governance import DeviceCut
from scmanager.domain.machine import MachineName
from scmanager.domain.records import Standing
from scmanager.spaces.personal import Absence
from scmanager.spaces.space import Space


def seats(place: Place, space: Space) -> Iterator[Standing]:
    """The grants by which this folder's owner acts in a space, on any of his machines."""
    own, grants = set(place.vault.logs_of(space.id)), list(space.grants())
    mine = {each.grant.member for each in grants if own & set(each.levels)}
    return (each for each in grants if each.grant.member in mine)


def acts(place: Place, space: Space, device: Id32) -> bool:
    """Whether a device of the owner's acts in a space, by a grant that stands, and was not disowned there."""
    return any(device in seat.devices and device not in disowned(space, seat) for seat in seats(place, space))


def disowned(space: Space, seat: Standing) -> set[Id32]:
    """The devices that were disowned by whoever has this seat."""
    said = space.of_type(DeviceCut.tag) if seat.disowned else ()
    return {
        each.event.device
        for each in said
        if isinstance(each.event, DeviceCut) and space.envelope(each).member == seat.grant.member
    }


def called(place: Place) -> dict[Id32, MachineName | Absence]:
    """What devices are called, or why that cannot be read here; those that nobody named are left out."""
    found: dict[Id32, MachineName | Absence] = {}
    for space in place.personal_spaces():
        said: dict[Id32, Id32] = {}
        for _, state in space.things(MACHINES):
            one: Any = state
            said[one.device] = one.name
        read = Words(place.store, place.vault.held).read(space, dict.fromkeys(said.values(), MachineName))
        for device, entry in said.items():
            words = read[entry]
            found.setdefault(device, words if isinstance(words, MachineName | Absence) else Absence.UNREADABLE)
    return found


def known(place: Place, spaces: Iterable[Space]) -> list[Named]:
    """One's devices in these spaces, to be named."""
    names = called(place)
    devices = dict.fromkeys(each for space in spaces for seat in seats(place, space) for each in seat.devices)
    return [Named(each, (said.text,) if isinstance(said := names.get(each), MachineName) else ()) for each in devices]
