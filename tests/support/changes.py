"""Changes of a document: honest ones from several hands, and ones that nobody honest makes."""

import hashlib
import random
from collections.abc import Iterable

from automerge import core

from scmanager.adapters.automerge_text import ROOT_CHANGE, TextDocument
from scmanager.domain.change_graph import ROOT
from scmanager.spaces.scribe import Draft, Told

SPARE = b"spare".ljust(16, b".")


class Hand:
    """Somebody who writes one document on a machine of his own."""

    def __init__(self, name: str) -> None:
        self.actor = name.encode().ljust(16, b".")
        self.number = 0
        self.told: list[Told] = []
        self.document = TextDocument()

    def write(self, text: str) -> tuple[Told, ...]:
        """Make it say this; the changes that were needed."""
        draft = Draft(tuple(sorted(self.document.heads)), text, self.actor, self.number + 1, SPARE)
        made = self.document.write(draft)
        self.hear(made)
        self.number += len(made)
        return made

    def hear(self, told: Iterable[Told]) -> None:
        known = {each.change for each in self.told}
        fresh = [each for each in told if each.change not in known]
        assert not self.document.take(fresh)
        self.told += fresh

    @property
    def text(self) -> str:
        return self.document.text()


def conversation() -> tuple[list[Told], str]:
    """Three who write at once and hear of each other now and then: every change, and what all agree on."""
    ada, bob, cem = (Hand(name) for name in ("ada", "bob", "cem"))
    for round_ in range(6):
        for number, hand in enumerate((ada, bob, cem)):
            lines = hand.text.splitlines()
            lines.insert((round_ * 3 + number) % (len(lines) + 1), f"{number}: line {round_} \N{ROCKET} שלום")
            hand.write("\n".join(lines[:12]) + "\n")
        if round_ % 2:
            bob.hear(ada.told)
            cem.hear(bob.told)
            ada.hear(cem.told)
    bob.hear(ada.told)
    bob.hear(cem.told)
    return bob.told, bob.text


def many_edits(count: int, actor: bytes) -> list[Told]:
    """As many edits of six characters each, at all places, one after the other."""
    return _typed(((number * 7919 % (number * 6 + 1), f"{number:05}\n") for number in range(count)), actor)


def long_text(count: int, size: int, actor: bytes) -> list[Told]:
    """As many changes, each of which types so many characters before the others."""
    return _typed(
        ((0, "".join(random.Random(number).choices("abcdefgh \n漢", k=size))) for number in range(count)), actor
    )


def _typed(edits: Iterable[tuple[int, str]], actor: bytes) -> list[Told]:
    document = core.Document(bytes(16))
    message = b"\x42\0\0\0\x01" + bytes((len(ROOT_CHANGE),)) + ROOT_CHANGE
    document.receive_sync_message(core.SyncState(), core.Message.decode(message))
    root, (_, text) = document.get_heads(), document.get(core.ROOT, "text")
    document.set_actor(actor)
    for at, put in edits:
        with document.transaction() as writing:
            writing.splice_text(text, at, 0, put)
    return [
        Told(bytes(each.hash), actor, each.seq, tuple(map(bytes, each.deps)), bytes(each.raw_bytes))
        for each in document.get_changes(root)
    ]


def in_order(told: Iterable[Told]) -> list[Told]:
    """As the domain hands them out: each after what it depends on."""
    known, waiting, found = {ROOT}, list(told), []
    while waiting:
        ready = [each for each in waiting if known.issuperset(each.deps)]
        assert ready, "something depends on what is not there"
        for each in ready:
            known.add(each.change)
        found += ready
        waiting = [each for each in waiting if each.change not in known]
    return found


def resealed(told: Told, old: bytes, new: bytes) -> Told:
    """A change with some of its bytes replaced, and a checksum, a hash and a header that are right again."""
    body = body_of(told.data)
    assert body.count(old) == 1, "say more exactly what is to be replaced"
    return retold(told, sealed(body.replace(old, new)))


def retold(told: Told, data: bytes) -> Told:
    """Other bytes under the hash that they have."""
    return Told(hashlib.sha256(data[8:]).digest(), told.actor, told.number, told.deps, data)


def counter() -> Told:
    """A change that puts a counter where a character should be: reading one makes the library panic."""
    (honest,) = Hand("eve").write("a")
    return resealed(honest, b"\x7f\x16a", b"\x7f\x18a")


def poison(told: Told) -> Told:
    """A change that reads well and at which the library gives up: it is about a text that nobody made."""
    return resealed(told, b"\x01\x10" + bytes(16), b"\x01\x10" + bytes(15) + b"\xc1")


def sealed(body: bytes) -> bytes:
    """A chunk of the type of changes around any bytes, with the checksum they have."""
    rest = b"\x01" + unsigned(len(body)) + body
    return bytes.fromhex("856f4a83") + hashlib.sha256(rest).digest()[:4] + rest


def body_of(data: bytes) -> bytes:
    """What a chunk is around."""
    place = 9
    while data[place] & 0x80:
        place += 1
    return data[place + 1 :]


def unsigned(number: int) -> bytes:
    found = bytearray()
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes((*found, number))


def signed(number: int) -> bytes:
    """A number above zero in signed LEB128."""
    found = unsigned(number)
    return found if not found[-1] & 0x40 else found[:-1] + bytes((found[-1] | 0x80, 0))


def bomb(operations: int) -> Told:
    """A change of forty bytes that unfolds to this many deletions."""
    actor = b"bomb............"
    columns = {0x42: signed(operations) + b"\x03"}
    shape = b"".join(unsigned(spec) + unsigned(len(column)) for spec, column in columns.items())
    body = b"\x01" + ROOT + b"\x10" + actor + b"\x01\x02\x00\x00\x00" + unsigned(len(columns)) + shape
    data = sealed(body + b"".join(columns.values()))
    return Told(hashlib.sha256(data[8:]).digest(), actor, 1, (ROOT,), data)
