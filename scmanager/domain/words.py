"""Words: which titles may stand in part 0 for ever, and which prose may go into a part of its own.

The code points are listed here and not looked up: `evolve` must give one answer on every Python.
"""

import re
from typing import Annotated, Final, get_type_hints

from msgspec import Meta

from scmanager.domain.payload import TITLE_LENGTH_MAX
from scmanager.errors import Refused

PROSE_LENGTH_MAX = 20_000
NAME_LENGTH_MAX = 80

_BLANK: Final = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_UNWRITABLE: Final = re.compile("[\u0000\ud800-\udfff]")
_STEERS: Final = "\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069"
"""What steers a terminal, breaks a line or reorders it."""

_JOINED: Final = (  # Scripts whose letters take another shape with a joiner beside them, and emoji.
    "\u0600-\u109f\u1700-\u1cff\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc\U00010a00-\U00011fff"
    "\ufe0f\u2190-\u27ff\u2900-\u2bff\U0001f000-\U0001faff"
)
_STYLED: Final = (
    "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u27ff\u2900-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
)
"""What is drawn as text or as an emoji, by the selector after it."""
UNSEEN: Final = (
    "["
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # soft hyphen, joiner, fillers
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction marks: they reorder what stands around them
    "\u180b-\u180f\u200b\u2060-\u2065\u206a-\u206f\ufe00-\ufe0d\ufeff\ufff0-\ufffb"  # zero width, variants, notes
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"  # of shorthand and of music
    "\u2800\U00016fe4\U0001d159"  # Braille without dots, a filler, a note without a head: they look like blanks
    "\U000e0000-\U000e0060\U000e007b-\U000e007e\U000e0080-\U000e0fff"  # tags, more variants
    "]"
    "|(?<![\U0001f3f4\U000e0061-\U000e007a])[\U000e0061-\U000e007a\U000e007f]"  # tags that are of no flag
    f"|(?<![{_JOINED}])[\u200c\u200d]|[\u200c\u200d](?=[!-\u024f])"  # joiners where nothing joins
    f"|(?<![#*0-9{_STYLED}])[\ufe0e\ufe0f]|(?<=[#*0-9])[\ufe0e\ufe0f](?!\u20e3)"  # styles of what has only one
)
"""A pattern of what is drawn as nothing, or as a blank, and so lets one name look like another.

The one rule for titles, names and terminals: the code points that Unicode ignores by default and a few more, except
where Persian, Tamil and emoji need them.
"""
_UNSEEN: Final = re.compile(
    "[\u0000-\u001f\u007f-\u009f\u2028\u2029\ufff9-\uffff\ud800-\udfff\u200c\U000e0000-\U000e0fff]"
    f"|{UNSEEN}|(?<![\ufe0f\u2190-\u27ff\u2900-\u2bff\U0001f000-\U0001faff])\u200d|\u200d(?![\u2190-\u27ff\u2900-\u2bff\U0001f000-\U0001faff])"
)
_UNSEEN_IN_NAMES: Final = re.compile(
    f"[{_STEERS}]|{UNSEEN}|[\u200c\u200d](?=[{_BLANK}]|\\Z)"  # a joiner with nothing behind it
)
_BLANK_IN_NAMES: Final = re.compile(f"\\A[{_BLANK}]+|[{_BLANK}]+\\Z|(?<=[{_BLANK}])[{_BLANK}]+")
"""Blanks that are not between two words, or one too many."""

Prose = Annotated[str, Meta(max_length=PROSE_LENGTH_MAX)]
"""As `check_words` lets it through. The bound is on the type: other words of others are unreadable, not kept."""
Name = Annotated[str, Meta(max_length=NAME_LENGTH_MAX, pattern=rf"\A[^{_STEERS}]*\Z")]
"""As `check_name` lets it through where it may be empty."""
GivenName = Annotated[str, Meta(max_length=NAME_LENGTH_MAX, pattern=rf"\A(?![{_BLANK}]*\Z)[^{_STEERS}]*\Z")]
"""As `check_name` lets it through."""


class TitleUnusable(Refused):
    """This title cannot be used: {why}."""

    code = "title-unusable"
    hint = f"Use 1 to {TITLE_LENGTH_MAX} visible characters, with no blank at either end."


class WordsUnusable(Refused):
    """This text cannot be used: {why}."""

    code = "words-unusable"
    hint = "Write something, shorten it, or remove the character that is named."


def flaw_of_title(title: str) -> str:
    """What keeps these words from being a title; empty if nothing does. Total, and the same on every machine."""
    if not title:
        return "it is empty"
    if len(title) > TITLE_LENGTH_MAX:
        return f"it has {len(title)} characters, {TITLE_LENGTH_MAX} are allowed"
    if unseen := _UNSEEN.search(title):
        return f"character {unseen.start() + 1} is the invisible U+{ord(unseen[0]):04X}"
    if title.strip(_BLANK) != title:
        return "it begins or ends with a blank"
    return ""


def check_title(title: str) -> str:
    """The title, if it may stand in part 0. Raises TitleUnusable."""
    if flaw := flaw_of_title(title):
        raise TitleUnusable(why=flaw)
    return title


def check_words(text: str, length_max: int = PROSE_LENGTH_MAX, *, may_be_empty: bool = False) -> str:
    """The text, if it can be kept. Prose may have lines and any script. Raises WordsUnusable."""
    if not text.strip(_BLANK + "\n\r\t") and not may_be_empty:
        raise WordsUnusable(why="it is empty")
    if len(text) > length_max:
        raise WordsUnusable(why=f"it has {len(text)} characters, {length_max} are allowed")
    if bad := _UNWRITABLE.search(text):
        raise WordsUnusable(why=f"character {bad.start() + 1} is U+{ord(bad[0]):04X}, which no text may have")
    return text


def check_name(text: str, *, may_be_empty: bool = False) -> str:
    """How somebody or something is called: words of one line that steer and hide nothing. Raises WordsUnusable."""
    if bad := _UNSEEN_IN_NAMES.search(text):
        raise WordsUnusable(why=f"character {bad.start() + 1} is U+{ord(bad[0]):04X}, which no name may have")
    check_words(text, NAME_LENGTH_MAX, may_be_empty=may_be_empty)
    if _BLANK_IN_NAMES.search(text):
        raise WordsUnusable(why="it begins or ends with a blank, or has two in a row")
    return text


def shown_name(name: str) -> str:
    """A name that somebody else wrote, with U+FFFD for what nobody would see in it, such as a blank at its end."""
    plain = name.isascii() and name.isprintable() and "  " not in name
    return name if plain and not (name.startswith(" ") or name.endswith(" ")) else _instead(name, "\ufffd")


def seen_of(name: str) -> str:
    """A name that another program made, without what nobody would see."""
    return _instead(name, "")


def _instead(name: str, sign: str) -> str:
    while (left := _BLANK_IN_NAMES.sub(sign, _UNSEEN_IN_NAMES.sub(sign, name))) != name:
        name = left  # What joined something there joins nothing any more.
    return name


def named_in(kind: type) -> tuple[str, ...]:
    """The fields of some words that say how somebody or something is called."""
    hints = get_type_hints(kind, include_extras=True)
    return tuple(each for each in hints if hints[each] in (Name, GivenName))
