"""Notifications as a GraphQL type: what this node's owner should know, in plain words and in parts."""

import enum

import strawberry
from strawberry import ID

from scmanager.api import diplomacy
from scmanager.api.bindings import Sort, Table, chosen, column, computed, described, hexed, matches, moment, one
from scmanager.api.models import Fleet, Member, Organisation, Ship, Squadron
from scmanager.api.operation_models import Operation
from scmanager.api.scalars import Moment, graphql_enum
from scmanager.domain import notification

NO_NOTIFICATIONS = "Nothing new: what others do that concerns you is shown here."
NotificationKind = graphql_enum(notification.Kind)

SHOWN = (
    "{c}.at <= now() and ({c}.need_right is null or exists (select 1 from member m where m.space = {c}.space"
    " and m.id = {c}.me and m.rights && array[{c}.need_right, '*']))"
)
"""What is due, for whom it is meant."""
DUE = (
    "select extract(epoch from min(at) - clock_timestamp())::float8 from notification"
    " where at > now() and at < 'infinity'"
)
"""Seconds until the next one is due."""

_UNREAD = "(not exists (select 1 from notification_read r where r.notification = {c}.id))"
_WHO = (
    "coalesce((select coalesce(nullif(m.display_name, ''), m.handle) from member m"
    " where m.space = {c}.space and m.id = {c}.who), 'Somebody')"
)


def _text() -> str:
    """The same as `domain.notification.sentence`. Placeholders are PostgreSQL's: no name can stand for another."""
    cases = []
    for kind, sentence in notification.SENTENCES.items():
        told = sentence.format(who="%%1$s", title="%%2$s", said="%%3$s").replace("'", "''")
        cases.append(f"when '{kind.value}' then '{told}'")
    return f"format(case {{c}}.kind {' '.join(cases)} else '' end, {_WHO}, {{c}}.title, {{c}}.said)"


def _thing() -> str:
    return "{c}.space = {p}.space and {c}.id = {p}.thing"


@strawberry.input
class NotificationFilter:
    """Which notifications."""

    unread: bool | None = matches(f"{_UNREAD} = {{v}}")
    kind: list[NotificationKind] | None = matches("{c}.kind = any({v})")  # type: ignore[valid-type] # made from the domain's
    since: Moment | None = matches("{c}.at >= {v}::timestamptz")


@strawberry.enum
class NotificationSort(enum.Enum):
    """By what notifications are ordered."""

    AT = Sort("at", "timestamptz")


@described
class Notification:
    """Something that you should know. The thing it is about is there under the field of its kind."""

    id: ID = hexed("id", "What notificationMarkRead asks for.")
    space: ID = hexed("space")
    kind: NotificationKind = chosen("kind")  # type: ignore[valid-type] # made from the domain's
    at: Moment = moment("at", "When it happened, or was due. Show it in the reader's own zone.")
    unread: bool = computed(_UNREAD)
    text: str = computed(_text(), "In plain words.")
    title: str = column("title", "What the thing is called.")
    said: str = column("said", "What goes along: a reason, a role, what was changed.")
    thing: ID = hexed("thing", "What it is about.")
    who: Member | None = one("{c}.space = {p}.space and {c}.id = {p}.who", "Who did it.")
    organisation: Organisation | None = one("{c}.space = {p}.space", "Where.")
    operation: Operation | None = one(_thing())
    ship: Ship | None = one(_thing())
    fleet: Fleet | None = one(_thing())
    squadron: Squadron | None = one(_thing())
    contact: diplomacy.Contact | None = one(_thing())
    treaty: diplomacy.Treaty | None = one(_thing())


TABLES: dict[str, Table] = {"Notification": Table("notification")}
"""The read model behind each type."""
