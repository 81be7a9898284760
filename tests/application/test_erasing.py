"""What an erasure takes of one who is alone: all that his own space says, and no prose of an organisation."""

from scmanager.domain.catalogue import DOCUMENTS
from scmanager.domain.document import Kind, owner_of
from scmanager.domain.governance import AT_ONCE
from scmanager.domain.leaving import LeavingReason
from scmanager.spaces.personal import Absence
from tests.support.node import Seat


def why_left_out(seat: Seat, thing: bytes, kind: Kind) -> bytes:
    """The entry that says why a document's only change was left out."""
    seat.do("document.edit", thing_id=thing, kind=kind, text="Born in a storm.")
    seat.do("document.leave-out", thing_id=thing, kind=kind, everything=True, why="Not as it was.")
    (said,) = seat.state(DOCUMENTS, thing).text(kind, owner_of(kind, seat.me)).leavings
    assert seat.read(said.entry, LeavingReason) == LeavingReason("Not as it was.")
    entry: bytes = said.entry
    return entry


def test_why_something_was_left_out_of_a_charter_outlasts_the_founders_words(org: Seat) -> None:
    why = why_left_out(org, org.me, Kind.CHARTER)
    org.do("member.erase", member_id=org.me, ground=AT_ONCE)
    assert org.read(why, LeavingReason) == LeavingReason("Not as it was.")


def test_all_that_ones_own_space_says_goes_with_ones_own_words(own: Seat) -> None:
    character = own.made("character", "character.make", name="Vesper")
    why = why_left_out(own, character, Kind.SHEET)
    own.do("member.erase", member_id=own.me, ground=AT_ONCE)
    assert own.read(why, LeavingReason) is Absence.ERASED
