"""Personal words: what the parts of an entry say beyond part 0, or why that cannot be read here.

A missing part is never tampering: it was erased, or it has not come. Bytes that are there and do not match what the
entry says of them are not shown (DESIGN 3, erasure).
"""

import enum
from collections.abc import Collection
from typing import TypeVar

import msgspec

from scmanager.domain.event import Id, Personal
from scmanager.domain.words import named_in, shown_name
from scmanager.eventstore import parts
from scmanager.eventstore.entry import Entry
from scmanager.spaces.opening import WordKeyOf

P = TypeVar("P", bound=Personal)


class Absence(enum.StrEnum):
    """Why there are no words to show."""

    NONE = "none"
    """Nobody wrote any."""
    ERASED = "erased"
    NOT_HERE = "not-here"
    """The part or its key has not come."""
    UNREADABLE = "unreadable"
    """Not what the entry says, not what such an entry carries, or under a key that no erasure of theirs reaches."""


_decoders: dict[type[Personal], msgspec.json.Decoder[Personal]] = {}
_named: dict[type[Personal], tuple[str, ...]] = {}


def open_part(
    entry: Entry,
    number: int,
    kind: type[P],
    stored: bytes | None,
    public: bytes,
    key_of: WordKeyOf,
    about: Collection[Id],
    erased: Collection[bytes] = (),
) -> P | Absence:
    """The words in one part of an entry. Total: whatever the bytes, never raises. See `plain_part`."""
    plain = plain_part(entry, number, stored, public, key_of, about, erased)
    return plain if isinstance(plain, Absence) else _read(kind, plain)


def plain_part(
    entry: Entry,
    number: int,
    stored: bytes | None,
    public: bytes,
    key_of: WordKeyOf,
    about: Collection[Id],
    erased: Collection[bytes] = (),
) -> bytes | Absence:
    """The bytes in one part of an entry.

    `stored` is what the store holds of it, `public` the key of the entry's log; `erased` are key ids that an erasure
    which counts has named: their words are hidden at once, held or not. `about` are those whom the words may be about
    (subjects.py): under the key of anybody else, or under none, nothing is read.
    """
    if number >= len(entry.parts):
        return Absence.UNREADABLE
    ref = entry.parts[number]
    if ref.key and ref.key in erased:
        return Absence.ERASED
    held = key_of(ref.key) if ref.key else (b"", b"")
    if stored is None or held is None:
        return Absence.NOT_HERE
    subject, key = held
    if not subject or subject not in about:
        return Absence.UNREADABLE
    try:
        parts.check(ref, stored, number)
        return parts.unseal(key, public, entry.seq, number, stored)
    except parts.WrongPart:
        return Absence.UNREADABLE


def _read(kind: type[P], plain: bytes) -> P | Absence:
    decoder = _decoders.get(kind)
    if decoder is None:
        decoder = _decoders[kind] = msgspec.json.Decoder(kind)
    try:
        words = decoder.decode(plain)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Absence.UNREADABLE
    fields = msgspec.structs.astuple(words)
    if any(isinstance(field, str) and "\0" in field for field in fields):
        return Absence.UNREADABLE  # No database keeps it, and nobody types it.
    return _shown(words) if isinstance(words, kind) else Absence.UNREADABLE


def _shown(words: P) -> P:
    """What a name has that nobody would see is shown: else one could be mistaken for another."""
    kind = type(words)
    if kind not in _named:
        _named[kind] = named_in(kind)
    told = {field: shown for field in _named[kind] if (shown := shown_name(said := getattr(words, field))) != said}
    return msgspec.structs.replace(words, **told) if told else words
