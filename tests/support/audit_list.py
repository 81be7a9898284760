"""What a node's owner finds among his audit events."""

from typing import NamedTuple

from scmanager.application.personal import own_space
from scmanager.application.words import Words
from scmanager.domain.audit_event import AuditDetail, Series
from scmanager.domain.audit_types import AuditType
from scmanager.domain.catalogue import AUDIT
from scmanager.runtime import Node


class Listed(NamedTuple):
    series: Series
    detail: AuditDetail | None


def listed(node: Node, type_: AuditType | None = None) -> list[Listed]:
    """Oldest first; every one of them counts, and stands in the owner's own space."""
    with node.shelf.lock:
        own = own_space(node.shelf, node.store, node.vault)
        if own is None:
            return []
        space = node.shelf.space(own)
        found = [one for _, one in space.things(AUDIT) if isinstance(one, Series)]
        entries = {one.detail: AuditDetail for one in found if one.detail}
        words = Words(node.store, node.vault.held).read(space, entries)
    details = {entry: each for entry, each in words.items() if isinstance(each, AuditDetail)}
    found.sort(key=lambda one: one.first_s)
    return [Listed(one, details.get(one.detail)) for one in found if type_ in {None, one.type}]


def codes(node: Node, type_: AuditType | None = None) -> list[str]:
    return [each.series.code for each in listed(node, type_)]
