"""Settling: what a seat owes its space by itself, once it knows what others did. Nobody has to ask for it."""

from collections.abc import Callable
from contextlib import suppress

from scmanager.application.departing import able, highest_able, owed_to
from scmanager.application.desk import Desk
from scmanager.application.members import end_grants
from scmanager.application.writer import Command, Result, Writer
from scmanager.domain.epoch import EPOCHS, Epochs
from scmanager.domain.governance import DeviceCut, Enrolled, EpochOpened
from scmanager.domain.records import Grant
from scmanager.errors import Refused, Unavailable
from scmanager.spaces.space import Space


def settle(writer: Writer, space: Space, entropy: Callable[[int], bytes]) -> None:
    """End the grants of who left, open the epoch and enrol the devices that are owed, if we have a seat there.

    What cannot be done now (a key is missing, the clock is wrong) is done the next time, and keeps nothing else.
    """
    for step in (settle_leaving, settle_key, settle_devices):
        with suppress(Refused, Unavailable):
            step(writer, space, writer.grant(space.id), entropy(16))


def settle_leaving(writer: Writer, space: Space, grant: Grant, command: bytes) -> int:
    """End the grants of the members who left, and change the key; returns how many members."""
    owed = owed_to(space, grant)

    def act(desk: Desk) -> Result:
        end_grants(desk, owed)
        return {}

    if owed:
        writer.do(Command(command, space.id, act))
    return len(owed)


def settle_devices(writer: Writer, space: Space, grant: Grant, command: bytes) -> int:
    """Let the devices of an ended grant act by the one that followed it on the same log; returns how many.

    A role is changed by a new grant, which names the first log alone: a further device would lose its seat by a
    promotion. What was disowned once, by whatever grant, stays outside.
    """
    standing = space.verdicts.grants[grant.id]
    if standing.levels.get(writer.seat_log(space.id) or b"") != 0:
        return 0
    cut = {
        each.event.device
        for each in space.of_type(DeviceCut.tag)
        if isinstance(each.event, DeviceCut) and space.envelope(each).member == grant.member
    }
    owed: dict[bytes, Enrolled] = {}
    for opened in space.of_type(Enrolled.tag):
        event, shared = opened.event, opened.shared
        before = space.verdicts.grants.get(shared.by) if shared else None
        if not isinstance(event, Enrolled) or before is None or not before.ended:
            continue
        same = (before.grant.member, before.grant.log) == (grant.member, grant.log)
        if same and event.device not in cut and event.log not in standing.levels:
            owed[event.log] = event

    def act(desk: Desk) -> Result:
        for event in owed.values():
            first = desk.space.first_entry(event.log)
            if first is not None:
                desk.record(None, desk.me, event, (first,))
        return {}

    if owed:
        writer.do(Command(command, space.id, act))
    return len(owed)


def settle_key(writer: Writer, space: Space, grant: Grant, command: bytes) -> bool:
    """Open an epoch where one is owed; True if it was.

    - After a recovery: the old founder knows the key, and a recovery ends grants as a removal does.
    - After two removals that did not know of each other: of their two keys the smaller is written under, and who was
      removed by one may have had the other. The highest of those who may change the key does it, and nobody else.

    Only once what those wrote who may change the key can be read: an epoch opened in ignorance of the last one would
    stand beside it (design, section 2, seal). What others sealed under keys that nobody has keeps it from nothing.
    """
    if space.kind == "author":
        return False  # It is written in clear.
    held = {log for each in able(space) for log in each.levels}
    if space.closed_logs() & held or not (_is_owed_by(space, grant) or _is_to_settle_by(space, grant)):
        return False
    writer.do(Command(command, space.id, _open_epoch))
    return True


def _is_owed_by(space: Space, grant: Grant) -> bool:
    opened = space.of_type(EpochOpened.tag)
    return grant.generation > 0 and not any(each.shared is not None and each.shared.by == grant.id for each in opened)


def _is_to_settle_by(space: Space, grant: Grant) -> bool:
    epochs = space.state(EPOCHS, space.id[:16])
    if not isinstance(epochs, Epochs) or len(epochs.newest) < 2:
        return False
    highest = highest_able(space)
    return highest is not None and grant.id == highest.id


def _open_epoch(desk: Desk) -> Result:
    desk.open_epoch()
    return {}
