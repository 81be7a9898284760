"""What reads and writes the text of documents, as a space needs it. An adapter fulfils it (SPEC M3).

A scribe holds some documents by name, each as far as it was told of changes. It may forget one at any time: then it
says so, and is told everything again.
"""

import enum
from collections.abc import Sequence
from typing import Protocol

import msgspec

from scmanager.errors import Refused, Unavailable, Untrusted


class Trouble(enum.StrEnum):
    """Why a document cannot be shown, though its changes are here."""

    LIBRARY_FAILED = "library-failed"
    """The library gave up over a change."""
    LIBRARY_STOPPED = "library-stopped"
    """Its process died, or had to be stopped for using too much memory."""
    TOO_SLOW = "too-slow"
    CHANGE_LOST = "change-lost"
    """A change that was handed to the library did not arrive, and it said nothing."""
    TOO_LONG = "too-long"
    """Longer than what can be shown: many wrote much at once."""


class DocumentUnreadable(Untrusted):
    """This document cannot be shown: {why}."""

    code = "document-unreadable"
    hint = (
        "Other documents work. scm document history says who wrote it last; who ranks above them can heal it for all:"
        " scm document leave-out."
    )


class DocumentFull(Refused):
    """Of {most} characters that can be typed into one document, taken out ones too, {typed} are used up."""

    code = "document-full"
    hint = (
        "It stays readable. To make room, keep its text, leave out what was written so far and write it anew:"
        " scm document leave-out --everything."
    )


class ScribeAway(Unavailable):
    """What reads documents could not be started ({why})."""

    code = "document-reader-away"
    hint = "Everything else works. See whether this machine has memory left, and start the node again."


class Forgotten(Exception):
    """The scribe does not hold this document any more."""


class Told(msgspec.Struct, frozen=True, array_like=True):
    """A change as part 0 tells of it, and its bytes."""

    change: bytes
    actor: bytes
    number: int
    deps: tuple[bytes, ...]
    data: bytes
    order: bytes = b""
    """Of its entry in the fold: where not all have room, the first ones have."""


class Omitted(msgspec.Struct, frozen=True, array_like=True):
    """A change that is left out of the text, and why. Its actor says whose: several may name one hash."""

    change: bytes
    actor: bytes
    why: str


class Reading(msgspec.Struct, frozen=True, array_like=True):
    """A document as its changes make it."""

    text: str
    heads: tuple[bytes, ...]
    """Of what is in the text."""
    omitted: tuple[Omitted, ...]
    """Of all that were told. What builds on something that comes later is taken in then."""


class Draft(msgspec.Struct, frozen=True, array_like=True):
    """What a document shall say, and from where it is changed."""

    at: tuple[bytes, ...]
    """The heads that its author saw."""
    text: str
    actor: bytes
    number: int
    """The one its next change has; if it cannot have it from there, `spare` writes."""
    spare: bytes
    """An actor that never wrote."""


class Scribe(Protocol):
    """Reads and writes texts. Raises DocumentUnreadable, ScribeAway, and Forgotten; nothing else."""

    def bring(self, name: bytes, told: Sequence[Told], *, anew: bool) -> Reading:
        """Take more changes in, in an order in which each follows what it depends on. `anew`: begin from nothing."""

    def text_at(self, name: bytes, heads: Sequence[bytes]) -> str:
        """The text as these changes, and what they depend on, made it."""

    def write(self, name: bytes, draft: Draft) -> tuple[Told, ...]:
        """The changes that make the text at `draft.at` say something else; none if it says so. Not taken in.

        Raises DocumentFull too."""
