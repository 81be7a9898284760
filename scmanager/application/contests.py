"""Contests: what several set at once is settled here, whatever kind of thing it is about.

One of the values that stand is chosen, or a new one is given. It is said by the ordinary verb for that value, so the
rights are those of the verb; what stood against it stays readable as a settled contest.
"""

from typing import Any

from scmanager.application.desk import Desk
from scmanager.application.inverses import SPOKEN
from scmanager.application.saying_again import SAY, Again, again_of
from scmanager.application.verbs import EntryId, SlotId, ThingId, verb
from scmanager.domain.clash import Field, Rival
from scmanager.domain.contact import ContactNote
from scmanager.domain.diplomacy import Stance
from scmanager.domain.event import Id
from scmanager.domain.machine import MachineName
from scmanager.domain.member import Note, Profile
from scmanager.domain.organisation import Description
from scmanager.domain.ship_events import Nickname
from scmanager.errors import Conflict, Refused
from scmanager.spaces.contests import CONTESTED, Contested, contests_of

Result = dict[str, Any]

NEW_WORDS = (Description, Profile, Note, Nickname, ContactNote, MachineName)
"""Words that are one text, or begin with one: a new value can be given as such."""
ID_BYTES = {"member": 16, "ship": 16, "fleet": 16, "character": 16, "space": 32}


class NotContested(Refused):
    """{field} of this thing is not contested."""

    code = "contest-none"
    hint = "List what is: scm contested. Somebody may have settled it, or it is over: then bring the thing back."


class ContestUnclear(Refused):
    """It is not clear how this contest shall be settled: {why}."""

    code = "contest-unclear"
    hint = (
        "Choose one of its values (--choose NO; `entry` in the API) or give a new one (--value VALUE), and not both;"
        " name the slot if several are (--slot SLOT)."
    )


class NoSuchValue(Refused):
    """{entry} set none of the values that stand."""

    code = "contest-no-such-value"
    hint = "Look at them again: scm contested. One may have been withdrawn."


class NewValueElsewhere(Refused):
    """A new value for {field} cannot be given here: {why}."""

    code = "contest-new-value-elsewhere"
    hint = "Choose one of the values that stand, or say a new one by its own command, which settles it too."


class ContestMoving(Conflict):
    """Something is just being recorded about this thing."""

    code = "contest-moving"
    hint = "Nothing was decided. It is recorded within a second: then send the same again."


@verb("settle", "org", "personal", speaks=True, undo=SPOKEN)
def settle(
    desk: Desk,
    *,
    thing: ThingId,
    field: str,
    entry: EntryId | None = None,
    value: str | None = None,
    slot: SlotId | None = None,
) -> Result:
    """Decide what several set at once: for the value that `entry` set, or for a new one. The others stay readable.

    `slot`: which slot of an operation, where several are contested.
    """
    if (entry is None) == (value is None):
        raise ContestUnclear(why="one value is to be chosen, or one new value given")
    found = _contested(desk, thing, field, slot, entry)
    before = desk.recorded
    if entry is not None:
        chosen = _rival(found, entry)
        SAY[found.fold.name, field](desk, again_of(thing, found.contest.part, chosen)).take(desk)
        if desk.recorded == before:  # It holds already, as far as the verb knows: say so all the same.
            desk.record(found.fold, thing, found.field.says(chosen.value))
    else:
        new = Again(thing, found.contest.part, _new_value(found.field, value or ""))
        SAY[found.fold.name, field](desk, new).take(desk)
    return {found.fold.name: thing.hex(), "settled": field}


def open_contests(desk: Desk, thing: Id) -> list[Contested]:
    """What is contested of one thing, as committed. Raises ContestMoving while more is to be committed."""
    found: list[Contested] = []
    for fold in CONTESTED:
        if desk.tips(fold, thing) != desk.space.tips(fold, thing):
            raise ContestMoving
        found += contests_of(desk.space, fold, thing, desk.state(fold, thing))
    return [each for each in found if not each.contest.settled]


def _contested(desk: Desk, thing: Id, field: str, slot: Id | None, entry: bytes | None) -> Contested:
    """The one contest that is meant. Raises NotContested, ContestUnclear."""
    found = [each for each in open_contests(desk, thing) if each.contest.field == field]
    if slot is not None:
        found = [each for each in found if each.contest.part == slot]
    if len(found) > 1 and entry is not None:
        found = [each for each in found if any(rival.entry == entry for rival in each.contest.rivals)] or found[:1]
    if not found:
        raise NotContested(field=field)
    if len(found) > 1:
        raise ContestUnclear(why="several slots are contested")
    return found[0]


def _rival(found: Contested, entry: bytes) -> Rival:
    """Raises NoSuchValue."""
    for each in found.contest.rivals:
        if each.entry == entry:
            return each
    raise NoSuchValue(entry=entry.hex())


def _new_value(field: Field, text: str) -> Any:
    """A new value as it was typed. Raises NewValueElsewhere."""
    if field.words is not None and field.words in NEW_WORDS:
        return field.words(text)
    if field.noun in ID_BYTES and field.name not in ("loan", "place"):
        return _id(field, text)
    if field.name in ("stance", "reported"):
        if text not in list(Stance):
            raise NewValueElsewhere(field=field.name, why=f"{text} is no stance")
        return Stance(text)
    if field.name in ("name", "tag"):
        return text
    raise NewValueElsewhere(field=field.name, why=f"it is said by {field.verb}")


def _id(field: Field, text: str) -> bytes:
    try:
        read = bytes.fromhex(text)
    except ValueError:
        read = b""
    if len(read) != ID_BYTES[field.noun]:
        raise NewValueElsewhere(field=field.name, why=f"{text} is no id of a {field.noun}")
    return read
