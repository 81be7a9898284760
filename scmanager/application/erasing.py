"""Erasing: whose words an erasure takes, and what it leaves. What was asked for is carried out by erasure.py."""

from collections.abc import Iterable
from typing import Any

from scmanager.application.desk import Desk
from scmanager.application.inverses import final
from scmanager.application.verbs import MemberId, verb
from scmanager.domain import document
from scmanager.domain.catalogue import DOCUMENTS, MEMBERS
from scmanager.domain.event import Id
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
def erase(desk: Desk, *, member_id: MemberId, ground: str = "request", preview: bool = False) -> Result:
    """Erase the personal words about a member: hidden at once, their keys destroyed after seven days.

    With your own words and the ground `at-once` the keys go at once. It cannot be undone; every proof still holds.
    What they wrote in shared documents stays, without their name: `documents` says in how many.

    Entries that others recorded of them before they joined: `also` are erased with them. That takes your rank 0 or 1,
    and that somebody of rank 0 or 1 said whose they are; `recorded` stay for want of the first, `unconfirmed` of the
    second (`member.settle-claim` says it), or as somebody acts as them by now: those you erase each by itself.
    `preview`: only tell what would be erased; the roster still shows who they are.
    """
    prose = prose_of(desk.organisation)
    if member_id == prose:
        raise ProseStays
    theirs = known_as(desk.things(MEMBERS), member_id)
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


def known_as(members: Iterable[tuple[Id, Any]], member_id: Id) -> dict[Id, bool]:
    """Who is said to be this member, by whichever claim that stands and in however many steps; whether that is sure.

    Anybody who may speak for members can say that an entry is somebody, himself too: that alone destroys nothing.
    Nor does it where the entry was let in since and acts as itself: but that hides from nobody what was said before.
    """
    said = [(each, state, claim) for each, state in members for claim in state.claims]
    every = [(each, claim.value) for each, _, claim in said]
    sure = [(each, claim.value) for each, one, claim in said if claim in one.confirmed[:1] and not one.is_himself]
    surely = _said_to_be(member_id, sure)
    return {each: each in surely for each in _said_to_be(member_id, every)}


def _said_to_be(member_id: Id, pairs: Iterable[tuple[Id, Id]]) -> list[Id]:
    """Everybody who is this member by these pairs of an entry and whose it is, nearest first."""
    entries: dict[Id, list[Id]] = {}
    for each, whose in pairs:
        entries.setdefault(whose, []).append(each)
    found = [member_id]
    for one in found:
        found += [each for each in dict.fromkeys(entries.get(one, ())) if each not in found]
    return found[1:]
