"""Asking witnesses for their word (C2SP tlog-witness, the side of the log): what to send, what to make of the answer.

Nothing that a witness answers is believed before its own key says it, and nothing that it says can harm: lines of
keys that the policy does not list are left out, a line that does not hold costs that answer.
"""

import re
from base64 import b64encode
from collections.abc import Collection, Generator, Sequence
from typing import Final

import msgspec

from scmanager.errors import Unavailable, Untrusted
from scmanager.eventstore.checkpoint import (
    NOTE_BYTES_MAX,
    SIGNATURES_MAX,
    BadNote,
    Checkpoint,
    WrongSignature,
    key_id,
    parse_note,
)
from scmanager.eventstore.tile_tree import TileTree
from scmanager.master_ledger.cosignature import KEY_BYTES, Witness, cosigned_at

ANSWER_BYTES_MAX: Final = 64 * 1024
TRIES: Final = 4
"""Others may be asking it about the same log at the same time."""
FORBIDDEN: Final = 403
"""What a witness answers for a key that it does not list, and for a log that it saw with two histories."""
SIZE_MEDIA: Final = "text/x.tlog.size"

OTHERS_MAX: Final = 16
"""Lines under a head that is kept of signers whom nobody here knows."""

_SIZE = re.compile(rb"(0|[1-9][0-9]{0,18})\n")


Signer = tuple[str, bytes]
"""A name and a key's id."""


class Answer(msgspec.Struct, frozen=True):
    """What a witness answered."""

    status: int
    media: str
    """Of its body, without parameters."""
    body: bytes


class WitnessNonsense(Untrusted):
    """It answers what no witness would: {reason}."""

    code = "witness-nonsense"
    hint = "Nothing was taken from it. See that the policy has its right address and keys."


class WitnessRefuses(Unavailable):
    """It answers {status}."""

    code = "witness-refuses"
    hint = "404: it does not list this log. 403: it lists another key of it. Else try again later."


class WitnessSawMore(Untrusted):
    """It cosigned {size} entries of this log already, and here are {here}."""

    code = "witness-saw-more"
    hint = "Publish anew. If there is no more to publish, a store was put back: begin a new log before anything else."


class WitnessSawOther(Untrusted):
    """It saw another history of this log than the one here: at {size} entries they differ."""

    code = "witness-saw-other"
    hint = (
        "Somebody else signs with the log's key, or a store was put back. No later try mends it: keep the evidence,"
        " and have the keepers close the log (docs/witnesses.md)."
    )


Talk = Generator[bytes, Answer, bytes]
"""Yields request bodies, is sent the answers, and returns the lines that hold."""


def conversation(note: bytes, tree: TileTree, witnesses: Sequence[Witness], until_s: int) -> Talk:
    """With one witness about the head in `note`, by the keys that the policy lists for its address.

    `until_s`: what is dated later is no word yet. Raises BadNote, BadCheckpoint, BadTile, and what is wrong with the
    witness: WitnessNonsense, WitnessRefuses, WitnessSawMore, WitnessSawOther.
    """
    return taken(note, (yield from shown(note, tree)), witnesses, until_s)


def shown(note: bytes, tree: TileTree) -> Talk:
    """The same, up to what it answers once it has taken the head; that is not looked at."""
    size = Checkpoint.parse(parse_note(note).text).size
    old = 0
    for _ in range(TRIES):
        answer = yield request(note, tree, old)
        if answer.status == 200:
            return answer.body
        if answer.status == 422 and old:
            raise WitnessSawOther(size=old)
        if answer.status != 409:
            raise WitnessRefuses(status=answer.status)
        told = _SIZE.fullmatch(answer.body)
        if 0 < old == size and (not answer.body or answer.body == b"%d\n" % size):
            raise WitnessSawOther(size=old)  # By version 1.0.0 of the page; 422 since.
        if answer.media != SIZE_MEDIA or not told:
            raise WitnessNonsense(reason="a conflict without its size")
        if int(told[1]) == old:
            raise WitnessNonsense(reason="a conflict about the size that it told itself")
        if int(told[1]) > size:
            raise WitnessSawMore(size=int(told[1]), here=size)
        old = int(told[1])
    raise WitnessRefuses(status=409)


def request(note: bytes, tree: TileTree, old: int) -> bytes:
    """The body of add-checkpoint, from the tree of `old` entries to that of the note. Raises BadTile.

    Words of others stay out: a witness passes them over, and some read 10 kB and no more.
    """
    size = Checkpoint.parse(parse_note(note).text).size
    hashes = tree.consistency(old, size) if 0 < old < size else []
    lines = [f"old {old}", *(b64encode(each).decode("ascii") for each in hashes), "", ""]
    return "\n".join(lines).encode() + _without_others(note)


def taken(note: bytes, body: bytes, witnesses: Sequence[Witness], until_s: int) -> bytes:
    """The newest lines of these witnesses that hold. Raises WitnessNonsense where there is none."""
    if not body:
        raise WitnessNonsense(reason="no line at all, as a mirror does, which is uploaded to (scm author upload)")
    text = note.rpartition(b"\n\n")[0] + b"\n\n"
    try:
        read = parse_note(text + body)
        if read.text != parse_note(note).text:
            raise BadNote(reason="more text stands before its lines")
        cosigned = [each for each in witnesses if cosigned_at(read, each, until_s) is not None]
    except (BadNote, WrongSignature) as error:
        raise WitnessNonsense(reason=str(error).rstrip(".")) from None
    known = {(each.name, each.key_id) for each in cosigned}
    pairs = zip(body.splitlines(keepends=True), read.signatures, strict=True)
    lines = [line for line, each in pairs if (each.name, each.key_id) in known]
    if not lines:
        raise WitnessNonsense(reason="no line of a key that the policy lists")
    return b"".join(_newest(lines))


def merged(note: bytes, lines: bytes) -> bytes:
    """The note with these lines, whose keys are known; earlier ones of the same keys give way.

    For want of room lines of others go (`fitting`).
    """
    text, _, held = note.rpartition(b"\n\n")
    fresh = lines.splitlines(keepends=True)
    return fitting(text, _newest([*held.splitlines(keepends=True), *fresh]), {_signer(each) for each in fresh})


def by_the_log(note: bytes, public: bytes) -> bytes:
    """The note without lines under the log's name that point at another key than this."""
    text, _, lines = note.rpartition(b"\n\n")
    origin = text.partition(b"\n")[0].decode()
    own = origin, key_id(origin, public)
    found = [each for each in lines.splitlines(keepends=True) if _signer(each) == own or _signer(each)[0] != origin]
    return text + b"\n\n" + b"".join(found)


def fitting(text: bytes, lines: Sequence[bytes], known: Collection[Signer]) -> bytes:
    """A note with this text and these lines, as far as there is room: the log's own, the known, OTHERS_MAX of others.

    Whoever fills a note with signers that he made up keeps no word out that somebody goes by.
    """
    origin = text.partition(b"\n")[0].decode()

    def rank(line: bytes) -> int:
        signer = _signer(line)
        return 0 if signer[0] == origin else 1 if signer in known else 2

    taken: list[bytes] = []
    size, others = len(text) + 2, 0
    for line in sorted(lines, key=rank):
        others += rank(line) == 2
        if others > OTHERS_MAX or len(taken) == SIGNATURES_MAX or size + len(line) > NOTE_BYTES_MAX:
            break
        taken.append(line)
        size += len(line)
    return text + b"\n\n" + b"".join(each for each in lines if each in taken)


def kept(note: bytes, other: bytes, witnesses: Sequence[Witness], until_s: int) -> bytes:
    """The note with what another of the same head adds: lines of further keys, and later ones of these witnesses.

    A line that is held gives way to a later one that holds, by the key of its witness, and to nothing else: whoever
    sends `other` can make no word older and spoil none. Lines that do not hold are not added where the key is known.
    """
    text, _, held = note.rpartition(b"\n\n")
    lines, origin = held.splitlines(keepends=True), text.partition(b"\n")[0].decode()
    known = {(each.name, each.key_id): each for each in witnesses if each.kind in KEY_BYTES}
    for line in other.rpartition(b"\n\n")[2].splitlines(keepends=True):
        name = _signer(line)
        if name[0] == origin:
            continue  # Of the log itself the line that is held was verified.
        mine, witness = [each for each in lines if _signer(each) == name], known.get(name)
        at_s = _time(text, [line], witness, until_s) if witness else None
        if not mine and (at_s is not None or not witness):
            lines.append(line)
        elif at_s is not None and witness and at_s > (_time(text, mine, witness, until_s) or -1):
            lines[:] = [line if each is mine[0] else each for each in lines if each is mine[0] or each not in mine]
    return fitting(text, lines, known)


def _without_others(note: bytes) -> bytes:
    """The note with the lines under the log's own name alone."""
    text, _, lines = note.rpartition(b"\n\n")
    origin = text.partition(b"\n")[0].decode()
    return text + b"\n\n" + b"".join(each for each in lines.splitlines(keepends=True) if _signer(each)[0] == origin)


def _time(text: bytes, lines: Sequence[bytes], witness: Witness, until_s: int) -> int | None:
    """When these lines say that it cosigned, UTC seconds; None where one does not hold, or none says it."""
    try:
        return cosigned_at(parse_note(text + b"\n\n" + b"".join(lines)), witness, until_s)
    except WrongSignature:
        return None


def _signer(line: bytes) -> tuple[str, bytes]:
    (signature,) = parse_note(b"x\n\n" + line).signatures
    return signature.name, signature.key_id


def _newest(lines: Sequence[bytes]) -> list[bytes]:
    """One line a key, the last of it, in the order of their first."""
    found: dict[tuple[str, bytes], bytes] = {}
    for line in lines:
        found[_signer(line)] = line
    return list(found.values())
