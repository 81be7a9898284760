"""What can go wrong, in five families; each error has a stable code and says what to do next.

- `Refused`: a rule of the domain says no. Expected, never logged as an error.
- `Conflict`: somebody was first. Read again and retry.
- `Untrusted`: bytes that do not prove what they claim. Never retry. The only family a parser may raise.
- `Unavailable`: a database, file, broker or peer. Retry later.
- `Misconfigured`: found at start; names the setting.

An error's message is the first line of its class docstring, with its facts put into the braces.
"""

from typing import ClassVar

Fact = str | int | bool | None


class ScManagerError(Exception):
    """Something went wrong."""

    code: ClassVar[str] = "error"
    hint: ClassVar[str] = ""

    def __init__(self, **facts: Fact) -> None:
        self.facts: dict[str, Fact] = facts
        sentence = (type(self).__doc__ or "").partition("\n")[0]
        super().__init__(sentence.format_map(_Facts(facts)))


class _Facts(dict[str, Fact]):
    def __missing__(self, key: str) -> str:
        return "?"


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
