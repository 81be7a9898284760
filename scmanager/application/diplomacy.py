"""Diplomacy: other organisations, our stance towards them, war and peace, and treaties.

War and treaties meet here, and nowhere else: declaring war ends what was promised against it, and a treaty that
promises not to fight ends a war once it is in force. Said at the same time on two machines both stand, and are shown
as being at odds until somebody ends one of them.
"""

from typing import Any

from msgspec import UNSET, UnsetType

from scmanager.application import undo_steps as steps
from scmanager.application.desk import Desk
from scmanager.application.inverses import back, by, final, former, like
from scmanager.application.keeping import kept
from scmanager.application.named import check_contact
from scmanager.application.verbs import ContactId, EntryId, TreatyId, verb
from scmanager.domain import contact, negotiation
from scmanager.domain import treaty_events as events
from scmanager.domain.catalogue import CONTACTS, TREATIES
from scmanager.domain.diplomacy import Side, Stance
from scmanager.domain.event import Id
from scmanager.domain.negotiation import Times
from scmanager.domain.subject import nobodys
from scmanager.domain.treaty import AGAINST_WAR, Phase, Treaty, in_force_at, phase_at
from scmanager.domain.treaty_events import WARN_DAYS, EndReason, Kind

Result = dict[str, Any]

_BINDING = (Phase.AGREED, Phase.IN_FORCE, Phase.EXPIRING)


@verb("contact.record", undo=back("contact.archive", contact.Recorded, thing="contact_id", begins=True))
def record(desk: Desk, *, title: str, sid: str = "", space_id: EntryId | None = None) -> Result:
    """Enter another organisation: by name, and by its tag and its space's id where they are known."""
    _check_new(desk, title, space_id)
    new = nobodys(desk.new_id())
    desk.decide(CONTACTS, new, contact.record, title, desk.space.id, sid, space_id)
    return {"contact": new.hex()}


@verb("contact.rename", undo=former("name", contact.Renamed))
def rename(desk: Desk, *, contact_id: ContactId, title: str) -> Result:
    """Call a contact by another name; settles contested names too."""
    desk.decide(CONTACTS, contact_id, contact.rename, title)
    return {"contact": contact_id.hex()}


@verb("contact.set-sid", undo=former("tag", contact.SidSet))
def set_sid(desk: Desk, *, contact_id: ContactId, sid: str) -> Result:
    """Set a contact's short tag; empty for none."""
    desk.decide(CONTACTS, contact_id, contact.set_sid, sid)
    return {"contact": contact_id.hex()}


@verb("contact.identify", undo=former("space", contact.Identified))
def identify(desk: Desk, *, contact_id: ContactId, space_id: EntryId) -> Result:
    """Say which space is theirs, a claim until they sign something; settles contested claims too."""
    desk.decide(CONTACTS, contact_id, contact.identify, space_id, desk.space.id)
    return {"contact": contact_id.hex()}


@verb("contact.note", undo=former("note", contact.Noted))
def note(desk: Desk, *, contact_id: ContactId, text: str) -> Result:
    """Keep a note about a contact; empty text takes it back. It can be erased, as can all words about a contact."""
    desk.decide(CONTACTS, contact_id, contact.note, text)
    return {"contact": contact_id.hex()}


@verb("contact.archive", undo=back("contact.restore", contact.Archived, thing="contact_id", aspect="archived"))
def archive(desk: Desk, *, contact_id: ContactId) -> Result:
    """Put a contact away that matters no longer. Everything about it stays readable."""
    desk.decide(CONTACTS, contact_id, contact.archive)
    return {"contact": contact_id.hex()}


@verb("contact.restore", undo=back("contact.archive", contact.Restored, thing="contact_id", aspect="archived"))
def restore(desk: Desk, *, contact_id: ContactId) -> Result:
    """Take an archived contact out again."""
    desk.decide(CONTACTS, contact_id, contact.restore)
    return {"contact": contact_id.hex()}


@verb("contact.set-stance", undo=former("stance", contact.StanceSet))
def set_stance(desk: Desk, *, contact_id: ContactId, stance: Stance) -> Result:
    """Say how we stand towards a contact; settles contested stances too. War is declared instead."""
    desk.decide(CONTACTS, contact_id, contact.set_stance, stance)
    return {"contact": contact_id.hex()}


@verb("contact.report-stance", undo=former("reported", contact.StanceReported))
def report_stance(desk: Desk, *, contact_id: ContactId, stance: Stance) -> Result:
    """Say how a contact stands towards us, as far as one hears. It is shown as a claim."""
    desk.decide(CONTACTS, contact_id, contact.report_stance, stance)
    return {"contact": contact_id.hex()}


@verb("contact.declare-war", undo=back("contact.make-peace", contact.WarDeclared, thing="contact_id", aspect="war"))
def declare_war(desk: Desk, *, contact_id: ContactId, by: Side = Side.US) -> Result:
    """Go to war with a contact, or say that they did. Alliances, pacts and peace with them end as broken."""
    desk.decide(CONTACTS, contact_id, contact.declare_war, by)
    broken = [
        treaty_id
        for treaty_id, one in desk.things(TREATIES)
        if one.contact == contact_id and one.kind in AGAINST_WAR and phase_at(one, desk.now_s) in _BINDING
    ]
    for treaty_id in broken:
        desk.decide(TREATIES, treaty_id, negotiation.end, EndReason.BROKEN, by, desk.now_s)
    return {"contact": contact_id.hex(), "treaties": [treaty_id.hex() for treaty_id in broken]}


@verb("contact.make-peace", undo=by(steps.war_again, contact.PeaceMade, aspect="war"))
def make_peace(desk: Desk, *, contact_id: ContactId) -> Result:
    """End a war. From then on the stance is neutral, until another is set or a treaty says more."""
    desk.decide(CONTACTS, contact_id, contact.make_peace)
    return {"contact": contact_id.hex()}


@verb("treaty.propose", undo=back("treaty.withdraw", events.Proposed, thing="treaty_id", begins=True))
def propose(
    desk: Desk,
    *,
    contact_id: ContactId,
    kind: Kind,
    title: str,
    text: str,
    by: Side = Side.US,
    starts_s: int = 0,
    until_s: int = 0,
    warn_days: int = WARN_DAYS,
) -> Result:
    """Put a treaty with a contact on the table, ours or theirs. Without times: at once, and no end."""
    with_, new = check_contact(desk, contact_id), desk.new_id()
    times = Times(starts_s, until_s, warn_days)
    desk.decide(TREATIES, new, negotiation.propose, with_, kind, title, text, by, times, desk.now_s)
    return {"treaty": new.hex()}


@verb("treaty.change-terms", undo=former("terms", events.TermsChanged))
def change_terms(
    desk: Desk,
    *,
    treaty_id: TreatyId,
    text: str,
    starts_s: int | UnsetType | None = UNSET,
    until_s: int | UnsetType | None = UNSET,
    warn_days: int | UnsetType | None = UNSET,
) -> Result:
    """Put other terms on the table. What is agreed holds until both sides said yes to them.

    Times that are left out stay as they are on the table; 0: at once, no end.
    """
    one: Treaty = desk.state(TREATIES, treaty_id)
    before = one.draft or Times()
    times = Times(
        kept(starts_s, before.starts, 0), kept(until_s, before.until, 0), kept(warn_days, before.warn_days, WARN_DAYS)
    )
    desk.decide(TREATIES, treaty_id, negotiation.change_terms, text, times, desk.now_s)
    return {"treaty": treaty_id.hex()}


@verb("treaty.choose-terms", undo=former("terms", events.TermsChosen))
def choose_terms(desk: Desk, *, treaty_id: TreatyId, terms: EntryId) -> Result:
    """Decide which version of the terms is talked about; settles versions that were written at the same time."""
    desk.decide(TREATIES, treaty_id, negotiation.choose_terms, terms)
    return {"treaty": treaty_id.hex()}


@verb("treaty.sign", undo=final("a signature binds; end the treaty: scm treaty end.", events.Signed))
def sign(desk: Desk, *, treaty_id: TreatyId, terms: EntryId | None = None) -> Result:
    """Agree to a treaty's terms for us; `terms` names a version, if not the one on the table."""
    desk.decide(TREATIES, treaty_id, negotiation.sign, terms, desk.now_s)
    return {"treaty": treaty_id.hex(), "peace_with": _end_war(desk, treaty_id)}


@verb(
    "treaty.claim-acceptance",
    undo=final("what they said they said; end the treaty: scm treaty end.", events.AcceptanceClaimed),
)
def claim_acceptance(desk: Desk, *, treaty_id: TreatyId, text: str = "", terms: EntryId | None = None) -> Result:
    """Say that the other side agrees, and in `text` how one knows. It is shown as a claim until they sign."""
    desk.decide(TREATIES, treaty_id, negotiation.claim_acceptance, terms, text, desk.now_s)
    return {"treaty": treaty_id.hex(), "peace_with": _end_war(desk, treaty_id)}


@verb(
    "treaty.decline",
    undo=back("treaty.reinstate", events.Dropped, events.Ended, thing="treaty_id", aspect="standing"),
)
def decline(desk: Desk, *, treaty_id: TreatyId) -> Result:
    """Say no to a proposal, in the name of the side that did not make it."""
    desk.decide(TREATIES, treaty_id, negotiation.decline)
    return {"treaty": treaty_id.hex()}


@verb("treaty.withdraw", undo=like("treaty.decline"))
def withdraw(desk: Desk, *, treaty_id: TreatyId) -> Result:
    """Take a proposal back, in the name of the side that made it."""
    desk.decide(TREATIES, treaty_id, negotiation.withdraw)
    return {"treaty": treaty_id.hex()}


@verb("treaty.end", undo=like("treaty.decline"))
def end(desk: Desk, *, treaty_id: TreatyId, reason: EndReason, by: Side = Side.US, until_s: int = 0) -> Result:
    """End an agreed treaty, at once or, with notice, at `until_s`."""
    desk.decide(TREATIES, treaty_id, negotiation.end, reason, by, desk.now_s, until_s)
    return {"treaty": treaty_id.hex()}


@verb("treaty.reinstate", undo=by(steps.ended_again, events.Reinstated, aspect="standing"))
def reinstate(desk: Desk, *, treaty_id: TreatyId) -> Result:
    """Take back that a proposal was dropped, or that a treaty was ended."""
    desk.decide(TREATIES, treaty_id, negotiation.reinstate)
    return {"treaty": treaty_id.hex()}


def _end_war(desk: Desk, treaty_id: Id) -> list[str]:
    """Make peace, if this treaty promises it and is in force now; the contact's id if it did."""
    one: Treaty = desk.state(TREATIES, treaty_id)
    with_: contact.Contact = desk.state(CONTACTS, one.contact)
    if not with_.wars or with_.archived or one.kind not in AGAINST_WAR or not in_force_at(one, desk.now_s):
        return []
    desk.decide(CONTACTS, one.contact, contact.make_peace)
    return [one.contact.hex()]


def _check_new(desk: Desk, title: str, space_id: Id | None) -> None:
    """Raises ContactKnown when one of that name or space is there."""
    for _, one in desk.things(CONTACTS):
        if one.title.casefold() == title.casefold() or (space_id and one.space == space_id):
            raise contact.ContactKnown(title=one.title)
