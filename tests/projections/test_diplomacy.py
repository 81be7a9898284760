"""Diplomacy's read model: rows as the states say, erasable words, equal to a rebuild after every step."""

from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from scmanager.application import diplomacy, erasing
from scmanager.application.desk import Desk
from scmanager.domain.catalogue import TREATIES
from scmanager.domain.diplomacy import Side, Stance
from scmanager.domain.event import About
from scmanager.domain.subject import nobodys
from scmanager.domain.treaty import Treaty
from scmanager.domain.treaty_events import AcceptanceClaimed, TreatyEvidence
from scmanager.projections import generation
from scmanager.projections.generation import LIVE
from tests.support.books import Books, agree, dump, record_contact

pytestmark = pytest.mark.services

TALLOW, BRINE, PACT = (nobodys(bytes([number]) * 16) for number in range(1, 4))
SPACE = bytes(range(32))
FAR_S = 4_000_000_000


def shown(made: Books, database: str, query: str) -> list[dict[str, Any]]:
    """Rows, after everything was projected."""
    made.projector(database).catch_up()
    with psycopg.connect(database, row_factory=dict_row) as connection:
        return connection.execute(query).fetchall()


def test_a_contact_shows_what_is_claimed_and_how_we_stand(nova: Books, database: str) -> None:
    nova.do(record_contact(TALLOW, "Tallów"))
    nova.do(lambda desk: diplomacy.identify(desk, contact_id=TALLOW, space_id=SPACE))
    nova.do(lambda desk: diplomacy.note(desk, contact_id=TALLOW, text="Envoy:\tMarlowe"))
    nova.do(lambda desk: diplomacy.set_stance(desk, contact_id=TALLOW, stance=Stance.ALLY))
    nova.do(lambda desk: diplomacy.report_stance(desk, contact_id=TALLOW, stance=Stance.HOSTILE))
    (row,) = shown(nova, database, "select * from scm_read.contact")
    assert (row["title"], row["title_lower"], row["their_space"], row["identity"]) == (
        "Tallów",
        "tallów",
        SPACE,
        "claimed",
    )
    assert (row["stance"], row["war_since"], row["war_by"], row["reported"]) == ("ally", None, None, "hostile")
    assert (row["note"], row["note_words"], row["reported_at"] is None) == ("Envoy:\tMarlowe", "open", False)
    nova.do(lambda desk: diplomacy.declare_war(desk, contact_id=TALLOW, by=Side.THEM))
    (row,) = shown(nova, database, "select * from scm_read.contact")
    assert (row["stance"], row["war_by"], row["war_since"] is None) == ("war", "them", False)


def test_a_treaty_shows_its_terms_its_yeses_and_its_moments(nova: Books, database: str) -> None:
    nova.do(record_contact(TALLOW, "Tallow"))
    nova.do(agree(PACT, TALLOW, starts=FAR_S - 100, until=FAR_S, warn_days=1))
    (row,) = shown(nova, database, "select * from scm_read.treaty")
    assert (row["contact"], row["kind"], row["stage"]) == (TALLOW, "non-aggression", "agreed")
    assert (row["ours"], row["theirs"], row["terms"]) == ("proved", "claimed", "No shots.")
    assert row["ends_at"].timestamp() == row["until_at"].timestamp() == FAR_S
    assert row["warns_from"].timestamp() == FAR_S - 24 * 3600
    (version,) = shown(nova, database, "select * from scm_read.treaty_version")
    assert (version["entry"], version["binds"], version["on_table"]) == (row["version"], True, True)
    assert (version["terms"], version["evidence"]) == ("No shots.", "Their envoy.")
    nova.do(lambda desk: diplomacy.declare_war(desk, contact_id=TALLOW))
    (row,) = shown(nova, database, "select * from scm_read.treaty")
    assert (row["end_reason"], row["ended_by"], row["ends_at"]) == ("broken", "us", row["ended_at"])


def test_what_happened_is_told_in_order_with_who_did_it(nova: Books, database: str) -> None:
    nova.do(record_contact(TALLOW, "Tallow"))
    nova.do(agree(PACT, TALLOW))
    nova.do(lambda desk: diplomacy.declare_war(desk, contact_id=TALLOW))
    rows = shown(nova, database, "select * from scm_read.diplomatic_step order by at, entry")
    assert [(row["act"], row["side"], row["said"]) for row in rows] == [
        ("contact.recorded", "us", ""),
        ("treaty.proposed", "us", "non-aggression"),
        ("treaty.signed", "us", ""),
        ("treaty.acceptance-claimed", "them", ""),
        ("contact.war-declared", "us", "war"),
        ("treaty.ended", "us", "broken"),
    ]
    assert {row["member"] for row in rows} == {nova.founder}
    assert {row["contact"] for row in rows} == {TALLOW}


def test_erased_words_about_a_contact_are_hidden_and_everything_else_stays(nova: Books, database: str) -> None:
    nova.do(record_contact(TALLOW, "Tallow"))
    nova.do(record_contact(BRINE, "Brine"))
    for each in (TALLOW, BRINE):
        nova.do(lambda desk, each=each: diplomacy.note(desk, contact_id=each, text="secret"))
    nova.do(agree(PACT, TALLOW))
    shown(nova, database, "select 1")
    nova.do(lambda desk: erasing.erase(desk, member_id=TALLOW))
    rows = shown(nova, database, "select title, note, note_words from scm_read.contact order by title")
    assert [tuple(row.values()) for row in rows] == [("Brine", "secret", "open"), ("Tallow", None, "erased")]
    (row,) = shown(nova, database, "select terms, evidence, terms_words, evidence_words from scm_read.treaty_version")
    assert tuple(row.values()) == (None, None, "erased", "erased")
    (row,) = shown(nova, database, "select stage, terms, terms_words from scm_read.treaty")
    assert tuple(row.values()) == ("agreed", None, "erased")


def test_two_who_tell_of_their_yes_at_once_are_both_read(nova: Books, database: str) -> None:
    nova.do(record_contact(TALLOW, "Tallow"))
    nova.do(agree(PACT, TALLOW))

    def unseen(desk: Desk) -> None:
        version = desk.state(TREATIES, PACT).versions[0].entry
        words = TreatyEvidence("Their leader.")
        desk.record(None, PACT, About(AcceptanceClaimed(version), TALLOW, words))

    nova.do(unseen)
    (row,) = shown(nova, database, "select evidence, evidence_words from scm_read.treaty_version")
    assert tuple(row.values()) == ("Their envoy.\n\nTheir leader.", "open")


def test_after_every_step_the_rows_are_those_of_a_rebuild(nova: Books, database: str) -> None:
    def first_terms() -> bytes:
        state = nova.shelf.space(nova.space).state(TREATIES, PACT)
        assert isinstance(state, Treaty)
        return state.versions[0].entry

    projector = nova.projector(database)
    for act in (
        record_contact(TALLOW, "Tallow"),
        agree(PACT, TALLOW, until=FAR_S),
        lambda desk: diplomacy.change_terms(desk, treaty_id=PACT, text="More."),
        lambda desk: diplomacy.choose_terms(desk, treaty_id=PACT, terms=first_terms()),
        lambda desk: diplomacy.declare_war(desk, contact_id=TALLOW),
        lambda desk: diplomacy.reinstate(desk, treaty_id=PACT),
        lambda desk: diplomacy.make_peace(desk, contact_id=TALLOW),
        lambda desk: diplomacy.archive(desk, contact_id=TALLOW),
    ):
        nova.do(act)
        projector.catch_up()
        with psycopg.connect(database) as connection:
            assert generation.progress(connection, LIVE).digests == generation.digests(connection, LIVE)
        before = dump(database)
        assert projector.rebuild().differing == ()
        assert dump(database) == before
    projector.close()
