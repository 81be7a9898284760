"""Diplomacy as leaders ask for it: contacts, stances, war and peace, treaties."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from scmanager.application.desk import NotAllowed
from scmanager.application.erasure import Erasures
from scmanager.domain import contact, negotiation
from scmanager.domain.catalogue import CONTACTS, TREATIES
from scmanager.domain.contact import Contact, ContactNote
from scmanager.domain.diplomacy import Proof, Side, Stance
from scmanager.domain.treaty import DAY_S, Phase, Treaty, phase_at
from scmanager.domain.treaty_events import EndReason, Kind, TreatyEvidence, TreatyTerms
from scmanager.errors import Refused
from scmanager.spaces.personal import Absence
from tests.support.machines import Machine, carry, found, let_in
from tests.support.node import Seat

SPACE = bytes(range(32))


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path, "ada")


@pytest.fixture
def org(machine: Machine) -> Iterator[Seat]:
    with machine.open() as node:
        yield Seat(node, found(node))


@pytest.fixture
def tallow(org: Seat) -> bytes:
    return org.made("contact", "contact.record", title="Tallow", sid="TLW")


def proposed(seat: Seat, with_: bytes, kind: Kind = Kind.NON_AGGRESSION, **more: Any) -> bytes:
    return seat.made("treaty", "treaty.propose", contact_id=with_, kind=kind, title="Pact", text="No shots.", **more)


def agreed(seat: Seat, with_: bytes, kind: Kind = Kind.NON_AGGRESSION, **more: Any) -> bytes:
    made = proposed(seat, with_, kind, **more)
    seat.do("treaty.sign", treaty_id=made)
    seat.do("treaty.claim-acceptance", treaty_id=made, text="Their envoy said yes.")
    return made


def held(seat: Seat, contact_id: bytes) -> Contact:
    found: Contact = seat.state(CONTACTS, contact_id)
    return found


def treaty(seat: Seat, treaty_id: bytes) -> Treaty:
    found: Treaty = seat.state(TREATIES, treaty_id)
    return found


def refused(error: type[Refused], seat: Seat, verb: str, **arguments: object) -> None:
    before = seat.pos()
    with pytest.raises(error):
        seat.do(verb, **arguments)
    assert seat.pos() == before, "a refused command leaves no trace"


def test_recording_sent_twice_records_one_contact_and_a_second_of_that_name_is_refused(org: Seat) -> None:
    first = org.do("contact.record", b"c" * 16, title="Tallow", space_id=SPACE)
    assert org.do("contact.record", b"c" * 16, title="Tallow", space_id=SPACE) == first
    refused(contact.ContactKnown, org, "contact.record", title="TALLOW")
    refused(contact.ContactKnown, org, "contact.record", title="Brine", space_id=SPACE)
    refused(contact.ContactIsUs, org, "contact.record", title="Us", space_id=org.space)


def test_a_contact_is_renamed_tagged_identified_noted_and_put_away(org: Seat, tallow: bytes) -> None:
    org.do("contact.rename", contact_id=tallow, title="Tallow Guild")
    org.do("contact.set-sid", contact_id=tallow, sid="GUILD")
    org.do("contact.identify", contact_id=tallow, space_id=SPACE)
    org.do("contact.note", contact_id=tallow, text="Their envoy is Marlowe.")
    now = held(org, tallow)
    assert (now.title, now.sid, now.space) == ("Tallow Guild", "GUILD", SPACE)
    assert org.read(now.note, ContactNote) == ContactNote("Their envoy is Marlowe.")
    org.do("contact.archive", contact_id=tallow)
    refused(contact.ContactArchived, org, "contact.set-stance", contact_id=tallow, stance=Stance.ALLY)
    refused(contact.ContactArchived, org, "treaty.propose", contact_id=tallow, kind=Kind.PEACE, title="P", text="x")
    org.do("contact.restore", contact_id=tallow)
    org.do("contact.set-stance", contact_id=tallow, stance=Stance.ALLY)
    org.do("contact.report-stance", contact_id=tallow, stance=Stance.HOSTILE)
    assert (held(org, tallow).stance, held(org, tallow).reported) == (Stance.ALLY, Stance.HOSTILE)


def test_words_about_a_contact_are_erased_and_what_was_agreed_stays(org: Seat, tallow: bytes) -> None:
    org.do("contact.note", contact_id=tallow, text="Their envoy is Marlowe.")
    made = agreed(org, tallow)
    org.do("member.erase", member_id=tallow)
    Erasures(org.node.store, org.node.shelf, org.node.vault, {}, lambda: 2**33).run()
    version = treaty(org, made).agreed
    assert version is not None
    assert org.read(held(org, tallow).note, ContactNote) is Absence.ERASED
    assert org.read(version.entry, TreatyTerms) is Absence.ERASED
    assert org.read(version.theirs, TreatyEvidence) is Absence.ERASED


def test_a_treaty_with_somebody_unknown_is_refused(org: Seat) -> None:
    refused(contact.ContactUnknown, org, "treaty.propose", contact_id=b"?" * 16, kind=Kind.PEACE, title="P", text="x")
    refused(negotiation.TreatyUnknown, org, "treaty.sign", treaty_id=b"?" * 16)


def test_a_treaty_is_in_force_until_its_time_is_over_and_nothing_is_written_then(
    org: Seat, machine: Machine, tallow: bytes
) -> None:
    now = machine.clock() // 1_000_000
    made = agreed(org, tallow, until_s=now + 20 * DAY_S, warn_days=5)
    version = treaty(org, made).agreed
    assert version is not None
    assert (version.our_proof, version.their_proof) == (Proof.PROVED, Proof.CLAIMED)
    assert org.read(version.theirs, TreatyEvidence) == TreatyEvidence("Their envoy said yes.")
    before = org.pos()
    said = [phase_at(treaty(org, made), now + days * DAY_S) for days in (1, 16, 21)]
    assert said == [Phase.IN_FORCE, Phase.EXPIRING, Phase.EXPIRED]
    assert org.pos() == before


def test_terms_are_renewed_while_the_old_ones_bind(org: Seat, machine: Machine, tallow: bytes) -> None:
    now = machine.clock() // 1_000_000
    made = agreed(org, tallow, until_s=now + DAY_S)
    org.do("treaty.change-terms", treaty_id=made, text="A year more.", until_s=now + 365 * DAY_S)
    first, second = treaty(org, made).versions
    assert treaty(org, made).agreed == first
    org.do("treaty.choose-terms", treaty_id=made, terms=first.entry)
    org.do("treaty.sign", treaty_id=made, terms=second.entry)
    org.do("treaty.claim-acceptance", treaty_id=made, terms=second.entry)
    binding = treaty(org, made).agreed
    assert binding is not None
    assert binding.until == now + 365 * DAY_S
    refused(negotiation.TermsUnknown, org, "treaty.choose-terms", treaty_id=made, terms=b"?" * 32)


def test_a_proposal_is_declined_withdrawn_and_reinstated_and_a_treaty_ended(org: Seat, tallow: bytes) -> None:
    theirs = proposed(org, tallow, by=Side.THEM)
    org.do("treaty.decline", treaty_id=theirs)
    refused(negotiation.TreatyDropped, org, "treaty.sign", treaty_id=theirs)
    org.do("treaty.reinstate", treaty_id=theirs)
    org.do("treaty.withdraw", treaty_id=theirs)
    assert phase_at(treaty(org, theirs), 0) is Phase.WITHDRAWN
    made = agreed(org, tallow)
    refused(negotiation.TreatyAgreed, org, "treaty.decline", treaty_id=made)
    org.do("treaty.end", treaty_id=made, reason=EndReason.CANCELLED)
    ended = treaty(org, made).ended
    assert ended is not None
    assert (ended.reason, ended.by) == (EndReason.CANCELLED, Side.US)
    refused(negotiation.TreatyNotAgreed, org, "treaty.end", treaty_id=theirs, reason=EndReason.BROKEN)


def test_declaring_war_breaks_what_was_promised_against_it_and_nothing_else(org: Seat, tallow: bytes) -> None:
    pact, prisoners = agreed(org, tallow), agreed(org, tallow, Kind.OTHER)
    open_ = proposed(org, tallow)
    told = org.do("contact.declare-war", contact_id=tallow, by=Side.THEM)
    assert told["treaties"] == [pact.hex()]
    broken = treaty(org, pact).ended
    assert broken is not None
    assert (broken.reason, broken.by) == (EndReason.BROKEN, Side.THEM)
    assert not treaty(org, prisoners).ends
    assert not treaty(org, open_).ends
    assert held(org, tallow).stance is Stance.WAR
    refused(contact.AtWar, org, "contact.set-stance", contact_id=tallow, stance=Stance.ALLY)


def test_a_treaty_of_peace_ends_a_war_and_one_about_prisoners_does_not(org: Seat, tallow: bytes) -> None:
    org.do("contact.declare-war", contact_id=tallow)
    agreed(org, tallow, Kind.OTHER)
    assert held(org, tallow).wars
    peace = proposed(org, tallow, Kind.PEACE)
    assert org.do("treaty.sign", treaty_id=peace)["peace_with"] == []
    assert org.do("treaty.claim-acceptance", treaty_id=peace)["peace_with"] == [tallow.hex()]
    assert held(org, tallow).stance is Stance.NEUTRAL


def test_peace_to_come_ends_no_war_yet(org: Seat, machine: Machine, tallow: bytes) -> None:
    org.do("contact.declare-war", contact_id=tallow)
    agreed(org, tallow, Kind.PEACE, starts_s=machine.clock() // 1_000_000 + DAY_S)
    assert held(org, tallow).stance is Stance.WAR
    org.do("contact.make-peace", contact_id=tallow)
    refused(contact.NotAtWar, org, "contact.make-peace", contact_id=tallow)


def test_an_envoy_negotiates_and_may_not_bind_anybody(org: Seat, tallow: bytes, tmp_path: Path) -> None:
    envoy = org.made("role", "role.define", title="Envoy", rank=5, rights=("diplomacy.manage",))
    with Machine(tmp_path, "bob").open() as bobs:
        let_in(org.node, bobs, org.space, envoy, tmp_path)
        theirs = Seat(bobs, org.space)
        made = proposed(theirs, tallow)
        theirs.do("contact.set-stance", contact_id=tallow, stance=Stance.FRIENDLY)
        refused(NotAllowed, theirs, "treaty.sign", treaty_id=made)
        refused(NotAllowed, theirs, "treaty.claim-acceptance", treaty_id=made)
        refused(NotAllowed, theirs, "contact.declare-war", contact_id=tallow)
        carry(bobs, org.node, org.space, tmp_path)
    org.do("treaty.sign", treaty_id=made)
    assert held(org, tallow).stance is Stance.FRIENDLY


def test_one_without_the_right_says_nothing_about_others(org: Seat, tallow: bytes, tmp_path: Path) -> None:
    pilot = org.made("role", "role.define", title="Pilot", rank=5, rights=())
    with Machine(tmp_path, "bob").open() as bobs:
        let_in(org.node, bobs, org.space, pilot, tmp_path)
        theirs = Seat(bobs, org.space)
        refused(NotAllowed, theirs, "contact.record", title="Brine")
        refused(NotAllowed, theirs, "contact.set-stance", contact_id=tallow, stance=Stance.ALLY)


def test_war_declared_while_a_pact_is_signed_elsewhere_leaves_both_at_odds_until_peace(
    org: Seat, tallow: bytes, tmp_path: Path
) -> None:
    pact = proposed(org, tallow)
    org.do("treaty.claim-acceptance", treaty_id=pact)
    rights = ("diplomacy.manage", "diplomacy.commit")
    chief = org.made("role", "role.define", title="Chief", rank=2, rights=rights)
    with Machine(tmp_path, "bob").open() as bobs:
        let_in(org.node, bobs, org.space, chief, tmp_path)
        theirs = Seat(bobs, org.space)
        theirs.do("treaty.sign", treaty_id=pact)
        org.do("contact.declare-war", contact_id=tallow)
        for each in (org, theirs):
            each.do("treaty.change-terms", treaty_id=pact, text=f"By {each.me.hex()}.")
            each.do("contact.rename", contact_id=tallow, title=f"Tallow {'N' if each is org else 'S'}")
        carry(bobs, org.node, org.space, tmp_path)
    assert held(org, tallow).stance is Stance.WAR
    assert treaty(org, pact).agreed
    assert held(org, tallow).rival_titles
    assert treaty(org, pact).contested
    refused(negotiation.TermsContested, org, "treaty.sign", treaty_id=pact)
    org.do("treaty.choose-terms", treaty_id=pact, terms=treaty(org, pact).rival_drafts[0])
    org.do("contact.rename", contact_id=tallow, title="Tallow")
    org.do("contact.make-peace", contact_id=tallow)
    assert (held(org, tallow).stance, held(org, tallow).rival_titles) == (Stance.NEUTRAL, ())
    assert not treaty(org, pact).contested
