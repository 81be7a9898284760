"""Erasing: whose words an erasure takes, and what it leaves. What was asked for is carried out by erasure.py."""

from typing import Any

from scmanager.application.desk import Desk
from scmanager.application.inverses import final
from scmanager.application.verbs import MemberId, verb
from scmanager.domain import document
from scmanager.domain.catalogue import DOCUMENTS, MEMBERS
from scmanager.domain.event import Id, Id32
from scmanager.domain.governance import Erased, may_erase
from scmanager.domain.member import Member
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
def erase(desk: Desk, *, member_id: MemberId, ground: str = "request", preview: bool = False) -> Result:
    """Erase the personal words about a member: hidden at once, their keys destroyed after seven days.

    With your own words and the ground `at-once` the keys go at once. It cannot be undone; every proof still holds.
    What they wrote in shared documents stays, without their name: `documents` says in how many.

    Entries that others recorded of them before they joined: `also` are erased with them. That takes your rank 0 or 1,
    and that somebody of rank 0 or 1 said whose they are; `recorded` stay for want of the first, `unconfirmed` of the
    second (`member.settle-claim` says it, or erase each by itself). `preview`: only tell what would be erased; the
    roster still shows who they are.
    """
    prose = prose_of(desk.organisation)
    if member_id == prose:
        raise ProseStays
    theirs = _along(desk, member_id)
    keys = {each: found for each in (member_id, *theirs) if (found := desk.subject_keys(each))}
    sure = [each for each in keys if theirs.get(each, True)]
    gone = [each for each in sure if each == member_id or may_erase(desk.me, desk.grant.rank, each, prose)]
    if not gone and not preview:
        raise SubjectWithoutKeys
    for subject in () if preview else gone:
        desk.record(None, subject, Erased(subject, keys[subject], ground))
    shared = sum(len(document.shared_by(state, member_id)) for _, state in desk.things(DOCUMENTS))
    return {
        "member": member_id.hex(),
        "keys": sum(len(keys[each]) for each in gone),
        "documents": shared,
        "also": [each.hex() for each in gone if each != member_id],
        "recorded": [each.hex() for each in sure if each not in gone],
        "unconfirmed": [each.hex() for each in keys if each not in sure],
    }


def _along(desk: Desk, member_id: Id) -> dict[Id, bool]:
    """Whom others recorded and who is this member by claims that hold, in however many steps; whether that is sure.

    Anybody who may speak for members can say that an entry is somebody, himself too: that alone destroys nothing.
    """
    claimed: dict[Id, list[tuple[Id, bool]]] = {}
    for each, state in desk.things(MEMBERS):
        if state.claimed_by:
            claimed.setdefault(state.claimed_by, []).append((each, is_sure(desk, state)))
    found, look = {member_id: True}, [member_id]
    while look:
        of = look.pop()
        more = {each: sure and found[of] for each, sure in claimed.get(of, ()) if each not in found}
        found |= more
        look += more
    del found[member_id]
    return found


def is_sure(desk: Desk, one: Member) -> bool:
    """Whether somebody of rank 0 or 1, who could erase it anyway, said whose this entry is."""
    return any(each.value == one.claimed_by and _rank(desk, each.entry) <= 1 for each in one.claims)


def _rank(desk: Desk, entry: Id32) -> int:
    opened = desk.space.opened(entry)
    return desk.space.envelope(opened).rank if opened else desk.grant.rank  # Else said by us a moment ago.
