"""What the real verifier says of a whole log, in the words of the tiny one."""

from collections.abc import Mapping, Sequence

from scmanager.errors import Untrusted
from scmanager.eventstore import checkpoint, content, parts, verification
from scmanager.eventstore.own_log import Head, Sealed
from scmanager.eventstore.verification import SignedNote

_WORDS = {
    "entry-malformed": "malformed",
    "chain-broken": "chain",
    "part-missing": "part-missing",
    "part-wrong": "part-wrong",
    "note-mismatch": "note",
}

Verdict = tuple[str, list[list[str]]]


def judge(
    entries: Sequence[bytes], held: Sequence[Mapping[int, bytes]], note: bytes, keys: Mapping[bytes, bytes]
) -> Verdict:
    """The verdict on the log, and on each part of each entry."""
    try:
        start = verification.start_of(entries[0])
        run = verification.verify(start, entries, held, _signed(note, start))
    except Untrusted as error:
        return _WORDS[error.code], []
    return "authentic", [
        _open(sealed, stored, start.public, keys) for sealed, stored in zip(run.sealed, held, strict=True)
    ]


def _signed(note: bytes, start: Head) -> SignedNote:
    """What the note says; of a bad one nothing that could verify, so that the entries are judged first."""
    origin = checkpoint.origin(start.space, start.log)
    try:
        point = checkpoint.verify_note(note, origin, start.public)
        value = checkpoint.parse_note(note).signature_by(origin, start.public)
    except Untrusted:
        return SignedNote(1, bytes(32), bytes(64))
    return SignedNote(point.size, point.root, value if point.origin == origin else bytes(64))


def _open(sealed: Sealed, stored: Mapping[int, bytes], public: bytes, keys: Mapping[bytes, bytes]) -> list[str]:
    words = []
    for number, ref in enumerate(sealed.entry.parts):
        plain = stored.get(number)
        if plain is None:
            words.append("absent")
            continue
        if ref.key:
            key = keys.get(ref.key)
            if key is None or parts.key_id(key) != ref.key:
                words.append("locked")
                continue
            try:
                plain = parts.unseal(key, public, sealed.entry.seq, number, plain)
            except parts.WrongPart:
                words.append("unsealable")
                continue
        words.append("read" if number or content.read(plain) else "malformed")
    return words
