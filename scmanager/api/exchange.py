"""Letting machines and people in, handing the founder's seat over, making read models anew: what is no single verb.

The small files of an exchange (invitation, request, offer, answer) travel as their text, whole spaces by
`api.space_files`. Recovery pages go to the owner's own node only, over the loopback address, with its token,
and are kept nowhere.
"""

from datetime import UTC, datetime
from typing import Any

import strawberry
from strawberry import ID
from strawberry.types import Info

from scmanager.api.bindings import described
from scmanager.api.context import Context, work
from scmanager.api.mutations import Outcome, command_id_of, shown
from scmanager.api.scalars import IdMalformed, Moment, Whole, read_id


@described
class ExchangeFile:
    """A small file for another machine: save its text as it is, and hand it on."""

    text: str


@described
class Fork:
    """A log that signed two histories."""

    log: ID
    index: Whole = strawberry.field(description="The first entry that differs.")
    proof: str = strawberry.field(description="For anybody to check; the entries themselves are not in it.")


@described
class PendingRun:
    """Entries of one log that wait, and count for nothing: earlier ones of the log are not here."""

    number: Whole = strawberry.field(description="What `pendingDiscard` takes.")
    log: ID
    first: Whole
    last: Whole = strawberry.field(description="It is the entries from `first` to `last`.")
    missing: Whole | None = strawberry.field(
        description="The first entry that is missing; null for what follows another history than those held."
    )
    size_bytes: Whole
    since: Moment | None
    why: str


@described
class DroppedRun:
    """Entries that waited, proved to be none of their log when the earlier ones came, and were thrown away."""

    number: Whole = strawberry.field(description="`pendingDiscard` strikes it off this list.")
    log: ID
    first: Whole
    last: Whole
    code: str
    reason: str


@described
class Pending:
    """What came to a space without its beginning."""

    waiting: list[PendingRun]
    dropped: list[DroppedRun] = strawberry.field(description="The newest hundred of this node.")


@described
class Discarded:
    """A run was let go."""

    waiting: Whole = strawberry.field(description="How many runs of the space wait still.")


@described
class SeatTaken:
    """The founder's seat is yours."""

    space: ID
    log: ID = strawberry.field(description="The founder's new log.")


@described
class Rebuilt:
    """Read models that were made anew."""

    pos: Whole
    generation: int
    differing: list[str] = strawberry.field(
        description="Those whose live rows were not what they should have been: an alarm."
    )


async def invitation(info: Info[Context, None], space: ID, member: ID) -> ExchangeFile:
    """The file for somebody who was invited, or for another machine of your own. It gives nobody any right."""
    context, held, who = info.context, read_id(space, "space"), _member(member)
    context.viewer.check(held)
    return _file(await work(context.services, lambda: context.backend.exchange.invitation(held, who)))


async def forks(info: Info[Context, None], space: ID) -> list[Fork]:
    """The alarms of a space: logs that signed two histories, each with a proof to show around."""
    context, held = info.context, read_id(space, "space")
    context.viewer.check(held)
    found = await work(context.services, lambda: context.backend.exchange.forks(held))
    return [Fork(log=ID(each.log.hex()), index=Whole(each.index), proof=each.proof.decode()) for each in found]


async def pending(info: Info[Context, None], space: ID) -> Pending:
    """What came to a space without its beginning: runs of entries that wait for earlier ones."""
    context, held = info.context, read_id(space, "space")
    context.viewer.check(held)
    found = await work(context.services, lambda: context.backend.exchange.pending(held))
    return Pending(
        waiting=[_waiting(row) for row in found["waiting"]],
        dropped=[
            DroppedRun(
                number=Whole(row["number"]), log=ID(row["log"]), first=Whole(row["from"]), last=Whole(row["to"]),
                code=row["code"], reason=row["reason"],
            )
            for row in found["dropped"]
        ],
    )  # fmt: skip


def _waiting(row: dict[str, Any]) -> PendingRun:
    missing, since = row["missing_from"], datetime.fromtimestamp(row["since_s"], UTC)
    return PendingRun(
        number=Whole(row["number"]), log=ID(row["log"]), first=Whole(row["from"]), last=Whole(row["to"]),
        missing=None if missing is None else Whole(missing), size_bytes=Whole(row["bytes"]),
        since=Moment(since.strftime("%Y-%m-%dT%H:%M:%S.%fZ")) if row["since_s"] else None, why=row["why"],
    )  # fmt: skip


async def _discard(info: Info[Context, None], space: ID, number: Whole) -> Discarded:
    context, held = info.context, read_id(space, "space")
    return Discarded(
        waiting=Whole(await work(context.services, lambda: context.backend.exchange.discard(held, number)))
    )


async def _request(info: Info[Context, None], invitation: str) -> ExchangeFile:
    context = info.context
    return _file(await work(context.services, lambda: context.backend.exchange.request(_raw(invitation))))


async def _admit(
    info: Info[Context, None], request: str, role_id: ID, member_id: ID | None = None,
    command_id: ID | None = None, wait: bool = True,
) -> Outcome:  # fmt: skip
    context, role, command = info.context, _sixteen(role_id, "roleId"), command_id_of(command_id)
    member = None if member_id is None else _sixteen(member_id, "memberId")
    exchange = context.backend.exchange
    result = await work(context.services, lambda: exchange.admit(_raw(request), role, member, command))
    return await shown(context, result, command, wait)


async def _enrol(info: Info[Context, None], request: str, command_id: ID | None = None, wait: bool = True) -> Outcome:
    context, command = info.context, command_id_of(command_id)
    result = await work(context.services, lambda: context.backend.exchange.enrol(_raw(request), command))
    return await shown(context, result, command, wait)


async def _offer(info: Info[Context, None], space: ID, recovery_keys: Whole | None = None) -> ExchangeFile:
    context, held = info.context, read_id(space, "space")
    return _file(await work(context.services, lambda: context.backend.exchange.offer(held, recovery_keys)))


async def _sign(info: Info[Context, None], offer: str, pages: list[str]) -> ExchangeFile:
    context = info.context
    return _file(await work(context.services, lambda: context.backend.exchange.sign(_raw(offer), pages)))


async def _take(info: Info[Context, None], signed: str) -> SeatTaken:
    context = info.context
    result = await work(context.services, lambda: context.backend.exchange.take(_raw(signed)))
    return SeatTaken(space=ID(result["space"]), log=ID(result["log"]))


async def _rebuild(info: Info[Context, None]) -> Rebuilt:
    context = info.context
    done = await work(context.services, context.backend.rebuild)
    return Rebuilt(pos=Whole(done.pos), generation=done.generation, differing=list(done.differing))


def _file(data: bytes) -> ExchangeFile:
    return ExchangeFile(text=data.decode())


def _raw(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _member(text: str) -> bytes:
    return _sixteen(text, "member")


def _sixteen(text: str, argument: str) -> bytes:
    found = read_id(text, argument)
    if len(found) != 16:
        raise IdMalformed(argument=argument)
    return found


def _field(name: str, resolver: Any, description: str) -> Any:
    return strawberry.mutation(resolver=resolver, name=name, description=description)


MUTATIONS = [
    _field("spaceRequest", _request, "Ask to be let in: opens a log of this machine's own, each time another."),
    _field("memberAdmit", _admit, "Let in the device of a request, with a role's rank and rights."),
    _field("deviceAdmit", _enrol, "Let another machine of yours act as you, from the log of its request."),
    _field("pendingDiscard", _discard, "Let a run go that waits, or strike a dropped one off the list."),
    _field("recoveryOffer", _offer, "Ask the recovery keys for the founder's seat. A new sheet is written."),
    _field("recoverySign", _sign, "The recovery keys' word on an offer, from the pages of the sheet."),
    _field("recoveryTake", _take, "Take the founder's seat that an offer of this machine asked for."),
    _field("readModelsRebuild", _rebuild, "Make the read models anew beside the live ones, and switch over."),
]
