"""One text as an Automerge document. The only module that knows the library; it runs in a process of its own.

Never in ours: the library panics, loops and eats memory on bytes that a parser cannot tell from good ones
(docs/adr/0013-documents.md). It also drops changes without a word, so what was handed over is looked for afterwards.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from automerge import core

from scmanager.adapters.automerge_change import ChangeUnusable, Header, parse
from scmanager.domain.text_diff import Splice, splices
from scmanager.spaces.scribe import DocumentUnreadable, Draft, Omitted, Told, Trouble

ROOT_CHANGE: Final = bytes.fromhex(
    "856f4a83d7776c7c012f0010000000000000000000000000000000000101000000051506340142025602"
    "70027f0474657874017f047f007f00"
)
"""What every document begins with: actor 0 makes an empty text. So two who begin it at once write into one."""
CHANGE_CHARACTERS_MAX: Final = 100_000
"""Typed or taken out by one change; more are several changes. Each fits into a part, whatever the script."""
SHOWN_MAX: Final = 4 << 20
"""Characters. Nobody may write more than a quarter of it, but many may at once."""


class TextDocument:
    """A text, as the changes told so far make it."""

    def __init__(self) -> None:
        self._document: Any = core.Document(bytes(16))  # Its stubs do not say all that it can.
        self._hand_over([ROOT_CHANGE])
        found = self._document.get(core.ROOT, "text")
        if found is None:
            raise AssertionError("every document begins with a text")
        self._text: bytes = found[1]
        root = bytes(self._document.get_heads()[0])
        self.heads: set[bytes] = {root}
        self._last = {root: 1}
        """By change: the number of its last operation."""
        self._actors: dict[bytes, tuple[int, int]] = {}
        """By actor: the numbers of its last change and last operation."""
        self._authors = {root: bytes(16)}
        """By change: its actor."""
        self._unusable: list[Omitted] = []
        """What cannot be used, whatever comes."""
        self._early: dict[tuple[bytes, bytes], tuple[Told, Header, str]] = {}
        """By change and actor: what fits nothing that is here, and why. It is tried again when more comes."""
        self._drafted: tuple[list[bytes], Any] = ([], self._document)
        """The changes written last, and a document that has them: mostly they are what is told next."""

    def take(self, told: Iterable[Told]) -> tuple[Omitted, ...]:
        """Take changes in; all that are left out so far. Raises DocumentUnreadable.

        What is in at last is the same in whatever order and pieces it was told.
        """
        for each in told:
            if self._authors.get(each.change) == each.actor or (each.change, each.actor) in self._early:
                continue
            try:
                header = parse(each.data)
                _check_claim(each, header)
            except ChangeUnusable as error:
                self._unusable.append(Omitted(each.change, each.actor, str(error.facts["why"])))
            else:
                self._early[each.change, each.actor] = (each, header, "")
        good = self._admitted()
        if good:
            if good == self._drafted[0]:
                self._document = self._drafted[1]
            else:
                self._hand_over(good)
            self._drafted = ([], self._document)
            if sorted(map(bytes, self._document.get_heads())) != sorted(self.heads):
                raise DocumentUnreadable(why=Trouble.CHANGE_LOST)
        early = (Omitted(told.change, told.actor, why) for told, _, why in self._early.values())
        return (*self._unusable, *early)

    def text(self, at: Sequence[bytes] | None = None) -> str:
        """What it says, or said at these changes. Raises DocumentUnreadable; KeyError for a change that is not in."""
        heads = None if at is None or set(at) == self.heads else [self._known(each) for each in at]
        if self._document.length(self._text, heads) > SHOWN_MAX:
            raise DocumentUnreadable(why=Trouble.TOO_LONG)
        text: str = self._document.text(self._text, heads)
        return text

    def write(self, draft: Draft) -> tuple[Told, ...]:
        """See Scribe.write. KeyError for a change that is not in."""
        at = [self._known(each) for each in draft.at]
        found = splices(self.text(at), draft.text)
        made = self._write(at, draft.actor, found)
        if made and made[0].number != draft.number:
            made = self._write(at, draft.spare, found)
        return made

    def _write(self, at: list[bytes], actor: bytes, found: tuple[Splice, ...]) -> tuple[Told, ...]:
        fork = self._document.fork() if set(at) == self.heads else self._document.fork_at(at)
        fork.set_actor(actor)
        for batch in _batches(found):
            with fork.transaction() as writing:
                for each in batch:
                    writing.splice_text(self._text, each.at, each.out, each.put)
        made = tuple(map(_told, fork.get_changes(at)))
        if set(at) == self.heads:
            self._drafted = ([each.data for each in made], fork)
        return made

    def _admitted(self) -> list[bytes]:
        """The bytes of those that fit by now, each after what it builds on; they are no longer early."""
        good: list[bytes] = []
        count = -1
        while len(good) != count:
            count = len(good)
            for key, (told, header, _) in list(self._early.items()):
                try:
                    self._admit(header)
                except ChangeUnusable as error:
                    self._early[key] = (told, header, str(error.facts["why"]))
                else:
                    good.append(told.data)
                    del self._early[key]
        return good

    def _admit(self, header: Header) -> None:
        """Raises ChangeUnusable unless all it builds on is in, and its operations follow that."""
        if not self._last.keys() >= set(header.deps):
            raise ChangeUnusable(why="what it builds on is left out")
        number, last = self._actors.get(header.actor, (0, 0))
        follows = header.number == number + 1 and header.first > last
        if not follows or header.first != 1 + max(self._last[each] for each in header.deps):
            raise ChangeUnusable(why="its numbers do not follow those it builds on")
        self._last[header.hash], self._authors[header.hash] = header.last, header.actor
        self._actors[header.actor] = (header.number, header.last)
        self.heads = self.heads.difference(header.deps) | {header.hash}

    def _hand_over(self, changes: list[bytes]) -> None:
        """The library takes raw changes by no other way than a message of its synchronisation."""
        pieces = [b"\x42\0\0\0", _unsigned(len(changes))]
        for each in changes:
            pieces += [_unsigned(len(each)), each]
        self._document.receive_sync_message(core.SyncState(), core.Message.decode(b"".join(pieces)))

    def _known(self, change: bytes) -> bytes:
        self._last[change]
        return change


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
