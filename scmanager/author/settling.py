"""Heads of the intake log that wait for witnesses: one at a time, asked beside whatever is taken (ADR 20, 24).

Public is the newest head that a quorum has cosigned, with its age. The next one is a head that the store holds and
the mark remembers; what is under it is laid out, and witnesses are asked until they are a quorum, whatever comes
meanwhile: then the checkpoint says it. Words that hold are kept for it, so those who answer at different times count
together.
"""

import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import msgspec

from scmanager.adapters import witness_client
from scmanager.adapters.ledger_source import SERVED, from_folder
from scmanager.adapters.witness_client import Word
from scmanager.application.published import broken
from scmanager.author.intake import OwnIntake
from scmanager.errors import Refused, Unavailable, utc
from scmanager.eventstore.checkpoint import Checkpoint, WrongSignature, parse_note
from scmanager.eventstore.own_log import Head
from scmanager.eventstore.tile_tree import TileTree
from scmanager.eventstore.tiles import BadTile
from scmanager.master_ledger.cosigning import merged
from scmanager.master_ledger.fetching import SourceLacks, tiles_from
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.verification import AHEAD_S, seen_by_a_quorum

FRESH_S: Final = 86_400
"""A head that is public is shown to its witnesses again after so long: they say then that they know of no newer."""


class NoWitnessAddress(Refused):
    """No witness in this policy has an address."""

    code = "no-witness-address"
    hint = "Put it at the end of its line: witness NAME KEY https://example.org/witness."


class WitnessesWanting(Unavailable):
    """Too few witnesses cosign the intake log: {public} of its {size} entries are public, {age}."""

    code = "intake-not-cosigned"
    hint = (
        "Reports are taken, and it is tried again by itself. See that a quorum of witnesses runs and lists this log."
    )


class Public(msgspec.Struct, frozen=True):
    """The head that lies in a published folder, and when a quorum had cosigned it, UTC seconds; None: it has not."""

    size: int
    seen_s: int | None

    def age(self, now_s: int) -> str:
        """For people."""
        if self.seen_s is None:
            return "and no quorum has cosigned that"
        return f"cosigned {utc(self.seen_s)}, {max(now_s - self.seen_s, 0) // 60} minutes ago"


def public_of(note: bytes | None, policy: Policy, until_s: int) -> Public:
    """Of a checkpoint, or of none. Raises BadNote, BadCheckpoint."""
    if note is None:
        return Public(0, None)
    parsed = parse_note(note)
    try:
        seen_s = seen_by_a_quorum(policy, policy.cosigned(parsed, until_s))
    except WrongSignature:  # A line that does not hold gives way to one that does, once its witness answers.
        seen_s = None
    return Public(Checkpoint.parse(parsed.text).size, seen_s)


class Settling:
    """Of one log and the folder it is published to. Any thread may ask; one at a time does."""

    def __init__(
        self, intake: OwnIntake, public: Path, beside: Callable[[], Mapping[str, bytes]], policy: Policy
    ) -> None:
        """Raises NoWitnessAddress."""
        if not policy.addresses:
            raise NoWitnessAddress
        self._intake, self._folder, self._beside, self._policy = intake, public, beside, policy
        self._asked, self._one = witness_client.by_address(policy), threading.Lock()
        self._waiting: Head | None = None
        self._words_of = b""
        """The head that waits, with the lines that hold so far."""
        self.words: list[Word] = []
        """What came of asking last."""

    def lay_out(self, newest: Head) -> None:
        """Bring all that is under the next head; what is public stays. Raises as `OwnIntake.publish`."""
        with self._one:
            self._laid_out(self._waiting or newest)

    def attempt(self, newest: Head, over: threading.Event) -> None:
        """Have the next head cosigned and make it public. Raises WitnessesWanting, and as `OwnIntake.publish`.

        The next head is the one that waits, or this. `over`: set, nobody is waited for any longer.
        """
        with self._one:
            head = self._waiting or newest
            public, note = self._laid_out(head)
            until_s = self._now_s() + AHEAD_S
            if public.size == head.size and self._is_fresh(public):
                return
            if parse_note(self._words_of or note).text == parse_note(note).text:
                note = merged(note, _lines(self._words_of))
            point = Checkpoint.parse(parse_note(note).text)
            read = from_folder(self._folder, SERVED)
            try:
                tree = TileTree(point.size, point.root, tiles_from(read))
            except (BadTile, SourceLacks) as error:
                raise broken(error) from error
            words = witness_client.ask_all(note, tree, self._asked, until_s, over)
            self.words = witness_client.with_evidence(words, note, read, over)
            note = merged(note, b"".join(each.lines for each in self.words))
            self._words_of = note
            settled = public_of(note, self._policy, until_s)
            if settled.seen_s is None:
                self._waiting = head if head.size > public.size else None
                raise self._wanting(public, newest)
            self._intake.publish(head, self._folder, self._beside(), lambda _, fresh: merged(fresh, _lines(note)))
            self._waiting, self._words_of = None, b""
            if not self._is_fresh(settled):
                raise self._wanting(settled, newest)

    def _laid_out(self, head: Head) -> tuple[Public, bytes]:
        """What is public, and the note of this head."""
        found: list[tuple[bytes | None, bytes]] = []

        def look(held: bytes | None, newest: bytes) -> None:
            found.append((held, newest))

        self._intake.publish(head, self._folder, self._beside(), look)
        held, newest = found[0]
        return public_of(held, self._policy, self._now_s() + AHEAD_S), newest

    def _wanting(self, public: Public, newest: Head) -> WitnessesWanting:
        return WitnessesWanting(public=public.size, size=newest.size, age=public.age(self._now_s()))

    def _is_fresh(self, public: Public) -> bool:
        return public.seen_s is not None and self._now_s() - public.seen_s < FRESH_S

    def _now_s(self) -> int:
        return self._intake.now_us() // 10**6


def _lines(note: bytes) -> bytes:
    return note.rpartition(b"\n\n")[2]
