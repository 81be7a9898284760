"""Erasing: whose words an erasure takes, and what it leaves. What was asked for is carried out by erasure.py."""

from typing import Any

from scmanager.application.desk import Desk
from scmanager.application.inverses import final
from scmanager.application.verbs import MemberId, verb
from scmanager.domain import document
from scmanager.domain.catalogue import DOCUMENTS, MEMBERS
from scmanager.domain.governance import Erased, may_erase
from scmanager.domain.prose import prose_of
from scmanager.errors import Refused

Result = dict[str, Any]


class SubjectWithoutKeys(Refused):
    """There are no personal words about this member here."""

    code = "erase-nothing"
    hint = "They were erased already, or never written."


class ProseStays(Refused):
    """What an organisation says of itself and its operations is many people's words, and nobody's to erase."""

    code = "erase-prose"
    hint = "Say it anew without the name: scm org describe, scm operation describe. Earlier words stay readable."


@verb("member.erase", "org", "personal", undo=final("words that were erased are gone.", Erased))
def erase(desk: Desk, *, member_id: MemberId, ground: str = "request") -> Result:
    """Erase the personal words about a member: hidden at once, their keys destroyed after seven days.

    With your own words and the ground `at-once` the keys go at once. It cannot be undone; every proof still holds.
    What they wrote in shared documents stays, without their name: `documents` says in how many. Entries that others
    recorded of them before they joined, and that they claimed, are erased too where your rank allows it (0 and 1);
    `recorded` names those that stay.
    """
    prose = prose_of(desk.organisation)
    if member_id == prose:
        raise ProseStays
    erased = 0
    stays = []
    for subject in (member_id, *_claimed_by(desk, member_id)):
        keys = desk.subject_keys(subject)
        if keys and not may_erase(desk.me, desk.grant.rank, subject, prose) and subject != member_id:
            stays.append(subject.hex())
        elif keys:
            desk.record(None, subject, Erased(subject, keys, ground))
            erased += len(keys)
    if not erased:
        raise SubjectWithoutKeys
    shared = sum(len(document.shared_by(state, member_id)) for _, state in desk.things(DOCUMENTS))
    return {"member": member_id.hex(), "keys": erased, "documents": shared, "recorded": stays}


def _claimed_by(desk: Desk, member_id: bytes) -> list[bytes]:
    """What others recorded before, and is this member by claims that hold, in however many steps."""
    by: dict[bytes, list[bytes]] = {}
    for each, state in desk.things(MEMBERS):
        if state.claimed_by:
            by.setdefault(state.claimed_by, []).append(each)
    found, look = [member_id], [member_id]
    while look:
        more = [each for each in by.get(look.pop(), ()) if each not in found]
        found += more
        look += more
    return found[1:]
