"""Notifications: what a member of one of this node's spaces should know, and what he has read of it."""

from typing import Any

from scmanager.application.desk import Desk
from scmanager.application.verbs import NotificationId, verb
from scmanager.domain import reading
from scmanager.domain.catalogue import INBOXES

Result = dict[str, Any]


@verb("notification.mark-read", "personal")
def mark_read(desk: Desk, *, notifications: tuple[NotificationId, ...] = ()) -> Result:
    """Remember that you have read these, on all your machines."""
    before = desk.recorded
    desk.decide(INBOXES, desk.me, reading.mark_read, tuple(notifications))
    return {"member": desk.me.hex(), "events": desk.recorded - before}
