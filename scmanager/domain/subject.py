"""Subjects: whose keys seal words. A member's id is one; what is no member has ids that no member can have.

Whoever may let somebody in chooses the id, and a member erases his own words at once. Under a contact's id, or a
document's subject, he could have words destroyed that are not about him: so those begin with `NOBODY`, and a grant to
such an id is void (ADR 1).
"""

from scmanager.domain.event import Id

NOBODY = b"\xff\xff"
"""How the id of a subject begins that is no member: a contact, a shared document, an organisation's prose."""


def nobodys(data: bytes) -> Id:
    """A subject that no member can be, from 16 random bytes or a hash; 16 bytes, 14 of them from there."""
    return NOBODY + data[:14]


def is_nobodys(subject: Id) -> bool:
    """Whether no member can be this subject."""
    return subject.startswith(NOBODY)
