"""A character: made, described, shown to an organisation, withdrawn; and which one is the main one."""

import pytest

from scmanager.domain import player
from scmanager.domain.character import (
    Character,
    CharacterKnown,
    CharacterNotYours,
    CharacterRetired,
    CharacterSheet,
    CharacterUnknown,
    CharacterWithdrawn,
    Copy,
    Described,
    Fate,
    Made,
    Retired,
    Returned,
    Shared,
    ShareWithdrawn,
    SheetChosen,
    SheetNotContested,
    SheetText,
    Standing,
    TextNotShowable,
    TextShown,
    check_playable,
    describe,
    each_player,
    evolve,
    make,
    played_by,
    retire,
    return_,
    settle_sheet,
    share,
    withdraw_share,
)
from scmanager.domain.event import About, replace
from scmanager.domain.player import MainChosen, MainDropped, Player, choose_main, drop_main
from scmanager.domain.words import WordsUnusable
from scmanager.errors import Refused
from tests.support.scenario import Scenario, entry, meanwhile, told, who

ADA, GRACE = who("ada"), who("grace")
VESPER, KESTREL = who("vesper"), who("kestrel")
SHEET = CharacterSheet("Vesper Ilo", "medic", "Terra", "Born in a storm.")
TEXT = SheetText("Born in a storm.\nFlies by night.")
story = Scenario(Character(), evolve)
given, when, then, then_refused, then_state = story.verbs()
MADE = told(Made(), by=ADA)
SHOWN = told(Shared(), by=ADA)


def test_a_character_is_made_once_with_its_words_under_the_players_key() -> None:
    given()
    when(make, ADA, SHEET, by=ADA)
    then(About(Made(), ADA, SHEET))
    then_state(player=ADA, sheet=entry(1), standing=Standing.PRESENT, fate=None)
    when(make, ADA, SHEET)
    then_refused(CharacterKnown)


def test_made_twice_under_one_id_its_sheets_are_contested() -> None:
    given(MADE, MADE)
    then_state(sheet=entry(1), rival_sheets=())
    given(MADE, meanwhile(Made(), by=ADA))
    then_state(sheet=entry(1), rival_sheets=(entry(2),))


def test_two_who_make_one_id_at_once_it_is_the_firsts() -> None:
    given()
    one, two = story.in_either_order(MADE, told(Made(), by=GRACE))
    assert (one.player, two.player) == (ADA, GRACE)


@pytest.mark.parametrize(
    "sheet",
    [
        CharacterSheet(""),
        CharacterSheet("a\nb"),
        CharacterSheet("x" * 81),
        CharacterSheet("Vesper", occupation="a\u202eb"),
        CharacterSheet("Vesper", origin="\x1b[2J"),
        CharacterSheet("Vesper", background="\0"),
        CharacterSheet("Vesper", background="x" * 20_001),
    ],
)
def test_words_that_cannot_be_kept_are_refused(sheet: CharacterSheet) -> None:
    given()
    when(make, ADA, sheet)
    then_refused(WordsUnusable)
    when(share, ADA, Copy(sheet), None)
    then_refused(WordsUnusable)
    given(MADE)
    when(describe, ADA, sheet)
    then_refused(WordsUnusable)


def test_names_of_any_script_are_kept() -> None:
    given()
    for name in ("Zoë", "星野 あかり", "نور", "O'Brien-Łuków", "क्षितिज"):
        when(make, ADA, CharacterSheet(name, background=f"{name}\n\u200f{name}"))
        assert story.state.player == b"" or story.state.sheet
        given()


def test_nothing_is_said_of_a_character_that_is_not_there_or_anothers() -> None:
    for decide, *args in (
        (describe, SHEET),
        (settle_sheet, entry(1)),
        (retire, Fate.DEAD),
        (return_,),
        (withdraw_share,),
    ):
        given()
        when(decide, ADA, *args)
        then_refused(CharacterUnknown)
        given(MADE)
        when(decide, GRACE, *args)
        then_refused(CharacterNotYours)
    given(Described(), Retired(), ShareWithdrawn(), TextShown(), SheetChosen(entry(1)))
    assert story.state == Character()


def test_what_somebody_else_says_of_it_does_not_count() -> None:
    given(MADE)
    before = story.state
    for event in (
        Described(), Retired(), Shared(), TextShown(), ShareWithdrawn(), Returned(), SheetChosen(entry(1)),
    ):  # fmt: skip
        given(MADE, told(event, by=GRACE))
        assert replace(story.state, others=()) == before


def test_two_may_show_one_id_and_each_has_his_own() -> None:
    given(told(Shared(), by=GRACE), told(Made(), by=ADA), told(Retired(), by=GRACE))
    when(share, ADA, Copy(SHEET), None, by=ADA)
    then(About(Shared(), ADA, SHEET))
    his, hers = each_player(story.state)
    assert (his.player, his.fate, his.sheet) == (GRACE, Fate.RETIRED, entry(1))
    assert (hers.player, hers.fate, hers.sheet) == (ADA, None, entry(4))
    assert played_by(story.state, who("bob")) == Character()


def test_it_is_described_anew() -> None:
    given(MADE)
    when(describe, ADA, SHEET, by=ADA)
    then(About(Described(over=(entry(1),)), ADA, SHEET))
    then_state(sheet=entry(2), rival_sheets=())


def test_described_on_two_devices_at_once_it_is_contested_until_one_is_chosen() -> None:
    first, second = told(Described((entry(1),)), by=ADA), told(Described((entry(1),)), by=ADA)
    given(MADE)
    one, two = story.in_either_order(first, second)
    assert (one.sheet, one.rival_sheets) == (entry(2), (entry(3),))
    assert (two.sheet, two.rival_sheets) == (entry(3), (entry(2),))
    given(MADE, first, meanwhile(Described((entry(1),)), by=ADA))
    when(settle_sheet, ADA, entry(1))
    then_refused(SheetNotContested)
    when(settle_sheet, ADA, entry(3), by=ADA)
    then(SheetChosen(entry(3), over=(entry(2), entry(3))))
    then_state(sheet=entry(3), rival_sheets=())
    when(settle_sheet, ADA, entry(3))
    then_refused(SheetNotContested)
    given(MADE, first, meanwhile(Described((entry(1),)), by=ADA))
    when(describe, ADA, SHEET, by=ADA)
    then_state(sheet=entry(4), rival_sheets=())


def test_two_sheets_chosen_at_once_are_contested_again() -> None:
    past = (MADE, told(Described((entry(1),)), by=ADA), meanwhile(Described((entry(1),)), by=ADA))
    given(*past)
    over = (entry(2), entry(3))
    one, two = story.in_either_order(
        told(SheetChosen(entry(2), over), by=ADA), told(SheetChosen(entry(3), over), by=ADA)
    )
    assert (one.sheet, one.rival_sheets) == (entry(2), (entry(3),))
    assert (two.sheet, two.rival_sheets) == (entry(3), (entry(2),))


def test_a_character_is_retired_and_returns() -> None:
    given(MADE)
    when(retire, ADA, Fate.DEAD, by=ADA)
    then(Retired(Fate.DEAD))
    when(retire, ADA, Fate.DEAD)
    then()
    when(return_, ADA, by=ADA)
    then(Returned())
    when(return_, ADA)
    then()
    one, two = story.in_either_order(told(Retired(Fate.MISSING), by=ADA), told(Returned(), by=ADA))
    assert (one.fate, two.fate) == (None, Fate.MISSING)


def test_it_is_shown_as_it_is_now_and_told_again_only_when_something_changed() -> None:
    given()
    when(share, ADA, Copy(SHEET), None, by=ADA)
    then(About(Shared(), ADA, SHEET))
    then_state(player=ADA, sheet=entry(1), standing=Standing.PRESENT)
    when(share, ADA, Copy(SHEET), Copy(SHEET))
    then()
    when(share, ADA, Copy(SHEET, Fate.DEAD), Copy(SHEET), by=ADA)
    then(About(Shared(Fate.DEAD), ADA, SHEET))
    then_state(sheet=entry(2), fate=Fate.DEAD)


def test_shared_on_two_devices_at_once_the_last_in_fold_order_is_seen() -> None:
    given()
    one, two = story.in_either_order(SHOWN, told(Shared(Fate.DEAD), by=ADA))
    assert (one.fate, two.fate) == (Fate.DEAD, None)
    assert one.rival_sheets == two.rival_sheets == ()


def test_it_is_withdrawn_and_shown_again() -> None:
    given(SHOWN)
    when(withdraw_share, ADA, by=ADA)
    then(ShareWithdrawn())
    when(withdraw_share, ADA)
    then()
    then_state(standing=Standing.WITHDRAWN)
    when(share, ADA, Copy(SHEET), Copy(SHEET), by=ADA)
    then(About(Shared(over=(entry(2),)), ADA, SHEET))
    then_state(standing=Standing.PRESENT)


def test_shared_and_withdrawn_at_once_it_is_withdrawn_in_either_order() -> None:
    given(SHOWN)
    one, two = story.in_either_order(SHOWN, told(ShareWithdrawn(), by=ADA))
    assert one.standing is two.standing is Standing.WITHDRAWN
    given(SHOWN, told(ShareWithdrawn(), by=ADA))
    again, more = told(Shared(over=(entry(2),)), by=ADA), told(ShareWithdrawn(), by=ADA)
    one, two = story.in_either_order(again, more)
    assert one.standing is two.standing is Standing.WITHDRAWN


def test_the_text_of_its_sheet_goes_along_when_it_is_said_and_goes_when_it_is_not() -> None:
    with_text = Copy(SHEET, text=TEXT)
    given()
    when(share, ADA, with_text, None, by=ADA)
    then(About(Shared(), ADA, SHEET), About(TextShown(), ADA, TEXT))
    then_state(sheet=entry(1), text=entry(2))
    when(share, ADA, with_text, with_text)
    then()
    when(share, ADA, Copy(SHEET, text=SheetText("Born at sea.")), with_text, by=ADA)
    then_state(sheet=entry(3), text=entry(4))
    when(share, ADA, Copy(SHEET), with_text, by=ADA)
    then(About(Shared(), ADA, SHEET))
    then_state(sheet=entry(5), text=b"")


def test_a_text_that_was_withdrawn_does_not_come_back_with_the_character() -> None:
    given(SHOWN, told(TextShown(), by=ADA), told(ShareWithdrawn(), by=ADA))
    when(share, ADA, Copy(SHEET), Copy(SHEET), by=ADA)
    then_state(standing=Standing.PRESENT, text=b"")


def test_shared_with_and_without_its_text_at_once_the_last_sharing_is_seen_whole() -> None:
    given(SHOWN, told(TextShown(), by=ADA), meanwhile(Shared(), by=ADA))
    then_state(sheet=entry(3), text=b"")
    given(meanwhile(Shared(), by=ADA), SHOWN, meanwhile(TextShown(), by=ADA, saw=(entry(2),)))
    then_state(sheet=entry(2), text=entry(3))
    given(SHOWN, meanwhile(Shared(), by=ADA), meanwhile(TextShown(), by=ADA, saw=(entry(1),)))
    then_state(sheet=entry(2), text=b"")


@pytest.mark.parametrize("text", ["", " \n", "\0", "x" * 20_001])
def test_a_text_that_cannot_be_shown_is_refused(text: str) -> None:
    given()
    when(share, ADA, Copy(SHEET, text=SheetText(text)), None)
    then_refused(TextNotShowable)
    when(share, ADA, Copy(SHEET, text=SheetText("x" * 20_000)), None)
    then(About(Shared(), ADA, SHEET), About(TextShown(), ADA, SheetText("x" * 20_000)))


@pytest.mark.parametrize(
    ("past", "actor", "error"),
    [
        ((), ADA, CharacterUnknown),
        ((MADE,), GRACE, CharacterNotYours),
        ((SHOWN, told(ShareWithdrawn(), by=ADA)), ADA, CharacterWithdrawn),
        ((MADE, told(Retired(Fate.DEAD), by=ADA)), ADA, CharacterRetired),
    ],
)
def test_only_ones_own_character_that_is_seen_and_played_can_be_the_main_one(
    past: tuple[object, ...], actor: bytes, error: type[Refused]
) -> None:
    given(*past)
    with pytest.raises(error):
        check_playable(story.state, actor)
    given(MADE)
    check_playable(story.state, ADA)


MAINS = Scenario(Player(), player.evolve, ADA)


def test_a_player_has_one_main_character_or_none() -> None:
    MAINS.given()
    MAINS.when(choose_main, VESPER, by=ADA)
    MAINS.then(MainChosen(VESPER))
    MAINS.when(choose_main, VESPER)
    MAINS.then()
    MAINS.when(choose_main, KESTREL, by=ADA)
    MAINS.then(MainChosen(KESTREL, over=(entry(1),)))
    MAINS.when(drop_main, by=ADA)
    MAINS.then(MainDropped(over=(entry(2),)))
    MAINS.when(drop_main)
    MAINS.then()
    MAINS.given(told(MainChosen(VESPER), by=GRACE))
    assert MAINS.state == Player()


def test_two_mains_chosen_at_once_are_contested_until_one_is_chosen_again() -> None:
    MAINS.given()
    one, two = MAINS.in_either_order(told(MainChosen(VESPER), by=ADA), told(MainChosen(KESTREL), by=ADA))
    assert (one.main, one.rival_mains) == (VESPER, (KESTREL,))
    assert (two.main, two.rival_mains) == (KESTREL, (VESPER,))
    MAINS.given(told(MainChosen(VESPER), by=ADA), meanwhile(MainChosen(KESTREL), by=ADA))
    MAINS.when(choose_main, KESTREL, by=ADA)
    MAINS.then(MainChosen(KESTREL, over=(entry(1), entry(2))))
    MAINS.then_state(rival_mains=())


def test_a_main_dropped_while_another_was_chosen_leaves_the_other_in_either_order() -> None:
    MAINS.given(told(MainChosen(VESPER), by=ADA))
    one, two = MAINS.in_either_order(
        told(MainDropped((entry(1),)), by=ADA), told(MainChosen(KESTREL, (entry(1),)), by=ADA)
    )
    assert one.main == two.main == KESTREL


def test_a_sheet_that_nobody_wrote_is_not_chosen_and_the_newest_sixty_four_can_be() -> None:
    given(MADE, told(SheetChosen(entry(77)), by=ADA))
    then_state(sheet=entry(1), rival_sheets=())
    given(MADE, *(told(Described((entry(number),)), by=ADA) for number in range(1, 80)))
    assert story.state.written == tuple(entry(number) for number in range(17, 81))


def test_what_an_event_names_is_ended_even_if_newer_things_were_all_its_author_saw() -> None:
    given(MADE, meanwhile(Described((entry(1),)), by=ADA))
    then_state(sheet=entry(2), rival_sheets=())
    given(SHOWN, told(ShareWithdrawn(), by=ADA), meanwhile(Shared(over=(entry(2),)), by=ADA))
    then_state(standing=Standing.PRESENT)
    MAINS.given(told(MainChosen(VESPER), by=ADA), meanwhile(MainChosen(KESTREL, (entry(1),)), by=ADA))
    MAINS.then_state(main=KESTREL, rival_mains=())
    MAINS.given(told(MainChosen(VESPER), by=ADA), meanwhile(MainDropped((entry(1),)), by=ADA))
    MAINS.then_state(main=None)
