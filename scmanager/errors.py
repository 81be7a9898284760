"""What can go wrong, in five families; each error has a stable code and says what to do next.

- `Refused`: a rule of the domain says no. Expected, never logged as an error.
- `Conflict`: somebody was first. Read again and retry.
- `Untrusted`: bytes that do not prove what they claim. Never retry. The only family a parser may raise.
- `Unavailable`: a database, file, broker or peer. Retry later.
- `Misconfigured`: found at start; names the setting.

An error's message is the first line of its class docstring, with its facts put into the braces; `{until:utc}` shows a
fact that is UTC seconds as a day and a time.
"""

import string
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

Fact = str | int | bool | None


class ScManagerError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"
    hint: ClassVar[str] = ""

    def __init__(self, **facts: Fact) -> None:
        self.facts: dict[str, Fact] = facts
        sentence = (type(self).__doc__ or "").partition("\n")[0]
        super().__init__(_SENTENCES.vformat(sentence, (), facts))


class _Sentences(string.Formatter):
    """What is not given is a question mark. It imports no calendar: the domain, which raises these, has none."""

    def get_value(self, key: int | str, _: Sequence[Any], given: Mapping[str, Any]) -> Any:
        return given.get(str(key), "?")

    def format_field(self, value: Any, format_spec: str) -> str:
        if format_spec == "utc":
            return utc(value) if isinstance(value, int) else str(value)
        return str(super().format_field(value, format_spec))


_SENTENCES = _Sentences()
_DAY_S = 86_400
_YEARS_400_D = 146_097
_EPOCH_D = 719_468
"""Days from the 1st of March of the year 0 to the 1st of January 1970."""
_CALENDAR_ENDS_S = 253_402_300_800
"""The year 10000."""


def utc(at_s: int) -> str:
    """UTC seconds as a day and a time; as they are where no calendar goes.

    The days are counted from a 1st of March, so that a leap day is the last of its year.
    """
    if not 0 < at_s < _CALENDAR_ENDS_S:
        return str(at_s)
    days, second = divmod(at_s, _DAY_S)
    era, day = divmod(days + _EPOCH_D, _YEARS_400_D)
    year = (day - day // 1460 + day // 36_524 - day // 146_096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day_of_month = day - (153 * month + 2) // 5 + 1
    january = month >= 10
    shown = f"{400 * era + year + january:04}-{month - 9 if january else month + 3:02}-{day_of_month:02}"
    return f"{shown} {second // 3600:02}:{second // 60 % 60:02} UTC"


class Refused(ScManagerError):
    """The rules of the organisation do not allow this."""

    code = "refused"
    hint = "Ask somebody whose role has the right, or change what stands in the way."


class Conflict(ScManagerError):
    """Somebody else was first."""

    code = "conflict"
    hint = "Look at the present state and try again."


class Untrusted(ScManagerError):
    """These bytes do not prove what they claim."""

    code = "untrusted"
    hint = "Do not use them. Ask the sender for the original, or another source."


class Unavailable(ScManagerError):
    """Something outside does not answer just now."""

    code = "unavailable"
    hint = "Try again in a moment."


class Misconfigured(ScManagerError):
    """A setting is wrong."""

    code = "misconfigured"
    hint = "Correct the setting that is named and start again."


FAMILIES: tuple[type[ScManagerError], ...] = (Refused, Conflict, Untrusted, Unavailable, Misconfigured)
