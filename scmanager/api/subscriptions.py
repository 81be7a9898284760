"""Subscriptions: what changed, and live views that answer anew when it did."""

from collections.abc import AsyncIterator

import strawberry
from strawberry import ID
from strawberry.types import Info

from scmanager.api import models
from scmanager.api import notifications as noted
from scmanager.api.bindings import described, many, one
from scmanager.api.context import Context
from scmanager.api.feed import Changed
from scmanager.api.filters import FleetFilter, FleetSort, MemberFilter, MemberSort, ShipFilter, ShipSort
from scmanager.api.models import Connection
from scmanager.api.operation_filters import OperationFilter, OperationSort
from scmanager.api.operation_models import Operation
from scmanager.api.scalars import Whole, read_id

_IN_SPACE = {"space": (ID, "{c}.space = {v}")}


@described
class Change:
    """Read models that changed."""

    space: ID | None = strawberry.field(description="Null: anything may have changed, read anew.")
    tables: list[str]
    pos: Whole


async def _changes(info: Info[Context, None], space: ID | None = None) -> AsyncIterator[Change]:
    """Each change to the read models of one space, or of all that you are in."""
    wanted = read_id(space, "space") if space is not None else None
    if wanted is not None:
        info.context.viewer.check(wanted)
    async with info.context.services.feed.listen() as listener:
        while True:
            changed = await listener.next()
            if concerns(info.context, changed, wanted):
                yield Change(space=ID(changed.space) if changed.space else None, tables=changed.tables,
                             pos=Whole(changed.pos))  # fmt: skip


def concerns(context: Context, changed: Changed, wanted: bytes | None) -> bool:
    """Whether a change may be told, and was asked for."""
    if not changed.space:
        return True
    space = bytes.fromhex(changed.space)
    return context.viewer.sees(space) and wanted in (None, space)


@described
class Subscription:
    """What is told as it happens. Live views answer at once and whenever their answer changes."""

    changes: AsyncIterator[Change] = strawberry.subscription(resolver=_changes)
    organisation: models.Organisation | None = one(
        "", given={"id": (ID, "({c}.id = {v} or {c}.space = {v})")}, description="An organisation, live."
    )
    members: Connection[models.Member] = many(
        "", filter=MemberFilter, sort=MemberSort, next_step=models.NO_MEMBERS, given=_IN_SPACE,
        description="The roster, live.",
    )  # fmt: skip
    ships: Connection[models.Ship] = many(
        "", filter=ShipFilter, sort=ShipSort, next_step=models.NO_SHIPS, given=_IN_SPACE, description="Ships, live."
    )
    fleets: Connection[models.Fleet] = many(
        "",
        filter=FleetFilter,
        sort=FleetSort,
        next_step=models.NO_FLEETS,
        given=_IN_SPACE,
        description="Fleets, live.",
    )
    operations: Connection[Operation] = many(
        "", filter=OperationFilter, sort=OperationSort, next_step=models.NO_OPERATIONS, given=_IN_SPACE,
        description="Operations, live.",
    )  # fmt: skip
    notifications: Connection[noted.Notification] = many(
        noted.SHOWN, filter=noted.NotificationFilter, sort=noted.NotificationSort,
        next_step=noted.NO_NOTIFICATIONS, given={"space": (ID | None, "{c}.space = {v}")},
        due=noted.DUE, description="What you should know, live: a reminder comes when it is due.",
    )  # fmt: skip
