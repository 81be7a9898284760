"""Characters as their players ask for it: in the personal space, in organisations, on two devices."""

from pathlib import Path

import pytest

from scmanager.application.desk import NotAMember
from scmanager.application.showing import SheetUnreadable
from scmanager.domain import character
from scmanager.domain.catalogue import CHARACTERS, PLAYERS
from scmanager.domain.character import Character, CharacterSheet, Fate, Standing
from scmanager.domain.member import RemovalReason
from scmanager.domain.words import WordsUnusable
from scmanager.errors import Refused
from scmanager.runtime import NotForThisSpace
from scmanager.spaces.personal import Absence
from tests.support.machines import Machine, carry, let_in
from tests.support.node import Seat


@pytest.fixture
def vesper(own: Seat) -> bytes:
    return own.made("character", "character.make", name="Vesper", occupation="medic", background="Born in a storm.")


def state(seat: Seat, character_id: bytes) -> Character:
    found: Character = seat.state(CHARACTERS, character_id)
    return found


def sheet(seat: Seat, character_id: bytes) -> CharacterSheet | Absence:
    words = seat.read(state(seat, character_id).sheet, CharacterSheet)
    assert isinstance(words, CharacterSheet | Absence)
    return words


def refused(error: type[Refused], seat: Seat, verb: str, **arguments: object) -> None:
    before = seat.pos()
    with pytest.raises(error):
        seat.do(verb, **arguments)
    assert seat.pos() == before, "a refused command leaves no trace"


def test_several_characters_are_made_and_are_nobodys_business(own: Seat, org: Seat, vesper: bytes) -> None:
    kestrel = own.made("character", "character.make", name="Kestrel")
    assert sheet(own, vesper) == CharacterSheet("Vesper", "medic", "", "Born in a storm.")
    assert sheet(own, kestrel) == CharacterSheet("Kestrel")
    assert state(org, vesper).standing is Standing.UNKNOWN
    refused(NotForThisSpace, org, "character.make", name="Vesper")
    refused(WordsUnusable, own, "character.make", name="")


def test_making_sent_twice_makes_one(own: Seat) -> None:
    first = own.do("character.make", b"c" * 16, name="Vesper")
    assert own.do("character.make", b"c" * 16, name="Vesper") == first


def test_what_is_left_out_of_a_description_stays(own: Seat, vesper: bytes) -> None:
    own.do("character.describe", character_id=vesper, origin="Terra")
    assert sheet(own, vesper) == CharacterSheet("Vesper", "medic", "Terra", "Born in a storm.")
    own.do("character.describe", character_id=vesper, occupation="", background="")
    assert sheet(own, vesper) == CharacterSheet("Vesper", "", "Terra", "")
    refused(character.CharacterUnknown, own, "character.describe", character_id=b"?" * 16, origin="Terra")


def test_an_organisation_sees_what_was_shared_last_and_the_answer_says_who_sees_old_words(
    own: Seat, org: Seat, vesper: bytes
) -> None:
    org.do("character.share", character_id=vesper)
    assert sheet(org, vesper) == CharacterSheet("Vesper", "medic", "", "Born in a storm.")
    answer = own.do("character.describe", character_id=vesper, name="Vesper Ilo")
    assert answer["still_shared_in"] == [org.space.hex()]
    shown = sheet(org, vesper)
    assert isinstance(shown, CharacterSheet)
    assert shown.name == "Vesper"
    org.do("character.share", character_id=vesper, background=False)
    assert sheet(org, vesper) == CharacterSheet("Vesper Ilo", "medic")
    before = org.pos()
    org.do("character.share", character_id=vesper, background=False)
    assert org.pos() == before, "nothing new to tell"


def test_a_background_that_was_kept_back_stays_so_until_it_is_asked_for(own: Seat, org: Seat, vesper: bytes) -> None:
    org.do("character.share", character_id=vesper, background=False)
    own.do("character.describe", character_id=vesper, origin="Terra")
    org.do("character.share", character_id=vesper)
    assert sheet(org, vesper) == CharacterSheet("Vesper", "medic", "Terra")
    org.do("character.withdraw", character_id=vesper)
    org.do("character.share", character_id=vesper)
    assert sheet(org, vesper) == CharacterSheet("Vesper", "medic", "Terra")
    org.do("character.share", character_id=vesper, background=True)
    assert sheet(org, vesper) == CharacterSheet("Vesper", "medic", "Terra", "Born in a storm.")


def test_a_character_is_withdrawn_and_shown_again(own: Seat, org: Seat, vesper: bytes) -> None:
    refused(character.CharacterUnknown, org, "character.withdraw", character_id=vesper)
    org.do("character.share", character_id=vesper)
    org.do("character.withdraw", character_id=vesper)
    assert state(org, vesper).standing is Standing.WITHDRAWN
    assert state(own, vesper).standing is Standing.PRESENT
    assert own.do("character.retire", character_id=vesper)["still_shared_in"] == []
    org.do("character.share", character_id=vesper)
    assert (state(org, vesper).standing, state(org, vesper).fate) == (Standing.PRESENT, Fate.RETIRED)
    assert own.do("character.return", character_id=vesper)["still_shared_in"] == [org.space.hex()]
    refused(character.CharacterUnknown, org, "character.share", character_id=b"?" * 16)


def test_each_space_has_a_main_character_of_its_own(own: Seat, org: Seat, vesper: bytes) -> None:
    kestrel = own.made("character", "character.make", name="Kestrel")
    own.do("character.choose-main", character_id=vesper)
    with pytest.raises(character.CharacterUnknown):
        org.do("character.choose-main", character_id=kestrel)
    org.do("character.share", character_id=kestrel)
    org.do("character.choose-main", character_id=kestrel)
    assert own.state(PLAYERS, own.me).main == vesper
    assert org.state(PLAYERS, org.me).main == kestrel
    own.do("character.drop-main")
    assert own.state(PLAYERS, own.me).main is None
    own.do("character.retire", character_id=vesper, fate=Fate.DEAD)
    refused(character.CharacterRetired, own, "character.choose-main", character_id=vesper)


def test_one_who_was_removed_says_nothing_of_his_characters_there_any_more(
    org: Seat, own: Seat, tmp_path: Path
) -> None:
    pilot = org.made("role", "role.define", title="Pilot", rank=5, rights=())
    with Machine(tmp_path, "bob").open() as bobs:
        bob = let_in(org.node, bobs, org.space, pilot, tmp_path)
        theirs, personal = Seat(bobs, org.space), Seat(bobs, bobs.personal_space())
        mine = personal.made("character", "character.make", name="Grub")
        theirs.do("character.share", character_id=mine)
        theirs.do("character.choose-main", character_id=mine)
        carry(bobs, org.node, org.space, tmp_path)
        assert state(org, mine).player == bob
        refused(character.CharacterNotYours, org, "character.withdraw", character_id=mine)
        org.do("member.remove", member_id=bob, reason=RemovalReason.INACTIVE)
        carry(org.node, bobs, org.space, tmp_path)
        with pytest.raises(NotAMember):
            theirs.do("character.drop-main")
        assert isinstance(sheet(personal, mine), CharacterSheet)


def test_words_of_characters_are_erased_with_the_others_and_can_be_written_anew(
    own: Seat, org: Seat, vesper: bytes
) -> None:
    org.do("character.share", character_id=vesper)
    own.erase_my_words()
    assert sheet(own, vesper) is Absence.ERASED
    assert isinstance(sheet(org, vesper), CharacterSheet), "each space erases for itself"
    org.erase_my_words()
    assert sheet(org, vesper) is Absence.ERASED
    refused(SheetUnreadable, own, "character.describe", character_id=vesper, origin="Terra")
    refused(SheetUnreadable, org, "character.share", character_id=vesper)
    own.do("character.describe", character_id=vesper, name="Vesper")
    assert sheet(own, vesper) == CharacterSheet("Vesper")


def test_two_devices_that_describe_at_once_keep_both_texts_until_one_is_chosen(
    own: Seat, vesper: bytes, tmp_path: Path
) -> None:
    with Machine(tmp_path, "laptop").open() as laptop:
        request = laptop.request(own.node.invitation(own.space, own.me))
        own.node.take_request(request)
        own.do("device.enrol", log=request.log, device=request.device, box=request.box)
        carry(own.node, laptop, own.space, tmp_path)
        there = Seat(laptop, own.space)
        kestrel = there.made("character", "character.make", name="Kestrel")
        for seat, origin, main in ((own, "Terra", vesper), (there, "Pyro", kestrel)):
            seat.do("character.describe", character_id=vesper, origin=origin)
            seat.do("character.choose-main", character_id=main)
        carry(laptop, own.node, own.space, tmp_path)
    both = (state(own, vesper).sheet, *state(own, vesper).rival_sheets)
    texts = [own.read(each, CharacterSheet) for each in both]
    assert {each.origin for each in texts if isinstance(each, CharacterSheet)} == {"Terra", "Pyro"}
    refused(character.SheetNotContested, own, "character.settle-sheet", character_id=vesper, sheet=b"?" * 32)
    own.do("character.settle-sheet", character_id=vesper, sheet=both[1])
    assert (state(own, vesper).sheet, state(own, vesper).rival_sheets) == (both[1], ())
    assert len(own.state(PLAYERS, own.me).rival_mains) == 1
    own.do("character.choose-main", character_id=kestrel)
    assert (own.state(PLAYERS, own.me).main, own.state(PLAYERS, own.me).rival_mains) == (kestrel, ())
