"""Matching: what makes two spellings of a name the same to somebody who searches.

A key is a name without case, accents, vowel points, punctuation, and whatever is drawn as nothing (zero width,
direction marks, fillers); compatibility forms count as what they stand for (NFKC). It is for finding, never shown.

Of a text the key is made piece by piece, so that a match in the key leads back to the place in the text.

An index of grams (two and three characters in a row, as numbers) finds keys that may hold a text: it works in every
script, and in every PostgreSQL, which may lack `pg_trgm` and knows letters of ASCII only in the collation C.
"""

import re
import unicodedata
from bisect import bisect
from collections.abc import Iterable, Iterator
from itertools import pairwise
from typing import Final
from zlib import crc32

import msgspec

from scmanager.errors import Refused

TEXT_INDEXED: Final = 65_536
"""Characters of a text that can be searched, from its beginning."""
PIECE: Final = 40
"""Characters of a text whose place is known together; a word that is longer is cut."""

BETWEEN = "\n"
"""Stands before, between and after the names of one thing: a name that begins or ends there is told by it."""

_FILLERS = frozenset("\u115f\u1160\u3164\uffa0\u2800")
_OTHER_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ħ": "h", "ð": "d", "þ": "th", "æ": "ae", "œ": "oe", "ı": "i", "ŋ": "n"}
)
"""Letters with a stroke that Unicode takes for letters of their own, after case was dropped."""
_MARKS = (
    (0x0300, 0x036F),  # accents
    (0x0591, 0x05C7),  # Hebrew points
    (0x0610, 0x061A),
    (0x064B, 0x065F),  # Arabic vowels
    (0x0670, 0x0670),
    (0x1AB0, 0x1AFF),
    (0x1DC0, 0x1DFF),
    (0x20D0, 0x20FF),
    (0xFE00, 0xFE0F),  # variation selectors
    (0xFE20, 0xFE2F),
    (0xE0100, 0xE01EF),
)
"""What readers leave out when they type. Indic vowel signs and Japanese voicing make other words: they stay."""
_ASCII = [" " if unicodedata.category(chr(point))[0] in "PC" else chr(point).lower() for point in range(128)]
"""The same for what needs no look at any table, as most names do."""
_JAMO = (0x1160, 0x11FF)
"""Hangul vowels and finals that join the letter before them."""
_BLANKS = re.compile(r"[ \t\n\r\f\v]+")
_WITHOUT_SPACES = 0x2E80
"""From here on scripts put no blanks between words, so that every character may begin one."""


class TextKey(msgspec.Struct, frozen=True):
    """What of a text counts when it is searched, and where in the text that stands. Places count from 1."""

    key: str = ""
    """A blank, the pieces' keys with one between two words, and a blank; empty when there is nothing."""
    starts: tuple[int, ...] = ()
    """Of each piece that has a key: where it begins in the key; rising."""
    cuts: tuple[int, ...] = ()
    """Of each of them: where it begins in the text; at last, where what is searched of the text ends."""


class NothingToSearch(Refused):
    """Nothing in this text can be searched for."""

    code = "nothing-to-search"
    hint = "Give at least one letter or digit."


def matching_key(text: str) -> str:
    """What of a text counts when it is searched for: one line; empty when nothing of it can be seen."""
    if text.isascii() and (short := text.translate(_ASCII).split()):
        return " ".join(short)
    whole = _whole(text)
    return " ".join(_without_points(whole).split() or whole.split())


def matching_keys(names: Iterable[str]) -> str:
    """The keys of one thing's names, each between two `BETWEEN`; empty for none."""
    keys = list(dict.fromkeys(key for name in names if (key := matching_key(name))))
    return BETWEEN + BETWEEN.join(keys) + BETWEEN if keys else ""


def key_of_search(text: str) -> str:
    """What a text that somebody searches for is compared by. Raises NothingToSearch."""
    key = matching_key(text)
    if not key:
        raise NothingToSearch
    return key


def grams(keys: str) -> list[int]:
    """The grams of keys, each once, in 32 bits: pairs, triples, and single characters where no blanks are written."""
    told = keys.replace(BETWEEN, " ")
    found = set(map("".join, pairwise(told)))
    found.update(map("".join, zip(told, told[1:], told[2:], strict=False)))
    if not told.isascii():
        found.update(filter(_is_word, told))
    return sorted(map(_number, found))


def grams_of_search(key: str) -> list[int]:
    """The grams that keys which hold this one have. Of a single letter: as the beginning of a word."""
    if len(key) > 2:
        return sorted({_number(key[at : at + 3]) for at in range(len(key) - 2)})
    return [_number(searched(key))]


def searched(key: str) -> str:
    """What is looked for in keys: a single letter counts at the beginning of a word only, for it is everywhere."""
    return f" {key}" if len(key) == 1 and not _is_word(key) else key


def match(key: str, keys: str) -> int | None:
    """How well keys match: 0 exactly, 1 from the beginning, 2 where a word begins, 3 inside; None: not at all."""
    parts = (f"{BETWEEN}{key}{BETWEEN}", f"{BETWEEN}{key}", f" {key}", searched(key))
    return next((place for place, part in enumerate(parts) if part in keys), None)


def text_key(text: str) -> TextKey:
    """Of the beginning of a text."""
    text = text[:TEXT_INDEXED]
    key, starts, cuts, length, apart = [""], [], [], 0, True
    for begin, end in _pieces(text):
        blanked = _blanked(text[begin:end])
        if made := " ".join(blanked.split()):
            apart = apart or blanked[0].isspace()
            starts.append(length + apart + 1)
            cuts.append(begin + 1)
            key.append(f" {made}" if apart else made)
            length += len(key[-1])
            apart = blanked[-1].isspace()
        else:
            apart = apart or bool(blanked)
    key.append(" ")
    return TextKey("".join(key), tuple(starts), (*cuts, len(text) + 1)) if starts else TextKey()


def excerpt(text: str, found: TextKey, key: str) -> str | None:
    """The words around a key of search in a text, on one line; None where it is not in there."""
    part = searched(key)
    at = found.key.find(part) + 1
    if not at:
        return None
    first = max(bisect(found.starts, at) - 1, 1)
    last = min(bisect(found.starts, at + len(part) - 1) + 2, len(found.cuts))
    return _BLANKS.sub(" ", text[found.cuts[first - 1] - 1 : found.cuts[last - 1] - 1]).strip(" ")


def _pieces(text: str) -> Iterator[tuple[int, int]]:
    """The text, cut: before a blank if there is one in reach, else where no sign belongs to the one before."""
    begin = 0
    while begin < len(text):
        end = begin + PIECE
        if end < len(text):
            end = next((at for at in range(end, begin, -1) if text[at].isspace()), end)
            while end < len(text) and not _begins(text[end]):
                end += 1
        yield begin, min(end, len(text))
        begin = end


def _begins(each: str) -> bool:
    """Whether a character is sure not to become one with what stands before it."""
    if each.isascii() or each.isspace():
        return True
    first = unicodedata.normalize("NFKD", each)[0]
    return unicodedata.category(first)[0] not in "MC" and not _JAMO[0] <= ord(first) <= _JAMO[1]


def _blanked(text: str) -> str:
    """As `matching_key`, before blanks are made one."""
    return text.translate(_ASCII) if text.isascii() else _without_points(_whole(text))


def _whole(text: str) -> str:
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return unicodedata.normalize("NFC", "".join(map(_kept, apart)).translate(_OTHER_LETTERS))


def _without_points(whole: str) -> str:
    return "".join(" " if unicodedata.category(each)[0] == "P" else each for each in whole)


def _kept(each: str) -> str:
    category = unicodedata.category(each)
    if category in ("Cf", "Cn", "Co", "Cs") or each in _FILLERS:
        return ""
    if category == "Cc":
        return " "
    point = ord(each)
    return "" if category == "Mn" and any(first <= point <= last for first, last in _MARKS) else each


def _is_word(each: str) -> bool:
    return ord(each) >= _WITHOUT_SPACES


def _number(gram: str) -> int:
    return crc32(gram.encode()) - 2**31
