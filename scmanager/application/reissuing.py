"""Re-issue: a member says again, in a log that counts, what a cut or a lost grant made void (DESIGN 3, rule 9)."""

from collections.abc import Container, Iterable

from scmanager.application.desk import Desk, Quoted
from scmanager.application.inverses import SPOKEN
from scmanager.application.verbs import EntryId, verb
from scmanager.application.writer import Result
from scmanager.domain.catalogue import FOLDS
from scmanager.domain.event import Id
from scmanager.domain.governance import EVERY_RIGHT, is_governance, needs
from scmanager.domain.records import Reason
from scmanager.errors import Refused
from scmanager.spaces.opening import Opened
from scmanager.spaces.personal import Absence
from scmanager.spaces.space import Space

HIT = frozenset({Reason.REMOVED, Reason.RECOVERED, Reason.DISPUTED, Reason.DEVICE_CUT, Reason.VOID_GRANT})
"""Why work may be void through no fault of its own."""


class EventNotHere(Refused):
    """There is no event {event} in this space, or it cannot be read here."""

    code = "event-not-here"
    hint = "List what can be said again: scm event void."


class NotReissuable(Refused):
    """The event {event} is not one that its author can say again: {why}."""

    code = "event-not-reissuable"
    hint = "List what can be said again: scm event void. Who may do what is said anew by its own command."


@verb("event.reissue", "org", "personal", undo=SPOKEN)
def reissue(desk: Desk, *, event: tuple[EntryId, ...] = ()) -> Result:
    """Say again what a removal, a recovery or a disowned device made void; without events, all of this machine.

    Each is recorded anew, in its old order, by the grant you hold now, with the words it carried.
    """
    wanted = _wanted(desk, event)
    for opened in wanted:
        words = desk.words(opened)
        shared = opened.shared
        if isinstance(words, Absence) or shared is None or opened.event is None:
            raise NotReissuable(event=opened.entry.id32.hex(), why=f"its words are gone ({words})")
        quoted = Quoted(opened.event, words)
        desk.record(FOLDS[shared.type], shared.entity, quoted, cause=opened.entry.id32)
    desk.governs = True  # The next command sees what this one has said already.
    return {"reissued": len(wanted), "left": len(_void(desk)) - len(wanted)}


def void_work(space: Space, member: Id, own_logs: Container[bytes]) -> list[Opened]:
    """What a member wrote, a cut or a lost grant made void, and nobody has said again; in the order it was said."""
    verdicts = space.verdicts.entries  # An entry behind a gap is open, and not judged yet.
    hit, again = [], set()
    for opened in space.entries():
        verdict = verdicts.get(opened.entry.id32)
        if verdict is None or opened.shared is None or opened.event is None:
            continue
        if verdict.valid:
            again.add(opened.shared.cause)
        elif verdict.reason in HIT and opened.event.tag in FOLDS and not is_governance(opened.event.tag):
            hit.append(opened)
    return sorted(
        (each for each in hit if each.entry.id32 not in again and _wrote(space, each, member, own_logs)),
        key=lambda each: each.order,
    )


def _wrote(space: Space, opened: Opened, member: Id, own_logs: Container[bytes]) -> bool:
    """By a grant of his; a void grant can be named by anybody, so there only one's own logs are sure."""
    standing = space.verdicts.grants.get(opened.shared.by) if opened.shared else None
    if standing is None:
        return opened.entry.log in own_logs
    return standing.grant.member == member and opened.entry.log in standing.levels


def _wanted(desk: Desk, named: Iterable[bytes]) -> list[Opened]:
    """The named ones; else what this machine wrote, may still be said, and has words that can be read."""
    void = {each.entry.id32: each for each in _void(desk)}
    chosen = set(named)
    for each in chosen:
        if desk.space.opened(each) is None:
            raise EventNotHere(event=each.hex())
        if each not in void:
            raise NotReissuable(event=each.hex(), why="it counts, is not yours, was said again, or is void by itself")
    if chosen:
        return [opened for id32, opened in void.items() if id32 in chosen]
    here = (opened for opened in void.values() if opened.entry.log in desk.own_logs)
    return [each for each in here if _may_say(desk, each) and not isinstance(desk.words(each), Absence)]


def _void(desk: Desk) -> list[Opened]:
    return void_work(desk.space, desk.me, desk.own_logs)


def _may_say(desk: Desk, opened: Opened) -> bool:
    right = needs(opened.event.tag) if opened.event else None
    return right is None or bool(desk.grant.rights & {right, EVERY_RIGHT})
