"""One text as an Automerge document. The only module that knows the library; it runs in a process of its own.

Never in ours: the library panics, loops and eats memory on bytes that a parser cannot tell from good ones
(docs/adr/0013-documents.md). It also drops changes without a word, so what was handed over is looked for afterwards.
"""

import heapq
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import msgspec
from automerge import core

from scmanager.adapters.automerge_change import ChangeUnusable, Header, parse
from scmanager.domain.document import CHANGE_COST, TYPED_MAX
from scmanager.domain.text_diff import Splice, splices
from scmanager.spaces.scribe import DocumentFull, DocumentUnreadable, Draft, Forgotten, Omitted, Told, Trouble

ROOT_CHANGE: Final = bytes.fromhex(
    "856f4a83d7776c7c012f0010000000000000000000000000000000000101000000051506340142025602"
    "70027f0474657874017f047f007f00"
)
"""What every document begins with: actor 0 makes an empty text. So two who begin it at once write into one."""
CHANGE_CHARACTERS_MAX: Final = 100_000
"""Typed or taken out by one change; more are several changes. Each fits into a part, whatever the script."""
HANDED_MAX: Final = 131_072
"""Characters that are handed to the library at a time: it needs six times as much memory for what it is handed."""
SHOWN_MAX: Final = 4 << 20
"""Characters. Nobody may write more than a quarter of it, but many may at once."""


FULL: Final = "the document is full"


class _Early(msgspec.Struct):
    """A change that is not in."""

    told: Told
    header: Header
    why: str = ""


class TextDocument:
    """A text, as the changes told so far make it."""

    def __init__(self, typed_max: int = TYPED_MAX) -> None:
        self._typed_max = typed_max
        self._document = _empty()
        found = self._document.get(core.ROOT, "text")
        if found is None:
            raise AssertionError("every document begins with a text")
        self._text: bytes = found[1]
        root = bytes(self._document.get_heads()[0])
        self.heads: set[bytes] = {root}
        self.typed = 0
        """What is in, as TYPED_MAX counts it."""
        self._newest: bytes | None = None
        """The highest order that was told."""
        self._last = {root: 1}
        """By change: the number of its last operation."""
        self._actors: dict[bytes, tuple[int, int]] = {}
        """By actor: the numbers of its last change and last operation."""
        self._authors = {root: bytes(16)}
        """By change: its actor."""
        self._unusable: list[Omitted] = []
        """What cannot be used, whatever comes."""
        self._early: dict[tuple[bytes, bytes], _Early] = {}
        """By change and actor: what does not fit what is here, and why. It is tried again when more comes."""
        self._drafted: tuple[list[bytes], Any] = ([], self._document)
        """The changes written last, and a document that has them: mostly they are what is told next."""

    def take(self, told: Iterable[Told]) -> tuple[Omitted, ...]:
        """Take changes in; all that are left out so far. Raises DocumentUnreadable.

        What is in at last is the same in whatever order and pieces it was told. Where not all have room, that needs
        everything from the beginning: raises Forgotten.
        """
        newest, in_order = self._newest, True
        for each in told:
            if self._authors.get(each.change) == each.actor or (each.change, each.actor) in self._early:
                continue
            try:
                header = parse(each.data)
                _check_claim(each, header)
            except ChangeUnusable as error:
                self._unusable.append(Omitted(each.change, each.actor, str(error.facts["why"])))
            else:
                self._early[each.change, each.actor] = _Early(each, header)
                in_order = in_order and (newest is None or each.order > newest)
                self._newest = max(each.order, self._newest or b"")
        good = self._admitted()
        if not in_order and any(each.why == FULL for each in self._early.values()):
            raise Forgotten
        if good:
            if [each.told.data for each in good] == self._drafted[0]:
                self._document = self._drafted[1]
            else:
                _hand_over(self._document, ((each.told.data, _cost(each.header)) for each in good))
            self._drafted = ([], self._document)
            if sorted(map(bytes, self._document.get_heads())) != sorted(self.heads):
                raise DocumentUnreadable(why=Trouble.CHANGE_LOST)
        early = (Omitted(each.told.change, each.told.actor, each.why) for each in self._early.values())
        return (*self._unusable, *early)

    def text(self, at: Sequence[bytes] | None = None) -> str:
        """What it says, or said at these changes. Raises DocumentUnreadable; KeyError for a change that is not in."""
        heads = None if at is None or set(at) == self.heads else [self._known(each) for each in at]
        if self._document.length(self._text, heads) > SHOWN_MAX:
            raise DocumentUnreadable(why=Trouble.TOO_LONG)
        text: str = self._document.text(self._text, heads)
        return text

    def write(self, draft: Draft) -> tuple[Told, ...]:
        """See Scribe.write. Raises DocumentFull; KeyError for a change that is not in."""
        at = [self._known(each) for each in draft.at]
        found = splices(self.text(at), draft.text)
        batches = list(_batches(found))
        cost = sum(each.out + len(each.put) for each in found) + CHANGE_COST * len(batches)
        if self.typed + cost > self._typed_max:
            raise DocumentFull(typed=self.typed, most=self._typed_max)
        made = self._write(at, draft.actor, batches)
        if made and made[0].number != draft.number:
            made = self._write(at, draft.spare, batches)
        return made

    def _write(self, at: list[bytes], actor: bytes, batches: list[list[Splice]]) -> tuple[Told, ...]:
        fork = self._document.fork() if set(at) == self.heads else self._forked(at)
        fork.set_actor(actor)
        for batch in batches:
            with fork.transaction() as writing:
                for each in batch:
                    writing.splice_text(self._text, each.at, each.out, each.put)
        made = tuple(map(_told, fork.get_changes(at)))
        if set(at) == self.heads:
            self._drafted = ([each.data for each in made], fork)
        return made

    def _forked(self, at: list[bytes]) -> Any:
        """The document as it was there. The library's own way needs a gigabyte for what can be typed."""
        every = {bytes(each.hash): each for each in self._document.get_changes([])}
        past: set[bytes] = set()
        waiting = list(at)
        while waiting:
            if (one := waiting.pop()) not in past:
                past.add(one)
                waiting += map(bytes, every[one].deps)
        made = _empty()
        found = ((change, each) for change, each in every.items() if change in past and each.deps)
        _hand_over(made, ((bytes(each.raw_bytes), self._cost(change, each.deps)) for change, each in found))
        return made

    def _cost(self, change: bytes, deps: Iterable[Any]) -> int:
        return self._last[change] - max(self._last[bytes(each)] for each in deps) + CHANGE_COST

    def _admitted(self) -> list["_Early"]:
        """Those that fit by now, each after what it builds on, else by their order; they are no longer early."""
        good: list[_Early] = []
        ready = [(early.told.order, number, *key) for number, (key, early) in enumerate(self._early.items())]
        heapq.heapify(ready)
        waiting: dict[object, list[tuple[bytes, int, bytes, bytes]]] = {}
        while ready:
            place = heapq.heappop(ready)
            early = self._early[place[2:]]
            header = early.header
            if (awaited := self._awaited(header)) is not None:
                waiting.setdefault(awaited, []).append(place)
            early.why = self._why_not(header, awaited)
            if not early.why:
                self._admit(header)
                good.append(early)
                del self._early[place[2:]]
                for now in (header.hash, (header.actor, header.number)):
                    for each in waiting.pop(now, ()):
                        heapq.heappush(ready, each)
        return good

    def _awaited(self, header: Header) -> object:
        """A change it builds on, or its actor's one before it, that is not in."""
        missing = next((each for each in header.deps if each not in self._last), None)
        if missing is not None:
            return missing
        before = (header.actor, header.number - 1)
        return before if self._actors.get(header.actor, (0, 0))[0] < before[1] else None

    def _why_not(self, header: Header, awaited: object) -> str:
        """Empty if all it builds on is in, its operations follow that, and it has room."""
        if isinstance(awaited, bytes):
            return "what it builds on is left out"
        number, last = self._actors.get(header.actor, (0, 0))
        follows = header.number == number + 1 and header.first > last
        if not follows or header.first != 1 + max(self._last[each] for each in header.deps):
            return "its numbers do not follow those it builds on"
        return FULL if self.typed + _cost(header) > self._typed_max else ""

    def _admit(self, header: Header) -> None:
        self._last[header.hash], self._authors[header.hash] = header.last, header.actor
        self._actors[header.actor] = (header.number, header.last)
        self.heads = self.heads.difference(header.deps) | {header.hash}
        self.typed += _cost(header)

    def _known(self, change: bytes) -> bytes:
        self._last[change]
        return change


def _empty() -> Any:
    """The library's document with what every document begins with. Its stubs do not say all that it can."""
    made: Any = core.Document(bytes(16))
    _receive(made, [ROOT_CHANGE])
    return made


def _hand_over(document: Any, changes: Iterable[tuple[bytes, int]]) -> None:
    """Changes with their costs, in pieces of HANDED_MAX, or of one change."""
    piece: list[bytes] = []
    size = 0
    for data, cost in changes:
        if piece and size + cost > HANDED_MAX:
            _receive(document, piece)
            piece, size = [], 0
        piece.append(data)
        size += cost
    _receive(document, piece)


def _receive(document: Any, changes: list[bytes]) -> None:
    """The library takes raw changes by no other way than a message of its synchronisation."""
    pieces = [b"\x42\0\0\0", _unsigned(len(changes))]
    for each in changes:
        pieces += [_unsigned(len(each)), each]
    document.receive_sync_message(core.SyncState(), core.Message.decode(b"".join(pieces)))


def _cost(header: Header) -> int:
    return header.operations + CHANGE_COST


def _check_claim(told: Told, header: Header) -> None:
    """Raises ChangeUnusable unless the bytes are what part 0 says."""
    if (told.change, told.actor, told.number, set(told.deps)) != (
        header.hash, header.actor, header.number, set(header.deps),
    ):  # fmt: skip
        raise ChangeUnusable(why="it is another than its entry says")


def _told(made: Any) -> Told:
    deps = tuple(map(bytes, made.deps))
    return Told(bytes(made.hash), bytes(made.actor_id), made.seq, deps, bytes(made.raw_bytes))


def _batches(found: tuple[Splice, ...]) -> Iterator[list[Splice]]:
    """The splices from the last to the first, in pieces that are not too large for one change."""
    batch: list[Splice] = []
    room = CHANGE_CHARACTERS_MAX
    for each in reversed(found):
        for piece in _pieces(each):
            size = piece.out + len(piece.put)
            if size > room and batch:
                yield batch
                batch, room = [], CHANGE_CHARACTERS_MAX
            batch.append(piece)
            room -= size
    if batch:
        yield batch


def _pieces(found: Splice) -> Iterator[Splice]:
    """One splice as several that follow each other: what goes, then what comes, from its end to its beginning."""
    step = CHANGE_CHARACTERS_MAX
    if found.out + len(found.put) <= step:
        yield found
        return
    for start in reversed(range(0, found.out, step)):
        yield Splice(found.at + start, min(step, found.out - start), "")
    for start in reversed(range(0, len(found.put), step)):
        yield Splice(found.at, 0, found.put[start : start + step])


def _unsigned(number: int) -> bytes:
    """LEB128."""
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*found, number))
