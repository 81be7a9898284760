"""What changed between two texts: the few splices that make one of the other, so that edits at once merge well.

Whole lines are compared first, then the words of lines that differ. Not the least there could be, but soon found:
lines that are very common are no landmarks.
"""

import enum
import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from typing import Final

import msgspec

REFINED_MAX: Final = 20_000
"""Characters of a stretch, old and new, whose words are compared; a longer one is replaced whole."""

_WORDS: Final = re.compile(r"\w+|\s+|[^\w\s]")


class Splice(msgspec.Struct, frozen=True, array_like=True):
    """At this code point of the old text take so many out, and put these in."""

    at: int
    out: int
    put: str


class Act(enum.StrEnum):
    """What became of some lines."""

    KEPT = "kept"
    ADDED = "added"
    REMOVED = "removed"


class Hunk(msgspec.Struct, frozen=True):
    """Lines that follow each other and had one fate."""

    act: Act
    text: str


def splices(old: str, new: str) -> tuple[Splice, ...]:
    """From the old text to the new, in ascending places of the old one; apply them from the last to the first."""
    return tuple(
        _tight(old, Splice(at, end - at, put))
        for start, stop, text in _lines(old, new)
        for at, end, put in _words(old, start, stop, text)
        if old[at:end] != put
    )


def apply(old: str, found: tuple[Splice, ...]) -> str:
    """The text that these splices make."""
    pieces, place = [], 0
    for each in found:
        pieces += [old[place : each.at], each.put]
        place = each.at + each.out
    return "".join((*pieces, old[place:]))


def hunks(old: str, new: str) -> tuple[Hunk, ...]:
    """The same by lines, for people; what is removed stands before what is added in its place."""
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    found = []
    for act, first, last, other, end in SequenceMatcher(None, before, after).get_opcodes():
        removed, added = "".join(before[first:last]), "".join(after[other:end])
        if act == "equal":
            found.append(Hunk(Act.KEPT, removed))
            continue
        found += [Hunk(Act.REMOVED, removed)] if removed else []
        found += [Hunk(Act.ADDED, added)] if added else []
    return tuple(found)


def _lines(old: str, new: str) -> Iterator[tuple[int, int, str]]:
    """(start, stop, text): the stretches of the old text that differ, and what stands there in the new one."""
    first = _shared(old, new)
    last = _shared(old[first:][::-1], new[first:][::-1])
    first = old.rfind("\n", 0, first) + 1
    ends = old.find("\n", len(old) - last)
    last = 0 if ends < 0 else min(last, len(old) - ends)
    yield from _blocks(
        old[first : len(old) - last].splitlines(keepends=True),
        new[first : len(new) - last].splitlines(keepends=True),
        first,
    )


def _words(old: str, start: int, stop: int, text: str) -> Iterator[tuple[int, int, str]]:
    stretch = old[start:stop]
    if not stretch or not text or len(stretch) + len(text) > REFINED_MAX:
        yield start, stop, text
        return
    yield from _blocks(_WORDS.findall(stretch), _WORDS.findall(text), start)


def _blocks(before: list[str], after: list[str], place: int) -> Iterator[tuple[int, int, str]]:
    done = 0
    for act, first, last, other, end in SequenceMatcher(None, before, after).get_opcodes():
        place += sum(map(len, before[done:first]))
        length = sum(map(len, before[first:last]))
        if act != "equal":
            yield place, place + length, "".join(after[other:end])
        place, done = place + length, last


def _tight(old: str, found: Splice) -> Splice:
    """Without what both have in common at either end."""
    out = old[found.at : found.at + found.out]
    first = _shared(out, found.put)
    last = _shared(out[first:][::-1], found.put[first:][::-1])
    return Splice(found.at + first, found.out - first - last, found.put[first : len(found.put) - last])


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    least, most = 0, min(len(one), len(other))
    while least < most:
        middle = (least + most + 1) // 2
        if one[least:middle] == other[least:middle]:
            least = middle
        else:
            most = middle - 1
    return least
