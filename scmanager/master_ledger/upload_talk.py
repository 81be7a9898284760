"""Uploading a log to a mirror (C2SP tlog-mirror, the side of the log): what to send, what to make of the answers.

The mirror is shown the head, then asked where it is by an upload of nothing; from there on it is sent packages, some
at a time. Nothing that it answers is believed before its own key says it; what it says of where it is can waste no
more than a few times what the whole log is.
"""

from collections.abc import Callable, Generator, Iterator, Sequence
from itertools import islice
from typing import Final

import msgspec

from scmanager.errors import Conflict, Unavailable
from scmanager.eventstore.checkpoint import Checkpoint, parse_note
from scmanager.eventstore.tile_tree import TileTree
from scmanager.eventstore.tiles import WIDTH, TilePath
from scmanager.master_ledger.cosignature import Witness
from scmanager.master_ledger.cosigning import TRIES, Answer, WitnessNonsense, shown, taken
from scmanager.master_ledger.uploading import (
    INFO_MEDIA,
    PACKAGES_MAX,
    BadUpload,
    Info,
    Package,
    header_bytes,
    package_bytes,
    package_count,
    spans,
)

ADD_CHECKPOINT: Final = "add-checkpoint"
ADD_ENTRIES: Final = "add-entries"
SENT_MAX: Final = 3
"""So many times the log is sent at most, to a mirror that takes little of each request, or goes back and forth."""


class MirrorRefuses(Unavailable):
    """It answers {status} to an upload."""

    code = "mirror-refuses"
    hint = "404: it does not list this log, or is no mirror. 403: it saw two histories. Else try again later."


class MirrorElsewhere(Conflict):
    """It waits for the entries up to {size}, and not for those up to {here}."""

    code = "mirror-elsewhere"
    hint = "Somebody shows it other heads at the same time. Repeat the command."


class Request(msgspec.Struct, frozen=True):
    """What to post: a path below the mirror's address, and a body in pieces, made as they are sent."""

    path: str
    pieces: Iterator[bytes]
    packages: int = 0


Bundle = Callable[[TilePath], list[bytes]]
"""The entries of a bundle, as many as its width says."""
Talk = Generator[Request, Answer, bytes]
"""Yields requests, is sent the answers, and returns the lines that hold."""


def upload(note: bytes, tree: TileTree, entries: Bundle, mirror: Sequence[Witness], until_s: int) -> Talk:
    """With one mirror about the head in `note`, by the keys that the policy lists for its address.

    Raises BadNote, BadCheckpoint, BadTile, as `entries`, and what is wrong with the mirror: MirrorRefuses,
    MirrorElsewhere, and as `cosigning.conversation`.
    """
    yield from _shown(note, tree)
    point = Checkpoint.parse(parse_note(note).text)
    start, ticket, tries, furthest, at_once = point.size, b"", 0, -1, PACKAGES_MAX
    left = SENT_MAX * package_count(0, point.size) + TRIES * PACKAGES_MAX
    while tries <= TRIES and left >= 0:
        request = _request(point, start, ticket, tree, entries, at_once)
        left -= request.packages
        answer = yield request
        if answer.status == 200:
            return taken(note, answer.body, mirror, until_s)
        if answer.status not in (202, 409):
            raise MirrorRefuses(status=answer.status)
        info = _info(answer)
        if info.size != point.size:
            raise MirrorElsewhere(size=info.size, here=point.size)
        went = package_count(start, min(info.next, point.size)) if info.next > max(start, furthest) else 0
        if answer.status == 202 and went:
            tries, at_once = 0, min(PACKAGES_MAX, 2 * went)
        else:
            tries += 1
        start, ticket, furthest = min(info.next, point.size), info.ticket, max(furthest, info.next)
    raise MirrorRefuses(status=409)


def _shown(note: bytes, tree: TileTree) -> Generator[Request, Answer, None]:
    talk = shown(note, tree)
    body = next(talk)
    while True:
        answer = yield Request(ADD_CHECKPOINT, iter((body,)))
        try:
            body = talk.send(answer)
        except StopIteration:
            return


def _request(point: Checkpoint, start: int, ticket: bytes, tree: TileTree, entries: Bundle, at_once: int) -> Request:
    def pieces() -> Iterator[bytes]:
        yield header_bytes(point.origin, start, point.size, ticket)
        for span in islice(spans(start, point.size), at_once):
            path = TilePath(None, span.low // WIDTH, span.end - span.low)
            proof = tree.subtree_consistency(span.low, span.end, point.size)
            yield package_bytes(Package(tuple(entries(path)[span.start - span.low :]), tuple(proof)))

    return Request(ADD_ENTRIES, pieces(), min(package_count(start, point.size), at_once))


def _info(answer: Answer) -> Info:
    try:
        if answer.media == INFO_MEDIA:
            return Info.parse(answer.body)
    except BadUpload as error:
        raise WitnessNonsense(reason=str(error).rstrip(".")) from None
    raise WitnessNonsense(reason="it does not say where it is")
