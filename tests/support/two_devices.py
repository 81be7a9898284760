"""Two devices of one founder in one organisation: each acts unseen by the other, then both hear of both."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from scmanager.domain.catalogue import FOLDS
from scmanager.domain.clash import Contest
from scmanager.domain.fold import Fold
from scmanager.spaces.space import Space
from tests.support.machines import Machine, carry, found
from tests.support.node import Seat

Said = tuple[str, dict[str, Any]]
"""A verb and its arguments."""

EVERY_FOLD: tuple[Fold, ...] = tuple({fold.name: fold for fold in FOLDS.values()}.values())


class TwoDevices:
    """`desk` is the machine that founded, `phone` the one that was enrolled."""

    def __init__(self, folder: Path, desk: Seat, phone: Seat) -> None:
        self._folder, self.desk, self.phone = folder, desk, phone

    def at_once(self, one: Said, other: Said) -> None:
        """The desk says one thing and the phone another, neither knowing of it; then both hear of both."""
        self.desk.do(one[0], **one[1])
        self.phone.do(other[0], **other[1])
        self.meet()

    def meet(self) -> None:
        """Both hear what the other wrote, and agree on every state and on what is contested."""
        carry(self.phone.node, self.desk.node, self.desk.space, self._folder)
        self.tell_phone()
        assert self.at(self.desk).frontier() == self.at(self.phone).frontier()
        assert told(self.at(self.desk)) == told(self.at(self.phone))

    def tell_phone(self) -> None:
        """The phone hears what the desk wrote."""
        carry(self.desk.node, self.phone.node, self.desk.space, self._folder)

    @staticmethod
    def at(seat: Seat) -> Space:
        """The space as a device holds it."""
        return seat.node.shelf.space(seat.space)

    def contests(self, fold: Fold, entity: bytes) -> tuple[Contest, ...]:
        """What is and was contested of one thing."""
        thing = self.at(self.desk).thing(fold, entity)
        return thing.contests() if thing else ()


def told(space: Space) -> dict[str, Any]:
    """Everything that a space says: verdicts, states, contests."""
    states = {fold.name: dict(space.things(fold)) for fold in EVERY_FOLD}
    contests = {
        (fold.name, entity): thing.contests()
        for fold in EVERY_FOLD
        for entity in states[fold.name]
        if (thing := space.thing(fold, entity)) is not None
    }
    return {"verdicts": dict(space.verdicts.entries), "contests": contests} | states


@contextmanager
def two_devices(folder: Path) -> Iterator[TwoDevices]:
    """Founded, enrolled, and both up to date."""
    with Machine(folder, "desk").open() as host, Machine(folder, "phone").open() as other:
        space = found(host)
        request = other.request(host.invitation(space, space[:16]))
        host.take_request(request)
        host.do("device.enrol", space, {"log": request.log, "device": request.device, "box": request.box})
        carry(host, other, space, folder)
        made = TwoDevices(folder, Seat(host, space), Seat(other, space))
        made.meet()
        yield made
