"""Characters' read model: what is seen, withdrawn, contested and erased; equal to a rebuild after every step."""

from collections.abc import Callable

import psycopg
import pytest
from psycopg.rows import dict_row

from scmanager.application import characters, erasing
from scmanager.application.desk import Desk
from scmanager.domain import character
from scmanager.domain.catalogue import CHARACTERS
from scmanager.domain.character import CharacterSheet, Copy, Fate, SheetText
from scmanager.domain.event import About
from scmanager.projections import generation
from scmanager.projections.generation import LIVE
from tests.support.books import Books, dump, one, show_character

pytestmark = pytest.mark.services

VESPER, KESTREL = b"v" * 16, b"k" * 16
ALONG = Copy(CharacterSheet("Vesper"), text=SheetText("Born in a storm."))


def described_unseen(words: CharacterSheet) -> Callable[[Desk], None]:
    """By a device that knew of no other description."""

    def act(desk: Desk) -> None:
        desk.record(None, VESPER, About(character.Described(), desk.me, words))

    return act


def test_a_shown_character_has_a_row_and_a_withdrawn_one_has_none(nova: Books, database: str) -> None:
    nova.do(show_character(VESPER, "Vésper\\Ilo", "medic"))
    projector = nova.projector(database)
    projector.catch_up()
    with psycopg.connect(database, row_factory=dict_row) as connection:
        row = connection.execute("select * from scm_read.persona").fetchone()
    assert row is not None
    assert (row["id"], row["player"], row["fate"], row["words"]) == (VESPER, nova.founder, None, "open")
    assert (row["name"], row["name_lower"], row["occupation"]) == ("Vésper\\Ilo", "vésper\\ilo", "medic")
    nova.do(lambda desk: characters.withdraw(desk, character_id=VESPER))
    projector.catch_up()
    assert one(database, "select count(*) from scm_read.persona") == (0,)
    projector.close()


def test_a_text_is_in_the_row_while_it_is_shown_with_the_time_of_its_showing(nova: Books, database: str) -> None:
    words, text = CharacterSheet("Vesper"), SheetText("Born in a storm.")
    shown = Copy(words, text=text)
    nova.do(lambda desk: desk.decide(CHARACTERS, VESPER, character.share, desk.me, shown, None))
    projector = nova.projector(database)
    projector.catch_up()
    state = nova.shelf.space(nova.space).state(CHARACTERS, VESPER)
    assert isinstance(state, character.Character)
    opened = nova.shelf.space(nova.space).opened(state.text)
    assert opened is not None
    query = "select body, body_words, (extract(epoch from body_at) * 1000000)::bigint from scm_read.persona"
    assert one(database, query) == ("Born in a storm.", "open", opened.entry.hlc)
    nova.do(lambda desk: desk.decide(CHARACTERS, VESPER, character.share, desk.me, Copy(words), shown))
    projector.catch_up()
    assert one(database, query) == (None, "none", None)
    projector.close()


def test_the_main_character_is_the_one_chosen_last(nova: Books, database: str) -> None:
    for each in (VESPER, KESTREL):
        nova.do(show_character(each, "Somebody"))
        nova.do(lambda desk, each=each: characters.choose_main(desk, character_id=each))
    projector = nova.projector(database)
    projector.catch_up()
    assert one(database, "select member, persona, rivals from scm_read.main_persona") == (nova.founder, KESTREL, [])
    nova.do(lambda desk: characters.drop_main(desk))
    projector.catch_up()
    assert one(database, "select count(*) from scm_read.main_persona") == (0,)
    projector.close()


def test_contested_sheets_are_all_readable_until_one_is_chosen(nova: Books, database: str) -> None:
    nova.do(show_character(VESPER, "Vesper"))
    for origin in ("Terra", "Pyro"):
        nova.do(described_unseen(CharacterSheet("Vesper", origin=origin)))
    projector = nova.projector(database)
    projector.catch_up()
    query = "select array_agg(origin order by written_at), count(*) filter (where stands) from scm_read.persona_sheet"
    assert one(database, query) == (["", "Terra", "Pyro"], 1)
    state = nova.shelf.space(nova.space).state(CHARACTERS, VESPER)
    assert isinstance(state, character.Character)
    chosen = state.rival_sheets[-1]
    nova.do(lambda desk: desk.decide(CHARACTERS, VESPER, character.settle_sheet, desk.me, chosen))
    projector.catch_up()
    assert one(database, "select origin, rival_sheets from scm_read.persona") == ("Pyro", [])
    assert one(database, "select count(*) from scm_read.persona_sheet") == (0,)
    projector.close()


def test_erased_words_of_a_character_are_hidden_at_once(nova: Books, database: str) -> None:
    shown = Copy(CharacterSheet("Vesper"), text=SheetText("Born in a storm."))
    nova.do(lambda desk: desk.decide(CHARACTERS, VESPER, character.share, desk.me, shown, None))
    projector = nova.projector(database)
    projector.catch_up()
    nova.do(lambda desk: erasing.erase(desk, member_id=nova.founder))
    projector.catch_up()
    assert one(database, "select name, name_lower, background, words, body, body_words from scm_read.persona") == (
        None,
        None,
        None,
        "erased",
        None,
        "erased",
    )
    projector.close()


def test_after_every_step_the_rows_are_those_of_a_rebuild(nova: Books, database: str) -> None:
    projector = nova.projector(database)
    for act in (
        show_character(VESPER, "Vesper"),
        lambda desk: desk.decide(CHARACTERS, VESPER, character.share, desk.me, ALONG, None),
        show_character(KESTREL, "Kestrel"),
        lambda desk: characters.choose_main(desk, character_id=VESPER),
        lambda desk: desk.decide(CHARACTERS, VESPER, character.retire, desk.me, Fate.DEAD),
        lambda desk: characters.withdraw(desk, character_id=KESTREL),
        lambda desk: characters.drop_main(desk),
        lambda desk: erasing.erase(desk, member_id=nova.founder),
    ):
        nova.do(act)
        projector.catch_up()
        with psycopg.connect(database) as connection:
            assert generation.progress(connection, LIVE).digests == generation.digests(connection, LIVE)
        before = dump(database)
        assert projector.rebuild().differing == ()
        assert dump(database) == before
    projector.close()
