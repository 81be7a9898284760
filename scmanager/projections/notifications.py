"""Notifications: what this node's owner should know of each thing, and what he has read.

A thing's rows follow from its history and from who he is. What depends on his rights is decided when somebody asks:
a changed role changes no row.
"""

from collections.abc import Iterator

from scmanager.domain.catalogue import (
    CHARACTERS,
    CONTACTS,
    FLEETS,
    INBOXES,
    MEMBERS,
    OPERATIONS,
    ORGANISATIONS,
    PLAYERS,
    ROLES,
    SHIPS,
    SQUADRONS,
    TREATIES,
)
from scmanager.domain.event import Id
from scmanager.domain.noticing import notifications
from scmanager.domain.notification import SECOND_US, Kind, Notification, notification_id
from scmanager.domain.reading import Inbox
from scmanager.projections.copy_text import ident, line, micros, seconds, text
from scmanager.projections.read_model import Look, ReadModel, Row, Table
from scmanager.spaces.contests import shown

FOLDS = (
    ORGANISATIONS, ROLES, MEMBERS, SHIPS, FLEETS, SQUADRONS, OPERATIONS, CONTACTS, TREATIES, CHARACTERS, PLAYERS,
)  # fmt: skip
"""The kinds of things that there may be something to know of."""
_CALENDARS_END_US = 253_402_300_799 * SECOND_US


def rows(look: Look, entity: Id) -> Iterator[Row]:
    """What is to be known of a thing; of the owner himself, in his own space, what he has read."""
    reader = look.scene.reader
    if reader is not None:
        found = {each.id: each for each in _found(look, entity)}
        for each in found.values():
            yield "notification", _line(look, entity, each, reader.me)
    inbox: Inbox = look.state(INBOXES, entity)
    for read in inbox.read:
        yield "notification_read", line(ident(look.space), ident(entity), ident(read))


def _found(look: Look, entity: Id) -> Iterator[Notification]:
    scene = look.scene
    assert scene.reader is not None
    for fold in FOLDS:
        history = scene.histories.get((fold.name, entity))
        if history:
            state = look.state(fold, entity)
            contests = look.contests(fold, entity) if shown(state) else ()
            yield from notifications(fold.name, entity, state, history, contests, scene.reader.me, scene.reader.since)
    if entity in scene.forks:
        yield Notification(notification_id(Kind.FORK, entity, b""), Kind.FORK, scene.forks[entity])


def _line(look: Look, entity: Id, told: Notification, me: Id) -> str:
    at = micros(told.at) if told.at < _CALENDARS_END_US else seconds(told.at // SECOND_US)
    return line(
        ident(look.space),
        ident(entity),
        ident(told.id),
        told.kind.value,
        at,
        ident(told.who),
        text(told.title),
        text(told.said),
        text(told.right.value if told.right else None),
        ident(me),
    )


MODEL = ReadModel(
    "notifications",
    (Table("notification", "thing"), Table("notification_read", "member")),
    (*FOLDS, INBOXES),
    rows,
    history=True,
)
