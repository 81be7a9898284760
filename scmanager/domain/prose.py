"""Prose: what an organisation writes of itself and of its outings, sealed under a subject of its own.

The organisation's id is its founder's member id: under that, his erasure would take what everybody wrote. This
subject is nobody's, and no erasure of it counts (governance.may_erase): what names a person there is said anew.
"""

import hashlib

from scmanager.domain.event import Id
from scmanager.domain.subject import nobodys


def prose_of(organisation: Id) -> Id:
    """The subject whose key seals an organisation's prose and the words about what it owns itself; 16 bytes."""
    return nobodys(hashlib.sha3_256(b"scm/prose-subject/1\n" + organisation).digest())
