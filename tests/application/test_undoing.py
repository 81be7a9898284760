"""Undo: what was said is taken back by saying what undoes it, or it is refused with a reason."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from ops import verb_facts
from scmanager.application.desk import Desk, NotAllowed
from scmanager.application.every_verb import VERBS
from scmanager.application.hangar_preview import confirm
from scmanager.application.inverses import INVERSES, Inverse, NotUndoable, inverse_of
from scmanager.application.reissuing import EventNotHere
from scmanager.application.undoing import ChangedSince, NothingToUndo
from scmanager.application.writer import Command
from scmanager.domain.catalogue import CONTACTS, FLEETS, MEMBERS, OPERATIONS, ORGANISATIONS, ROLES, SHIPS, TREATIES
from scmanager.domain.clash import Field
from scmanager.domain.clash_fields import FIELDS
from scmanager.domain.contest import Claim
from scmanager.domain.diplomacy import Side, Stance
from scmanager.domain.event import CATALOGUE, Personal, State
from scmanager.domain.governance import Heads
from scmanager.domain.member import RemovalReason
from scmanager.domain.operation_crew import manifest
from scmanager.domain.operation_events import Answer, CancelReason, Outcome
from scmanager.domain.operation_parts import Stage
from scmanager.domain.organisation import Description
from scmanager.domain.roll import Roll
from scmanager.domain.ship import Standing
from scmanager.domain.treaty_events import EndReason, Kind
from scmanager.errors import Refused
from scmanager.spaces.personal import Absence
from tests.support.acts import KINDS, Kindred, World
from tests.support.machines import Machine, carry, found, let_in
from tests.support.node import Seat, fixture
from tests.support.two_devices import two_devices

START_S = 4_000_000_000


@pytest.fixture
def org(tmp_path: Path) -> Iterator[Seat]:
    with Machine(tmp_path, "ada").open() as node:
        yield Seat(node, found(node))


@pytest.fixture
def flying(org: Seat) -> bytes:
    return org.made("fleet", "fleet.form", title="First")


def newest(seat: Seat) -> bytes:
    entry: bytes = max(seat.node.shelf.space(seat.space).entries(), key=lambda each: each.order).entry.id32
    return entry


def refused(error: type[Refused], seat: Seat, **arguments: Any) -> None:
    before = seat.pos()
    with pytest.raises(error):
        seat.do("undo", **arguments)
    assert seat.pos() == before, "a refused command leaves no trace"


# Every verb


def test_every_verb_says_how_it_is_undone_or_why_it_cannot_be() -> None:
    undecided = [name for name, verb in VERBS.items() if not isinstance(verb.undo, Inverse)]
    assert undecided == []
    assert all(verb.undo.told.endswith(".") for verb in VERBS.values())
    assert all(verb.undo.why.endswith(".") for verb in VERBS.values() if verb.undo.why)
    assert all(verb.undo.like in (*VERBS, "the verbs it says") for verb in VERBS.values() if verb.undo.like)


def test_every_event_that_a_verb_may_record_is_undone_by_a_verb_s_word() -> None:
    for verb in VERBS.values():
        for tag in verb_facts.events_of(verb):
            kind = CATALOGUE[tag]
            assert any(each in INVERSES for each in kind.__mro__), f"{verb.name} may record {tag}"


def test_what_no_command_says_by_itself_is_refused_with_a_reason() -> None:
    with pytest.raises(NotUndoable) as refusal:
        inverse_of(Heads())
    assert "no command" in str(refusal.value)


ACTS = [(kind, act) for kind in KINDS for act in kind.acts if act.verb != "ship.withdraw"]
"""But for what needs a hangar of one's own: that has a test to itself."""


def at(seat: Seat, number: int, do: Any) -> None:
    def act(desk: Desk) -> dict[str, Any]:
        do(desk)
        return {}

    seat.node.writer.do(Command(number.to_bytes(16, "big"), seat.space, act))


NOT_AS_BEFORE = {
    "member.invite": "an invitation that was withdrawn is known to have been made",
    "operation.sign-up": "whoever had given no answer has declined",
    "operation.describe": "an empty objective is said where there was none",
    "operation.start": "it is planned because somebody said so",
    "operation.cancel": "it is planned because somebody said so",
    "contact.set-stance": "neutral is said where nothing was said before",
    "treaty.change-terms": "what was put on the table stays among the versions",
}
"""Where what holds afterwards is as good as before, and not the same."""


@pytest.mark.slow
def test_whatever_was_done_and_undone_is_as_if_it_had_not_been_done(org: Seat) -> None:
    world = World(
        (org.made("member", "member.record", handle="ann"), org.made("member", "member.record", handle="bob")),
        (org.made("fleet", "fleet.form", title="One"), org.made("fleet", "fleet.form", title="Two")),
        (org.made("ship", "ship.add", model="a-1"), org.made("ship", "ship.add", model="a-2")),
        org.made("contact", "contact.record", title="Brine"),
    )
    undone, final, otherwise = [], [], []
    for number, (kind, act) in enumerate(ACTS, 1):
        thing = org.me if kind.fold is ORGANISATIONS else kind.thing(bytes([number]) * 15 + b"\0")
        if kind.fold is not ORGANISATIONS:  # Its verbs find it by themselves.
            at(org, 10 * number, lambda desk, kind=kind, thing=thing: kind.begin(desk, world, thing, 0))
        for extra, given in enumerate(act.given, 1):
            at(org, 10 * number + extra, lambda desk, given=given, thing=thing: given(desk, world, thing, 0))
        before, raw = as_it_is(org, kind, thing), org.state(kind.fold, thing)
        at(org, 10 * number + 9, lambda desk, act=act, thing=thing: act.do(desk, world, thing, 0))
        assert org.state(kind.fold, thing) != raw, act.verb
        if _undo(org, kind, thing):
            undone.append(act.verb)
            if as_it_is(org, kind, thing) != before:
                otherwise.append(act.verb)
        else:
            final.append(act.verb)
        if act.verb == "organisation.restore":
            org.do(act.verb)  # So that the next one can be said.
    assert set(otherwise) == set(NOT_AS_BEFORE)
    assert len(undone) > 60
    assert set(final) == {
        "role.withdraw", "member.leave", "member.remove", "member.claim", "member.settle-claim",
        "operation.disband-squad", "operation.drop-slot", "operation.check-in", "operation.take-attendance",
        "contact.identify", "contact.report-stance", "treaty.sign", "treaty.claim-acceptance",
        "ship.share", "character.withdraw",
    }  # fmt: skip


def _undo(org: Seat, kind: Kindred, thing: bytes) -> bool:
    held = org.node.shelf.space(org.space).thing(kind.fold, thing)
    assert held is not None
    try:
        org.do("undo", event=held.events()[-1][0].entry)
    except NotUndoable:
        return False
    return True


def as_it_is(org: Seat, kind: Kindred, thing: bytes) -> Any:
    """A thing's state without history, and the words it shows."""
    state = org.state(kind.fold, thing)
    words = {field.name: _words(org, field, state) for field in FIELDS[kind.fold.name] if field.words}
    return plain(state), words


def _words(org: Seat, field: Field, state: State) -> Any:
    value = field.reads(state)
    if field.claims is not None:
        value = next((claims[0].value for _, claims in field.claims(state) if claims), b"")
    assert field.words is not None
    found = org.read(value, field.words) if value else Absence.NONE
    empty = isinstance(found, Personal) and not any(getattr(found, name) for name in found.__struct_fields__)
    return Absence.NONE if empty else found


HISTORY = frozenset({"history", "texts", "written", "former_owners", "cancellation", "withdrawal", "joined"})


def plain(value: Any) -> Any:
    """Values only: entries and what is remembered are left out."""
    if isinstance(value, Claim):
        return plain(value.value)
    if isinstance(value, Roll | tuple):
        return [plain(each) for each in value]
    if isinstance(value, State):
        kept = (name for name in value.__struct_fields__ if name not in HISTORY)
        return {name: plain(getattr(value, name)) for name in kept}
    return None if isinstance(value, bytes) and len(value) in (0, 32) else value


# What one asks for


def test_the_last_thing_said_is_undone_and_undoing_that_undo_says_it_again(org: Seat, flying: bytes) -> None:
    org.do("fleet.rename", fleet_id=flying, title="North")
    renamed = newest(org)
    told = org.do("undo")
    assert told == {"event": renamed.hex(), "said": [f"fleet.rename fleet_id {flying.hex()}, title First"],
                    "space": told["space"]}  # fmt: skip
    assert org.state(FLEETS, flying).title == "First"
    again = org.do("undo", event=newest(org))
    assert again["redone"] == renamed.hex()
    assert org.state(FLEETS, flying).title == "North"
    assert org.node.shelf.space(org.space).opened(renamed) is not None, "nothing is deleted"


def test_each_undo_goes_one_further_back_and_what_was_redone_is_undone_again(org: Seat, flying: bytes) -> None:
    for title in ("North", "South", "West"):
        org.do("fleet.rename", fleet_id=flying, title=title)
    titles = []
    for _ in range(3):
        org.do("undo")
        titles.append(org.state(FLEETS, flying).title)
    assert titles == ["South", "North", "First"]
    redone = org.do("undo", event=newest(org))["redone"]
    assert org.state(FLEETS, flying).title == "North"
    assert org.do("undo")["event"] == redone, "it stands again, so it is the last that stands"
    assert org.state(FLEETS, flying).title == "First"
    org.do("fleet.rename", fleet_id=flying, title="East")
    org.do("undo")
    assert org.state(FLEETS, flying).title == "First"
    org.do("undo")
    assert org.state(FLEETS, flying).disbanded, "before all of them it was formed"


def test_what_another_member_took_back_is_not_taken_back_again(org: Seat, tmp_path: Path) -> None:
    officer = org.made("role", "role.define", title="Officer", rank=3, rights=("fleet.manage",))
    with Machine(tmp_path, "bob").open() as bobs:
        let_in(org.node, bobs, org.space, officer, tmp_path)
        theirs = Seat(bobs, org.space)
        flying = org.made("fleet", "fleet.form", title="First")
        org.do("fleet.rename", fleet_id=flying, title="North")
        carry(org.node, bobs, org.space, tmp_path)
        theirs.do("undo", event=newest(org))
        carry(bobs, org.node, org.space, tmp_path)
        assert org.state(FLEETS, flying).title == "First"
        org.do("undo")
        assert org.state(FLEETS, flying).disbanded


def test_a_change_that_an_undo_of_something_older_made_is_a_change(org: Seat, flying: bytes) -> None:
    org.do("fleet.rename", fleet_id=flying, title="North")
    north = newest(org)
    org.do("fleet.rename", fleet_id=flying, title="South")
    org.do("undo", event=north, anyway=True)
    assert org.state(FLEETS, flying).title == "First"
    refused(ChangedSince, org)


def test_who_said_nothing_has_nothing_to_undo(tmp_path: Path) -> None:
    with Machine(tmp_path, "ada").open() as node:
        seat = Seat(node, node.personal_space())
        refused(NothingToUndo, seat)
        seat.made("ship", "ship.add", model="DRAK_Corsair")
        seat.do("undo")
        refused(NothingToUndo, seat)


def test_a_preview_says_what_would_be_said_and_says_nothing(org: Seat, flying: bytes) -> None:
    org.do("fleet.disband", fleet_id=flying)
    before = org.pos()
    assert org.do("undo", preview=True)["would"] == [f"fleet.reform fleet_id {flying.hex()}"]
    assert org.pos() == before
    assert org.state(FLEETS, flying).disbanded


def test_personal_words_are_said_again_and_stand_in_no_answer(org: Seat) -> None:
    org.do("organisation.describe", text="Secret meeting place.")
    org.do("organisation.describe", text="Elsewhere.")
    told = org.do("undo")
    assert told["said"] == ["organisation.describe (with the words it had)"]
    profile = org.state(ORGANISATIONS, org.me).profile
    assert org.read(profile, Description) == Description("Secret meeting place.")


def test_what_has_changed_since_is_refused_by_name_and_undone_anyway(org: Seat, flying: bytes) -> None:
    org.do("fleet.rename", fleet_id=flying, title="North")
    renamed = newest(org)
    org.do("fleet.assign-lead", fleet_id=flying, member_id=org.me)
    assert org.do("undo", event=renamed, preview=True)["would"], "who leads it has nothing to do with its name"
    org.do("fleet.rename", fleet_id=flying, title="South")
    with pytest.raises(ChangedSince) as refusal:
        org.do("undo", event=renamed)
    assert f"fleet.renamed/1 {newest(org).hex()[:12]}" in str(refusal.value)
    assert org.state(FLEETS, flying).title == "South"
    org.do("undo", event=renamed, anyway=True)
    assert org.state(FLEETS, flying).title == "First"


def test_a_thing_that_was_made_is_put_away_unless_somebody_has_touched_it(org: Seat, flying: bytes) -> None:
    formed = newest(org)
    wing = org.made("squadron", "squadron.form", title="Red", fleet_id=flying)
    org.do("undo")
    assert not org.state(FLEETS, flying).disbanded
    org.do("fleet.assign-lead", fleet_id=flying, member_id=org.me)
    refused(ChangedSince, org, event=formed)
    org.do("undo", event=formed, anyway=True)
    assert org.state(FLEETS, flying).disbanded
    assert wing


def test_what_cannot_be_undone_says_why(org: Seat) -> None:
    joined = next(each for each in org.node.shelf.space(org.space).entries() if "joined" in str(each.event).lower())
    refused(NotUndoable, org, event=joined.entry.id32)
    refused(NotUndoable, org, preview=True)
    refused(EventNotHere, org, event=b"?" * 32)
    grace = org.made("member", "member.record", handle="grace")
    org.do("member.erase", member_id=grace)
    with pytest.raises(NotUndoable) as refusal:
        org.do("undo")
    assert "gone" in str(refusal.value)


def test_a_planned_operation_is_called_off_with_all_that_was_said_with_it(org: Seat) -> None:
    told = {"starts_s": START_S, "ends_s": START_S + 60, "objective": "Take it."}
    made = org.made("operation", "operation.plan", title="Jump", **told)
    assert len(org.do("undo")["said"]) == 1
    assert org.state(OPERATIONS, made).call.stage is Stage.CANCELLED
    org.do("operation.save-template", operation_id=made, title="As ever")
    refused(NotUndoable, org)


def test_the_course_of_an_operation_goes_back_step_by_step(org: Seat) -> None:
    made = org.made("operation", "operation.plan", title="Jump", starts_s=START_S, ends_s=START_S + 60)
    ids = {"operation_id": made}
    org.do("operation.start", **ids)
    org.do("operation.complete", **ids, outcome=Outcome.SUCCESS)
    org.do("operation.complete", **ids, outcome=Outcome.FAILURE)
    org.do("undo")
    assert org.state(OPERATIONS, made).call.outcome is Outcome.SUCCESS
    org.do("operation.reinstate", **ids)
    org.do("undo")
    assert org.state(OPERATIONS, made).call.outcome is Outcome.SUCCESS, "started and completed again"
    org.do("operation.reinstate", **ids)
    org.do("operation.start", **ids)
    org.do("operation.cancel", **ids, reason=CancelReason.SERVERS, text="Down.")
    org.do("undo")
    assert org.state(OPERATIONS, made).call.stage is Stage.STARTED


def test_slots_and_answers_go_back_to_whoever_had_them(org: Seat) -> None:
    made = org.made("operation", "operation.plan", title="Jump", starts_s=START_S, ends_s=START_S + 60)
    ids = {"operation_id": made}
    guns = [bytes.fromhex(each) for each in org.do("operation.add-crew-slots", **ids, role="gun", count=2)["slots"]]
    org.do("operation.sign-up", **ids, roles=("gun",))
    org.do("operation.sign-up", **ids, answer=Answer.TENTATIVE)
    org.do("undo")
    assert manifest(org.state(OPERATIONS, made)).crew == (org.me,)
    for gun in guns:
        org.do("operation.take-slot", **ids, slot=gun)
    org.do("undo")
    slots = {each.id: [claim.value for claim in each.claims] for each in org.state(OPERATIONS, made).crew_slots}
    assert slots == {guns[0]: [org.me], guns[1]: []}


def test_war_and_the_treaties_that_it_broke_are_undone_together(org: Seat) -> None:
    tallow = org.made("contact", "contact.record", title="Tallow")
    pact = org.made(
        "treaty", "treaty.propose", contact_id=tallow, kind=Kind.NON_AGGRESSION, title="Pact", text="No shots."
    )
    org.do("treaty.sign", treaty_id=pact)
    refused(NotUndoable, org)
    org.do("treaty.claim-acceptance", treaty_id=pact)
    org.do("contact.declare-war", contact_id=tallow, by=Side.THEM)
    assert [each.partition(" ")[0] for each in org.do("undo")["said"]] == ["treaty.reinstate", "contact.make-peace"]
    assert org.state(CONTACTS, tallow).stance is Stance.NEUTRAL
    assert org.state(TREATIES, pact).ended is None
    org.do("treaty.end", treaty_id=pact, reason=EndReason.FULFILLED)
    org.do("treaty.reinstate", treaty_id=pact)
    org.do("undo")
    assert org.state(TREATIES, pact).ended.reason is EndReason.FULFILLED
    org.do("contact.declare-war", contact_id=tallow)
    org.do("contact.make-peace", contact_id=tallow)
    org.do("undo")
    assert org.state(CONTACTS, tallow).stance is Stance.WAR


def test_an_import_is_taken_back_as_a_whole(org: Seat) -> None:
    made = org.preview(fixture("hangarxplor.json"))
    org.do("hangar.import", confirmed=confirm(made, []))
    assert org.ships()
    told = org.do("undo")["said"]
    assert [each.partition(" ")[0] for each in told] == ["hangar.undo-import"]
    assert org.ships() == {}


def test_a_ship_is_shown_again_and_withdrawn_again(tmp_path: Path) -> None:
    with Machine(tmp_path, "ada").open() as node:
        own, org = Seat(node, node.personal_space()), Seat(node, found(node))
        ship = own.made("ship", "ship.add", model="DRAK_Corsair")
        org.do("ship.share", ship_id=ship)
        org.do("undo")
        assert org.state(SHIPS, ship).standing is Standing.WITHDRAWN
        org.do("undo", event=newest(org))
        assert org.state(SHIPS, ship).standing is Standing.PRESENT
        own.do("undo")
        assert own.state(SHIPS, ship).standing is Standing.REMOVED


def test_another_role_is_taken_back_and_a_first_grant_is_not(org: Seat, tmp_path: Path) -> None:
    pilot = org.made("role", "role.define", title="Pilot", rank=5, rights=())
    officer = org.made("role", "role.define", title="Officer", rank=3, rights=("fleet.manage",))
    with Machine(tmp_path, "bob").open() as bobs:
        bob = let_in(org.node, bobs, org.space, pilot, tmp_path)
        granted = next(each for each in reversed(list(org.node.shelf.space(org.space).entries()))
                       if each.shared is not None and each.shared.type == "member.granted/1")  # fmt: skip
        refused(NotUndoable, org, event=granted.entry.id32)
        carry(bobs, org.node, org.space, tmp_path)
        org.do("member.set-role", member_id=bob, role_id=officer)
        org.do("undo")
        (standing,) = [each for each in org.node.shelf.space(org.space).grants() if each.grant.member == bob]
        assert standing.grant.role == pilot
        theirs = Seat(bobs, org.space)
        carry(org.node, bobs, org.space, tmp_path)
        renamed = org.made("fleet", "fleet.form", title="First")
        carry(org.node, bobs, org.space, tmp_path)
        with pytest.raises(NotAllowed):
            theirs.do("undo", event=newest(org))
        assert renamed
    org.do("member.remove", member_id=bob, reason=RemovalReason.MISTAKE)
    refused(NotUndoable, org)
    assert org.state(MEMBERS, bob).standing.value == "removed"


def test_a_role_goes_back_to_what_it_was(org: Seat) -> None:
    made = org.made("role", "role.define", title="Pilot", rank=5, rights=("fleet.manage",))
    org.do("role.change", role_id=made, title="Ace", rank=4)
    org.do("undo")
    template = org.state(ROLES, made).template
    assert (template.title, template.rank, template.rights) == ("Pilot", 5, ("fleet.manage",))


def test_two_devices_undo_the_same_at_once_and_that_is_once(tmp_path: Path) -> None:
    with two_devices(tmp_path) as both:
        flying = both.desk.made("fleet", "fleet.form", title="First")
        both.desk.do("fleet.rename", fleet_id=flying, title="North")
        renamed = newest(both.desk)
        both.tell_phone()
        both.at_once(("undo", {"event": renamed}), ("undo", {"event": renamed}))
        assert both.desk.state(FLEETS, flying).title == "First"
        assert both.contests(FLEETS, flying) == ()
