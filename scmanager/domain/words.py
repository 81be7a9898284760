"""Words: which titles may stand in part 0 for ever, and which prose may go into a part of its own.

The code points are listed here and not looked up: `evolve` must give one answer on every Python.
"""

import re
from typing import Annotated, Final

from msgspec import Meta

from scmanager.domain.payload import TITLE_LENGTH_MAX
from scmanager.errors import Refused

PROSE_LENGTH_MAX = 20_000
NAME_LENGTH_MAX = 80

_UNSEEN: Final = re.compile(
    "["
    "\u0000-\u001f\u007f-\u009f"  # control characters
    "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"  # soft hyphen, joiner, fillers: drawn as nothing
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction marks: they reorder what stands around them
    "\u180b-\u180f\u200b\u200c\u2060-\u2065\u206a-\u206f\ufeff"  # zero width
    "\u2028\u2029\ufff0-\uffff"  # separators, annotations, no characters
    "\ud800-\udfff"  # halves of a pair: not encodable
    "\U000e0000-\U000e0fff"  # tags
    "]"
    "|(?<![\ufe0f\u2190-\u2bff\U0001f000-\U0001faff])\u200d"  # a joiner, but between two emoji
    "|\u200d(?![\u2190-\u2bff\U0001f000-\U0001faff])"
)
_BLANK: Final = " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u202f\u205f\u3000"
_UNWRITABLE: Final = re.compile("[\u0000\ud800-\udfff]")
_STEERS: Final = "\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069"
_STEERING: Final = re.compile(f"[{_STEERS}]")
"""What steers a terminal, breaks a line or reorders it. Joiners stay: Persian, Tamil and emoji need them."""

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
    """How somebody or something is called: words of one line that steer nothing. Raises WordsUnusable."""
    if bad := _STEERING.search(text):
        raise WordsUnusable(why=f"character {bad.start() + 1} is U+{ord(bad[0]):04X}, which no name may have")
    return check_words(text, NAME_LENGTH_MAX, may_be_empty=may_be_empty)
