"""Diplomacy: contacts and how we stand towards them, treaties with every version of their terms, and the history.

Rows hold moments, never phases: whether a treaty is in force, about to expire or over is asked of the moment of the
query.
"""

from collections.abc import Iterator

from scmanager.domain.catalogue import CONTACTS, TREATIES
from scmanager.domain.contact import Contact, ContactNote
from scmanager.domain.contest import Claim
from scmanager.domain.diplomacy import Proof, Side, Step
from scmanager.domain.event import Id, Id32, State
from scmanager.domain.treaty import Treaty, Version, ends_at, warns_from
from scmanager.domain.treaty_events import TreatyEvidence, TreatyTerms
from scmanager.projections.copy_text import NULL, flag, ident, idents, line, number, seconds, text, texts
from scmanager.projections.read_model import Look, ReadModel, Row, Table, spoken
from scmanager.spaces.personal import Absence


def rows(look: Look, entity: Id) -> Iterator[Row]:
    """A contact's or a treaty's rows."""
    contact: Contact = look.state(CONTACTS, entity)
    if contact.id:
        yield "contact", _contact(look, entity, contact)
        yield from _steps(look, entity, entity, contact.history)
    treaty: Treaty = look.state(TREATIES, entity)
    if treaty.contact:
        yield "treaty", _treaty(look, entity, treaty)
        for place, version in enumerate(treaty.versions):
            yield "treaty_version", _version(look, entity, treaty, version, place)
        yield from _steps(look, entity, treaty.contact, treaty.history)


def _contact(look: Look, entity: Id, contact: Contact) -> str:
    note = look.words(contact.note, ContactNote)
    war: Claim[Side] | None = contact.wars[0] if contact.wars else None
    return line(
        ident(look.space),
        ident(entity),
        text(contact.title),
        text(contact.title.lower()),
        texts(contact.rival_titles),
        text(contact.sid),
        ident(contact.space),
        idents(contact.rival_spaces),
        (Proof.CLAIMED if contact.space else Proof.NONE).value,
        flag(contact.archived),
        contact.stance.value,
        texts(each.value for each in contact.rival_stances),
        look.moment(war.entry) if war else NULL,
        war.value.value if war else NULL,
        contact.reported.value if contact.reported else NULL,
        look.moment(contact.reported_in),
        text(note.text if isinstance(note, ContactNote) else None),
        spoken(note),
    )


def _treaty(look: Look, entity: Id, treaty: Treaty) -> str:
    shown = treaty.agreed or treaty.draft
    terms = look.words(shown.entry if shown else b"", TreatyTerms)
    ended, dropped = treaty.ended, treaty.dropped
    return line(
        ident(look.space),
        ident(entity),
        ident(treaty.contact),
        text(treaty.title),
        text(treaty.title.lower()),
        treaty.kind.value,
        treaty.by.value,
        "agreed" if treaty.agreed else dropped.reason.value if dropped else "proposed",
        dropped.by.value if dropped else NULL,
        ended.reason.value if ended else NULL,
        ended.by.value if ended else NULL,
        seconds(max(1, ended.at)) if ended else NULL,
        seconds(shown.starts if shown else 0),
        seconds(shown.until if shown else 0),
        seconds(ends_at(treaty)),
        seconds(warns_from(treaty)),
        (shown.our_proof if shown else Proof.NONE).value,
        (shown.their_proof if shown else Proof.NONE).value,
        flag(treaty.contested),
        ident(shown.entry if shown else None),
        text(terms.text if isinstance(terms, TreatyTerms) else None),
        spoken(terms),
    )


def _version(look: Look, entity: Id, treaty: Treaty, version: Version, place: int) -> str:
    terms = look.words(version.entry, TreatyTerms)
    told = [look.words(each, TreatyEvidence) for each in version.evidence] or [Absence.NONE]
    evidence = "\n\n".join(each.text for each in told if isinstance(each, TreatyEvidence))
    return line(
        ident(look.space),
        ident(entity),
        ident(version.entry),
        number(place),
        look.moment(version.entry),
        seconds(version.starts),
        seconds(version.until),
        number(version.warn_days),
        version.our_proof.value,
        version.their_proof.value,
        flag(version == treaty.agreed),
        flag(version == treaty.draft),
        flag(version.entry in (*treaty.rival_drafts, *treaty.rival_agreements)),
        text(terms.text if isinstance(terms, TreatyTerms) else None),
        spoken(terms),
        text(evidence if any(isinstance(each, TreatyEvidence) for each in told) else None),
        spoken(next((each for each in told if isinstance(each, TreatyEvidence)), told[0])),
    )


def _steps(look: Look, entity: Id, contact: Id, history: tuple[Step, ...]) -> Iterator[Row]:
    for step in history:
        told = (look.moment(step.entry), text(step.act), step.side.value, text(step.said), ident(step.member))
        yield "diplomatic_step", line(ident(look.space), ident(entity), ident(contact), ident(step.entry), *told)


def _words(state: State) -> Iterator[Id32]:
    if isinstance(state, Contact):
        yield from (entry for entry in (state.note, state.reported_in) if entry)
        yield from (claim.entry for claim in state.wars[:1])
        yield from (step.entry for step in state.history)
    if isinstance(state, Treaty):
        for version in state.versions:
            yield version.entry
            yield from version.evidence
        yield from (step.entry for step in state.history)


MODEL = ReadModel(
    "diplomacy",
    (
        Table("contact", "id", ("note",)),
        Table("treaty", "id", ("terms",)),
        Table("treaty_version", "treaty", ("terms", "evidence")),
        Table("diplomatic_step", "thing"),
    ),
    (CONTACTS, TREATIES),
    rows,
    _words,
)
