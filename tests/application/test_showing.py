"""The text of a character's sheet as an organisation is shown it: only if its player says so, and as it was then."""

from pathlib import Path

import pytest

from scmanager.application.characters import share
from scmanager.application.drafting import Drafting
from scmanager.application.saying_again import WordsGone
from scmanager.application.writer import Command
from scmanager.domain.catalogue import CHARACTERS
from scmanager.domain.character import Character, CharacterUnknown, SheetText, Standing, TextNotShowable
from scmanager.domain.document import DocumentMoved, Kind
from scmanager.domain.words import PROSE_LENGTH_MAX
from scmanager.errors import Refused
from scmanager.spaces.documents import WordsAbsent
from scmanager.spaces.personal import Absence
from tests.support.machines import Machine, carry, let_in
from tests.support.node import Seat

STORM, SEA = "Born in a storm.\n\nFlies by night.", "Born at sea."


@pytest.fixture
def vesper(own: Seat) -> bytes:
    made = own.made("character", "character.make", name="Vesper")
    write(own, made, STORM)
    return made


def write(own: Seat, character_id: bytes, text: str) -> None:
    own.do("document.edit", thing_id=character_id, kind=Kind.SHEET, text=text)


def state(seat: Seat, character_id: bytes) -> Character:
    found: Character = seat.state(CHARACTERS, character_id)
    return found


def shown(seat: Seat, character_id: bytes) -> str | Absence:
    """The text that is shown of it."""
    entry = state(seat, character_id).text
    words = seat.read(entry, SheetText) if entry else Absence.NONE
    return words.text if isinstance(words, SheetText) else Absence(str(words))


def refused(error: type[Refused], seat: Seat, verb: str, **arguments: object) -> None:
    before = seat.pos()
    with pytest.raises(error):
        seat.do(verb, **arguments)
    assert seat.pos() == before, "a refused command leaves no trace"


def test_a_text_goes_along_only_when_that_is_said(org: Seat, own: Seat, vesper: bytes) -> None:
    org.do("character.share", character_id=vesper)
    assert shown(org, vesper) is Absence.NONE
    org.do("character.share", character_id=vesper, with_text=True)
    assert shown(org, vesper) == STORM
    before = org.pos()
    org.do("character.share", character_id=vesper, with_text=True)
    assert org.pos() == before, "nothing new to tell"
    org.do("character.share", character_id=vesper)
    assert shown(org, vesper) is Absence.NONE
    assert shown(own, vesper) is Absence.NONE, "what is shown stands in the organisation alone"


def test_what_is_written_later_is_shown_when_it_is_shared_again(org: Seat, own: Seat, vesper: bytes) -> None:
    org.do("character.share", character_id=vesper, with_text=True)
    before = state(org, vesper)
    write(own, vesper, SEA)
    assert state(org, vesper) == before
    assert shown(org, vesper) == STORM
    org.do("character.share", character_id=vesper, with_text=True)
    assert shown(org, vesper) == SEA


def test_a_withdrawn_character_comes_back_without_its_text(org: Seat, vesper: bytes) -> None:
    org.do("character.share", character_id=vesper, with_text=True)
    org.do("character.withdraw", character_id=vesper)
    org.do("character.share", character_id=vesper)
    assert shown(org, vesper) is Absence.NONE
    org.do("character.withdraw", character_id=vesper)
    org.do("character.share", character_id=vesper, with_text=True)
    assert shown(org, vesper) == STORM


def test_a_text_that_is_too_long_or_not_there_is_refused_and_nothing_is_shown(
    org: Seat, own: Seat, vesper: bytes
) -> None:
    write(own, vesper, "x" * (PROSE_LENGTH_MAX + 1))
    before = org.pos()
    with pytest.raises(TextNotShowable) as error:
        org.do("character.share", character_id=vesper, with_text=True)
    assert org.pos() == before, "a refused command leaves no trace"
    assert str(error.value).startswith(
        "The text of this character's sheet cannot be shown: it has 20001 characters, 20000"
    )
    write(own, vesper, "x" * PROSE_LENGTH_MAX)
    org.do("character.share", character_id=vesper, with_text=True)
    assert shown(org, vesper) == "x" * PROSE_LENGTH_MAX
    kestrel = own.made("character", "character.make", name="Kestrel")
    refused(TextNotShowable, org, "character.share", character_id=kestrel, with_text=True)
    refused(CharacterUnknown, org, "character.share", character_id=b"?" * 16, with_text=True)


def test_a_text_that_changed_while_it_was_read_is_read_again(org: Seat, own: Seat, vesper: bytes) -> None:
    node = org.node
    grant, log = node.writer.grant(org.space), node.writer.seat_log(org.space)
    drafting = Drafting(
        node.documents, node.shelf.space(org.space), log or b"", grant, b"c" * 16,
        node.shelf, node.writer.own_spaces,
    )  # fmt: skip
    at_desk = share(drafting, character_id=vesper, with_text=True)
    write(own, vesper, SEA)
    with pytest.raises(DocumentMoved):
        node.writer.do(Command(b"c" * 16, org.space, at_desk))
    assert state(org, vesper) == Character()
    node.writer.do(Command(b"c" * 16, org.space, share(drafting, character_id=vesper, with_text=True)))
    assert shown(org, vesper) == SEA


def test_an_erased_member_takes_the_text_along(org: Seat, own: Seat, vesper: bytes) -> None:
    org.do("character.share", character_id=vesper, with_text=True)
    org.erase_my_words()
    assert shown(org, vesper) is Absence.ERASED
    org.do("character.share", character_id=vesper, with_text=True)
    assert shown(org, vesper) == STORM, "said anew, by him"
    own.erase_my_words()
    own.do("character.describe", character_id=vesper, name="Vesper")
    refused(WordsAbsent, org, "character.share", character_id=vesper, with_text=True)


def test_undoing_shows_what_was_shown_before(org: Seat, own: Seat, vesper: bytes) -> None:
    org.do("character.share", character_id=vesper, with_text=True)
    write(own, vesper, SEA)
    org.do("character.share", character_id=vesper, with_text=True)
    org.do("undo")
    assert shown(org, vesper) == STORM
    org.do("character.share", character_id=vesper)
    org.do("undo")
    assert shown(org, vesper) == STORM
    org.do("undo", anyway=True)
    assert state(org, vesper).standing is Standing.WITHDRAWN, "the first sharing is what is left to take back"


def test_what_was_erased_is_not_shown_again_by_an_undo(org: Seat, vesper: bytes) -> None:
    org.do("character.share", character_id=vesper, with_text=True)
    org.do("character.share", character_id=vesper)
    last = state(org, vesper).sheet
    org.erase_my_words()
    refused(WordsGone, org, "undo", event=last)


def test_another_member_reads_it_until_it_is_shared_without(org: Seat, own: Seat, tmp_path: Path) -> None:
    pilot = org.made("role", "role.define", title="Pilot", rank=5, rights=())
    with Machine(tmp_path, "bob").open() as bobs:
        let_in(org.node, bobs, org.space, pilot, tmp_path)
        theirs, personal = Seat(bobs, org.space), Seat(bobs, bobs.personal_space())
        grub = personal.made("character", "character.make", name="Grub")
        write(personal, grub, SEA)
        theirs.do("character.share", character_id=grub, with_text=True)
        carry(bobs, org.node, org.space, tmp_path)
        assert shown(org, grub) == SEA
        theirs.do("character.share", character_id=grub)
        carry(bobs, org.node, org.space, tmp_path)
        assert shown(org, grub) is Absence.NONE
