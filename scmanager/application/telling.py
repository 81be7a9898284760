"""Telling: every entry of a space as plain JSON, for programs that know nothing of seals and keys.

One object an entry, in order of arrival; sorted by (hlc, log, seq, id) they stand in fold order, but for those dated
before the grant they act by, which count as of that one (ADR 19). The payload is what
its author wrote, under the tag of that time (docs/events.md): no field is renamed and nothing is brought up to date.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import msgspec

from scmanager.eventstore import content
from scmanager.eventstore.store import Row, Store
from scmanager.spaces.opening import WordKeyOf, parse_row, read_shared
from scmanager.spaces.personal import Absence, plain_part
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space
from scmanager.spaces.subjects import subjects

PAGE_ENTRIES = 500
"""As many are told under the shelf's lock at a time."""


class ToldEntry(msgspec.Struct, frozen=True):
    """One entry. Ids are lower-case hex; inside `payload` and `words` byte strings are base64, as written."""

    schema: str | None
    """The type's tag, such as `operation.planned/1`; null for a log's first entry, and for what is closed."""
    id: str
    log: str
    seq: int
    hlc: int
    """Microseconds since 1970: the author's clock, made to rise."""
    time: str
    """The same, in ISO 8601."""
    member: str | None
    """Who speaks; null when the grant that is named is none."""
    by: str | None
    entity: str | None
    command: str | None
    cause: str | None
    valid: bool | None
    """Whether it counts; null where nobody can say yet (closed, held for its date, or behind a gap)."""
    reason: str | None
    """Why it does not."""
    payload: msgspec.Raw | None
    words: list[Any]
    """Parts 1 to 15: each what it says, or `{"absent": reason}`."""


def tell(shelf: Shelf, store: Store, key_of: WordKeyOf, space: bytes, until: int) -> Iterator[ToldEntry]:
    """Every entry of a space up to a position of the store, a page in memory at a time."""
    at = 0
    while at < until and (rows := store.tail(at, PAGE_ENTRIES)):
        at = rows[-1].pos
        with shelf.lock:
            held = shelf.space(space)
            mine = [row for row in rows if row.pos <= until and held.first_entry(row.log) is not None]
            parts = store.parts(row.pos for row in mine)
            told = [_told(held, row, parts, key_of) for row in mine]
        yield from told


def _told(space: Space, row: Row, parts: Any, key_of: WordKeyOf) -> ToldEntry:
    one = parse_row(row)
    verdict = space.verdicts.entries.get(one.id32)
    shared = None
    if one.genesis is None:
        sealed = one.parts[0].key
        _, key = (key_of(sealed) or (b"", None)) if sealed else (b"", b"")
        shared = None if key is None else read_shared(one, row.shared, space.public(one.log), key)
    standing = space.verdicts.grants.get(one.id32 if shared is None else shared.by)
    public, gone, opened = space.public(one.log), space.erased_keys(), space.opened(one.id32)
    about = subjects(space, opened) if opened else ()
    words = [
        _words(plain_part(one, number, parts.get((row.pos, number)), public, key_of, about, gone))
        for number in range(1, len(one.parts))
    ]
    return ToldEntry(
        schema=shared.type if shared else None,
        id=one.id32.hex(), log=one.log.hex(), seq=one.seq, hlc=one.hlc,
        time=datetime.fromtimestamp(min(one.hlc, _LAST_US) / 1_000_000, UTC).isoformat(),
        member=standing.grant.member.hex() if standing else None,
        **_said(shared),
        valid=verdict.valid if verdict else None,
        reason=verdict.reason.value if verdict and verdict.reason else None,
        words=words,
    )  # fmt: skip


_LAST_US = 253_402_300_799_000_000
"""The end of the year 9999, as far as calendars go here."""


def _said(shared: content.Shared | None) -> dict[str, Any]:
    if shared is None:
        return {"by": None, "entity": None, "command": None, "cause": None, "payload": None}
    return {
        "by": shared.by.hex(), "entity": shared.entity.hex(), "command": shared.command.hex() or None,
        "cause": shared.cause.hex() or None, "payload": msgspec.Raw(shared.payload),
    }  # fmt: skip


def _words(plain: bytes | Absence) -> Any:
    """A part as its author wrote it; what is no JSON, as base64."""
    if isinstance(plain, Absence):
        return {"absent": plain.value}
    try:
        return msgspec.json.decode(plain)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {"bytes": plain}
