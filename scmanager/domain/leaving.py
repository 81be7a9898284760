"""Leaving out: changes of a document that are kept from its text, by who ranks above those who wrote them (SPEC M3).

Nothing is deleted: the history shows what is left out, by whom and why, and it can be taken in again. What somebody
wrote meanwhile on what is left out is left out with it, until it is taken in or written again.
"""

from collections.abc import Iterable, Iterator
from operator import itemgetter

from scmanager.domain.document import LEAVINGS_MAX, Document, Kind, Leaving, LeftOut, TakenIn, owner_of
from scmanager.domain.event import About, Decision, Envelope, Id, Id32, Personal
from scmanager.domain.payload import TUPLE_MAX
from scmanager.domain.words import Prose, check_words
from scmanager.errors import Refused


class LeavingReason(Personal):
    """Why changes were left out. Sealed like the other prose of the space."""

    text: Prose


class Sieve:
    """What stands of one document, ready to be asked of very many changes."""

    def __init__(self, leavings: Iterable[Leaving]) -> None:
        self._named: dict[Id32, list[tuple[int, Leaving]]] = {}
        """By the entry that is named, each with its place among all."""
        self._spans: list[tuple[int, Leaving]] = []
        for place, each in enumerate(leavings):
            for entry in each.said.entries:
                self._named.setdefault(entry, []).append((place, each))
            if each.said.since <= each.said.until:
                self._spans.append((place, each))

    def leaving_of(self, change: Envelope) -> Leaving | None:
        """The first that keeps this change out of the text, if any does."""
        meant = (*self._named.get(change.entry, ()), *self._spans)
        found = [(place, each) for place, each in meant if each.names(change)]
        return min(found, key=itemgetter(0))[1] if found else None


class LeavingAbove(Refused):
    """This was written, or left out, by somebody whose rank is not below yours."""

    code = "document-leaving-above"
    hint = "Ask somebody of a higher rank. What you wrote yourself you can always leave out."


class NothingToLeaveOut(Refused):
    """There is nothing like that in this document which could be left out."""

    code = "document-nothing-to-leave-out"
    hint = "Name changes from its history (scm document history), an author, or everything."


class TooManyLeavings(Refused):
    """{count} times something is left out of this document; more cannot be."""

    code = "document-leavings-full"
    hint = "Take some in again, or leave out everything until now at once: then those can go."


class TooManyNamed(Refused):
    """{count} changes are named; {most} at most can be at a time."""

    code = "document-changes-too-many"
    hint = "Leave them out in several steps, or name their author and a span of time."


class LeavingUnknown(Refused):
    """Nothing is left out of this document under this id."""

    code = "document-leaving-unknown"
    hint = "The history names what is left out: scm document history."


def leave_out(
    document: Document, me: Envelope, said: LeftOut, written: Iterable[Envelope], why: str, subject: Id
) -> Iterator[Decision]:
    """Leave out what `said` names of what was `written`; `me`: whoever says so, as the envelope will;
    `subject`: whose key seals why.

    Raises NothingToLeaveOut, LeavingAbove where a named one is, TooManyNamed, TooManyLeavings, WordsUnusable.
    """
    text = document.text(said.document, owner_of(said.document, me.member))
    if len(said.entries) > TUPLE_MAX:
        raise TooManyNamed(count=len(said.entries), most=TUPLE_MAX)
    leaving = Leaving(me.entry, me.member, me.rank, me.hlc, said)
    named = [each for each in written if leaving.names(each)]
    if not {each.entry for each in named} >= set(said.entries):
        raise LeavingAbove
    if not named:
        raise NothingToLeaveOut
    if len(text.leavings) >= LEAVINGS_MAX:
        raise TooManyLeavings(count=len(text.leavings))
    yield About(said, subject, LeavingReason(check_words(why))) if why else said


def take_in(document: Document, member: Id, rank: int, kind: Kind, left: Id32) -> Iterator[Decision]:
    """Let what was left out count again. Raises LeavingUnknown, LeavingAbove."""
    text = document.text(kind, owner_of(kind, member))
    leaving = next((each for each in text.leavings if each.entry == left), None)
    if leaving is None:
        raise LeavingUnknown
    if rank > leaving.rank:
        raise LeavingAbove
    yield TakenIn(kind, left)
