"""Each read model, from real commands."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from scmanager.application import members, organisations
from scmanager.domain import fleet, hangar, hangar_import, member, operation_crew, squadron
from scmanager.domain import operation_flow as flow
from scmanager.domain import operation_planning as planning
from scmanager.domain.catalogue import FLEETS, IMPORTS, MEMBERS, OPERATIONS, SHIPS, SQUADRONS
from scmanager.domain.hangar_import import Applied
from scmanager.domain.operation_events import Answer, CancelReason
from scmanager.domain.operation_parts import Window
from scmanager.domain.ship_events import Owner, OwnerKind, Readiness
from tests.support.books import Books, add_ship, books, form_fleet, form_squadron, name_ship, operate, plan, record

pytestmark = pytest.mark.services

NEW, OTHER, SHIP, FLEET, SQUADRON, OPERATION = (bytes([n]) * 16 for n in range(1, 7))


@pytest.fixture
def nova() -> Iterator[Books]:
    with books("Nova Élan", "ada") as made:
        yield made


def shown(made: Books, database: str, query: str) -> dict[str, Any]:
    """The one row of a query, after everything was projected."""
    made.projector(database).catch_up()
    with psycopg.connect(database, row_factory=dict_row) as connection:
        rows = connection.execute(query).fetchall()
    assert len(rows) == 1, rows
    return rows[0]


def test_an_organisation_shows_its_title_tag_and_description(nova: Books, database: str) -> None:
    nova.do(lambda desk: organisations.describe(desk, text="We fly.\tAnd \\N land."))
    nova.do(lambda desk: organisations.set_sid(desk, sid="NOVA"))
    row = shown(nova, database, "select * from scm_read.organisation")
    assert row["id"] == nova.founder
    assert (row["title"], row["title_lower"], row["sid"]) == ("Nova Élan", "nova élan", "NOVA")
    assert (row["description"], row["description_words"]) == ("We fly.\tAnd \\N land.", "open")
    assert not row["archived"]
    assert row["rival_titles"] == []


def test_affiliations_come_and_go(nova: Books, database: str) -> None:
    nova.do(lambda desk: organisations.affiliate(desk, other=OTHER, title="Orion"))
    nova.do(lambda desk: organisations.affiliate(desk, other=NEW, title="Lyra"))
    projector = nova.projector(database)
    projector.catch_up()
    nova.do(lambda desk: organisations.unaffiliate(desk, other=OTHER))
    row = shown(nova, database, "select * from scm_read.affiliation")
    assert (row["organisation"], row["other"], row["title"]) == (nova.founder, NEW, "Lyra")


def test_a_role_shows_rank_and_rights(nova: Books, database: str) -> None:
    nova.do(lambda desk: organisations.define_role(desk, title="Pilot", rank=5, rights=("fleet.manage",)))
    row = shown(nova, database, "select * from scm_read.role")
    assert (row["title"], row["rank"], row["rights"]) == ("Pilot", 5, ["fleet.manage"])
    assert not row["withdrawn"]
    assert not row["contested"]


def test_the_founder_stands_in_the_roster_with_his_grant(nova: Books, database: str) -> None:
    row = shown(nova, database, "select * from scm_read.member")
    assert (row["id"], row["standing"], row["handle"]) == (nova.founder, "joined", "ada")
    assert (row["rank"], row["rights"], row["devices"]) == (0, ["*"], 1)
    entry = shown(nova, database, "select at from scm_read.audit where type = 'member.joined/1'")
    assert row["joined_at"] == entry["at"]


def test_a_recorded_member_shows_handle_and_note_and_has_no_voice(nova: Books, database: str) -> None:
    nova.do(record('Grâce{},"x"', NEW))
    nova.do(lambda desk: members.note(desk, member_id=NEW, text="line\none\r\n"))
    row = shown(nova, database, "select * from scm_read.member where standing = 'recorded'")
    assert (row["handle"], row["handle_lower"], row["note"]) == ('Grâce{},"x"', 'grâce{},"x"', "line\none\r\n")
    assert (row["rank"], row["rights"], row["devices"], row["joined_at"]) == (None, [], 0, None)


def test_an_invitation_shows_its_end_and_that_it_was_taken_back(nova: Books, database: str) -> None:
    nova.do(lambda desk: desk.decide(MEMBERS, NEW, member.invite, desk.now_s, 4_000_000_000))
    nova.do(lambda desk: desk.decide(MEMBERS, NEW, member.withdraw_invitation))
    row = shown(nova, database, "select * from scm_read.member where standing = 'invited'")
    assert row["invited_until"].timestamp() == 4_000_000_000
    assert row["withdrawn"]


def test_a_ship_shows_owner_nickname_readiness_and_fleet(nova: Books, database: str) -> None:
    nova.do(add_ship(SHIP, "anvl_carrack"))
    nova.do(name_ship(SHIP, "Étoile"))
    nova.do(form_fleet(FLEET, "First"))
    nova.do(lambda desk: desk.decide(SHIPS, SHIP, hangar.assign, desk.me, FLEET))
    due = nova.do(lambda desk: {"now": desk.now_s})["now"] + 600
    nova.do(lambda desk: desk.decide(SHIPS, SHIP, hangar.set_readiness, desk.me, Readiness.IN_CLAIM, desk.now_s, due))
    row = shown(nova, database, "select * from scm_read.ship")
    assert (row["id"], row["model"], row["standing"]) == (SHIP, "anvl_carrack", "present")
    assert (row["owner_kind"], row["owner"]) == ("member", nova.founder)
    assert (row["nickname"], row["nickname_words"], row["fleet"]) == ("Étoile", "open", FLEET)
    assert (row["readiness"], row["claim_until"].timestamp()) == ("in-claim", due)


def test_an_import_shows_its_tool_its_numbers_and_that_it_was_taken_back(nova: Books, database: str) -> None:
    applied = Applied("fleetyards", Owner(OwnerKind.MEMBER, nova.founder), 3, 2, 1, 4)
    nova.do(lambda desk: desk.decide(IMPORTS, NEW, hangar_import.apply, applied))
    row = shown(nova, database, "select * from scm_read.hangar_import")
    assert (row["id"], row["tool"], row["owner_kind"], row["owner"]) == (NEW, "fleetyards", "member", nova.founder)
    assert [row[each] for each in ("added", "changed", "removed", "skipped")] == [3, 2, 1, 4]
    assert (row["member"], row["undone"], row["undone_at"], row["undone_by"]) == (nova.founder, False, None, None)
    entry = shown(nova, database, "select at from scm_read.audit where type = 'import.applied/1'")
    assert row["at"] == entry["at"]
    nova.do(lambda desk: desk.decide(IMPORTS, NEW, hangar_import.undo, desk.me))
    row = shown(nova, database, "select * from scm_read.hangar_import")
    entry = shown(nova, database, "select at from scm_read.audit where type = 'import.undone/1'")
    assert (row["undone"], row["undone_at"], row["undone_by"]) == (True, entry["at"], nova.founder)


def test_a_loan_shows_who_has_the_ship_and_until_when(nova: Books, database: str) -> None:
    nova.do(add_ship(SHIP))
    nova.do(lambda desk: desk.decide(SHIPS, SHIP, hangar.lend, desk.me, NEW, desk.now_s, 4_000_000_000))
    row = shown(nova, database, "select s.*, a.type from scm_read.ship s join scm_read.audit a on a.entry = s.loan")
    assert (row["borrower"], row["loan_until"].timestamp(), row["type"]) == (NEW, 4_000_000_000, "ship.lent/1")
    nova.do(lambda desk: desk.decide(SHIPS, SHIP, hangar.return_, desk.me, NEW))
    assert shown(nova, database, "select borrower, loan from scm_read.ship") == {"borrower": None, "loan": None}


def test_a_fleet_and_its_squadron_show_lead_ships_and_members(nova: Books, database: str) -> None:
    nova.do(form_fleet(FLEET, "First"))
    nova.do(lambda desk: desk.decide(FLEETS, FLEET, fleet.assign_lead, NEW))
    nova.do(form_squadron(SQUADRON, "Reds", FLEET))
    nova.do(add_ship(SHIP))
    nova.do(lambda desk: desk.decide(SQUADRONS, SQUADRON, squadron.enlist_ship, SHIP))
    nova.do(lambda desk: desk.decide(SQUADRONS, SQUADRON, squadron.enlist_member, NEW))
    nova.do(lambda desk: desk.decide(SQUADRONS, SQUADRON, squadron.enlist_member, OTHER))
    row = shown(nova, database, "select * from scm_read.fleet")
    assert (row["title"], row["lead"], row["disbanded"]) == ("First", NEW, False)
    assert shown(nova, database, "select * from scm_read.squadron")["fleet"] == FLEET
    assert shown(nova, database, "select * from scm_read.squadron_ship")["ship"] == SHIP
    row = shown(nova, database, "select array_agg(member order by place) as who from scm_read.squadron_member")
    assert row["who"] == [NEW, OTHER]
    nova.do(lambda desk: desk.decide(SQUADRONS, SQUADRON, squadron.release_member, NEW))
    assert shown(nova, database, "select * from scm_read.squadron_member")["member"] == OTHER


def test_an_operation_shows_its_plan_its_crew_and_who_waits(nova: Books, database: str) -> None:
    nova.do(plan(OPERATION, "Jumptown", 4_000_000_000, 4_000_007_200, "Asia/Tokyo"))
    nova.do(operate(OPERATION, planning.describe, nova.founder, "Take it.\\N", "Yela"))
    nova.do(operate(OPERATION, planning.set_reminders, (900, 3600)))
    nova.do(operate(OPERATION, planning.add_ship_slot, SHIP, "Gunship", ("DRAK_Corsair",), None, False))
    nova.do(operate(OPERATION, planning.add_crew_slots, (FLEET,), "gunner", SHIP, None, True))
    for each in (NEW, OTHER):
        nova.do(operate(OPERATION, operation_crew.sign_up, nova.founder, each, Answer.ACCEPTED, ("gunner",)))
    nova.do(operate(OPERATION, operation_crew.take_slot, nova.founder, NEW, FLEET))
    row = shown(nova, database, "select * from scm_read.operation")
    assert (row["title"], row["zone"], row["starts"].timestamp()) == ("Jumptown", "Asia/Tokyo", 4_000_000_000)
    assert (row["length_s"], row["reminders"], row["stage"]) == (7200, [3600, 900], "planned")
    assert (row["places"], row["crew"], row["waiting"]) == (1, 1, 1)
    assert (row["open_crew_slots"], row["open_ship_slots"], row["contested"]) == (0, 1, False)
    row = shown(nova, database, "select * from scm_read.operation_text")
    assert (row["body"], row["meets"], row["words"], row["standing"]) == ("Take it.\\N", "Yela", "open", "holds")
    row = shown(nova, database, "select * from scm_read.operation_crew_slot")
    assert (row["member"], row["aboard"], row["optional"]) == (NEW, SHIP, True)
    row = shown(nova, database, "select * from scm_read.operation_sign_up where member = '\\x" + OTHER.hex() + "'")
    assert (row["answer"], row["standing"], row["roles"], row["own"]) == ("accepted", "waiting", ["gunner"], False)
    nova.do(operate(OPERATION, operation_crew.sign_up, nova.founder, NEW, Answer.DECLINED))
    row = shown(nova, database, "select member, standing from scm_read.operation_sign_up where standing = 'crew'")
    assert row["member"] == OTHER
    assert shown(nova, database, "select member from scm_read.operation_crew_slot")["member"] is None


def test_a_cancelled_operation_says_why_and_a_copy_shows_the_words_of_its_source(nova: Books, database: str) -> None:
    nova.do(plan(OPERATION, "Jumptown", 4_000_000_000, 4_000_007_200))
    nova.do(operate(OPERATION, planning.describe, nova.founder, "Take it.", ""))
    nova.do(operate(OPERATION, flow.cancel, nova.founder, CancelReason.SERVERS, "Patch day."))
    row = shown(nova, database, "select o.*, t.body from scm_read.operation o join scm_read.operation_text t"
                " on t.entry = o.cancellation")  # fmt: skip
    assert (row["stage"], row["cancel_reason"], row["body"]) == ("cancelled", "servers", "Patch day.")
    source = nova.shelf.space(nova.space).state(OPERATIONS, OPERATION)
    nova.do(operate(NEW, planning.copy_at, source, "Again", 4_000_086_400))
    row = shown(nova, database, "select t.body, t.operation from scm_read.operation o join scm_read.operation_text t"
                " on t.entry = o.objective where o.title = 'Again'")  # fmt: skip
    assert (row["body"], row["operation"]) == ("Take it.", OPERATION)
    nova.do(operate(OTHER, planning.copy, source, "Ever after", 0, None))
    row = shown(nova, database, "select starts, ends, length_s from scm_read.operation where title = 'Ever after'")
    assert row == {"starts": None, "ends": None, "length_s": 7200}


def test_an_operation_shows_who_was_there(nova: Books, database: str) -> None:
    nova.do(plan(OPERATION, "Jumptown", 4_000_000_000, 4_000_007_200))
    nova.do(operate(OPERATION, operation_crew.check_in, nova.founder, NEW))
    nova.do(operate(OPERATION, flow.start))
    nova.do(operate(OPERATION, flow.take_attendance, SHIP, 4_000_000_060, ()))
    row = shown(nova, database, "select c.member, s.at, s.members, o.stage from scm_read.operation o"
                " join scm_read.operation_check_in c on c.operation = o.id"
                " join scm_read.operation_snapshot s on s.operation = o.id")  # fmt: skip
    assert (row["member"], row["members"], row["stage"]) == (NEW, [NEW], "started")
    assert row["at"].timestamp() == 4_000_000_060


def test_an_operation_beyond_every_calendar_is_shown_all_the_same(nova: Books, database: str) -> None:
    far = 2**53 - 2
    nova.do(plan(OPERATION, "Far", far, far + 1))
    nova.do(operate(OPERATION, planning.reschedule, Window(far - 5, far, "UTC")))
    assert shown(nova, database, "select starts = 'infinity' as far from scm_read.operation")["far"]


def test_the_audit_trail_has_a_row_for_every_entry(nova: Books, database: str) -> None:
    nova.do(form_fleet(FLEET, "First"))
    row = shown(nova, database, "select * from scm_read.audit where type = 'fleet.formed/1'")
    assert (row["member"], row["rank"], row["entity"], row["valid"]) == (nova.founder, 0, FLEET, True)
    assert (row["reason"], row["cause"], row["branch"]) == (None, None, 0)
    assert row["at"].timestamp() == pytest.approx(row["hlc"] / 1_000_000, abs=0.000_001)
    assert len(row["command"]) == 16
    counted = shown(
        nova, database, "select count(*), max(pos), min(pos), bool_and(valid) as valid from scm_read.audit"
    )
    assert counted == {"count": nova.store.last_pos(), "max": nova.store.last_pos(), "min": 1, "valid": True}


def test_times_beyond_every_calendar_are_infinite(nova: Books, database: str) -> None:
    nova.do(lambda desk: desk.decide(MEMBERS, NEW, member.invite, desk.now_s, 2**53 - 1))
    row = shown(
        nova,
        database,
        "select invited_until = 'infinity' as far from scm_read.member where id = '\\x" + NEW.hex() + "'",
    )
    assert row["far"]
