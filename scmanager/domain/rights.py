"""Rights: what a role may allow, and which right each type of event needs (design, section 3, rule 2).

A type that needs none is open to every member, and its `evolve` lets it count for what is his own (rule 4): the same
fact said by somebody else is a type of its own, with a right. So the type alone tells what an author claims to be.
"""

import enum
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final


class Right(enum.StrEnum):
    """The names that grants and roles list. Never renamed; a new one is added at the end."""

    ORGANISATION_DESCRIBE = "organisation.describe"
    """Name, tag and description."""
    ORGANISATION_ARCHIVE = "organisation.archive"
    """Archive and restore."""
    ORGANISATION_AFFILIATE = "organisation.affiliate"
    ROLE_DEFINE = "role.define"
    """The templates. What somebody really may do stands in his grant."""
    MEMBER_INVITE = "member.invite"
    MEMBER_REPRESENT = "member.represent"
    """Speak for a member who has no installation, and join a placeholder with a living member."""
    MEMBER_REMOVE = "member.remove"
    """End grants and, with that, change the key the space is written under."""
    SHIP_MANAGE = "ship.manage"
    """Ships of the organisation, and those of members for whom one acts."""
    FLEET_MANAGE = "fleet.manage"
    """Fleets, squadrons, who and what is in them, who leads them."""
    MEMBER_GRANT = "member.grant"
    """Issue grants, below one's own rank and within one's own rights."""
    OPERATION_PLAN = "operation.plan"
    """Operations: what, where, when, with what; calling them off."""
    OPERATION_LEAD = "operation.lead"
    """Operations as they happen: answers for others, slots, ships, start, end, attendance, report."""
    DIPLOMACY_MANAGE = "diplomacy.manage"
    """Contacts, stances short of war, proposals and their terms."""
    DIPLOMACY_COMMIT = "diplomacy.commit"
    """What binds everybody: sign and end treaties, declare war, make peace."""
    DOCUMENT_CURATE = "document.curate"
    """Leave out of documents what was written at a lower rank, and take it in again."""


ANYONE: Final = None
"""No right: what is one's own."""

_R = Right

RIGHT_NEEDED: Final[Mapping[str, Right | None]] = MappingProxyType(
    {
        "organisation.founded/1": _R.ORGANISATION_DESCRIBE,
        "organisation.described/1": _R.ORGANISATION_DESCRIBE,
        "organisation.renamed/1": _R.ORGANISATION_DESCRIBE,
        "organisation.sid-set/1": _R.ORGANISATION_DESCRIBE,
        "organisation.archived/1": _R.ORGANISATION_ARCHIVE,
        "organisation.restored/1": _R.ORGANISATION_ARCHIVE,
        "organisation.affiliated/1": _R.ORGANISATION_AFFILIATE,
        "organisation.unaffiliated/1": _R.ORGANISATION_AFFILIATE,
        "role.defined/1": _R.ROLE_DEFINE,
        "role.changed/1": _R.ROLE_DEFINE,
        "role.withdrawn/1": _R.ROLE_DEFINE,
        "member.recorded/1": _R.MEMBER_REPRESENT,
        "member.profile-changed/1": ANYONE,
        "member.profile-changed-for/1": _R.MEMBER_REPRESENT,
        "member.noted/1": _R.MEMBER_REPRESENT,
        "member.invited/1": _R.MEMBER_INVITE,
        "member.invitation-withdrawn/1": _R.MEMBER_INVITE,
        "member.confirmed/1": _R.MEMBER_INVITE,
        "member.joined/1": ANYONE,
        "member.left/1": ANYONE,
        "member.left-for/1": _R.MEMBER_REPRESENT,
        "member.removed/1": _R.MEMBER_REMOVE,
        "member.claimed/1": _R.MEMBER_REPRESENT,
        "ship.added/1": ANYONE,
        "ship.added-for/1": _R.SHIP_MANAGE,
        "ship.shared/1": ANYONE,
        "ship.share-withdrawn/1": ANYONE,
        "ship.named/1": ANYONE,
        "ship.named-for/1": _R.SHIP_MANAGE,
        "ship.detailed/1": ANYONE,
        "ship.detailed-for/1": _R.SHIP_MANAGE,
        "ship.words-restored/1": ANYONE,
        "ship.words-restored-for/1": _R.SHIP_MANAGE,
        "ship.removed/1": ANYONE,
        "ship.removed-for/1": _R.SHIP_MANAGE,
        "ship.restored/1": ANYONE,
        "ship.restored-for/1": _R.SHIP_MANAGE,
        "ship.transferred/1": ANYONE,
        "ship.transferred-for/1": _R.SHIP_MANAGE,
        "ship.readiness-changed/1": ANYONE,
        "ship.readiness-changed-for/1": _R.SHIP_MANAGE,
        "ship.lent/1": ANYONE,
        "ship.lent-for/1": _R.SHIP_MANAGE,
        "ship.returned/1": ANYONE,
        "ship.returned-for/1": _R.SHIP_MANAGE,
        "ship.assigned/1": ANYONE,
        "ship.assigned-for/1": _R.SHIP_MANAGE,
        "ship.unassigned/1": ANYONE,
        "ship.unassigned-for/1": _R.SHIP_MANAGE,
        "import.applied/1": ANYONE,
        "import.undone/1": ANYONE,
        "import.undone-for/1": _R.SHIP_MANAGE,
        "alarm.fork-seen/1": ANYONE,
        "fleet.formed/1": _R.FLEET_MANAGE,
        "fleet.renamed/1": _R.FLEET_MANAGE,
        "fleet.disbanded/1": _R.FLEET_MANAGE,
        "fleet.reformed/1": _R.FLEET_MANAGE,
        "fleet.lead-assigned/1": _R.FLEET_MANAGE,
        "fleet.lead-relieved/1": _R.FLEET_MANAGE,
        "squadron.formed/1": _R.FLEET_MANAGE,
        "squadron.renamed/1": _R.FLEET_MANAGE,
        "squadron.disbanded/1": _R.FLEET_MANAGE,
        "squadron.reformed/1": _R.FLEET_MANAGE,
        "squadron.moved/1": _R.FLEET_MANAGE,
        "squadron.lead-assigned/1": _R.FLEET_MANAGE,
        "squadron.lead-relieved/1": _R.FLEET_MANAGE,
        "squadron.ship-enlisted/1": _R.FLEET_MANAGE,
        "squadron.ship-released/1": _R.FLEET_MANAGE,
        "squadron.member-enlisted/1": _R.FLEET_MANAGE,
        "squadron.member-released/1": _R.FLEET_MANAGE,
        "squadron.member-left/1": ANYONE,
        "operation.planned/1": _R.OPERATION_PLAN,
        "operation.renamed/1": _R.OPERATION_PLAN,
        "operation.described/1": _R.OPERATION_PLAN,
        "operation.rescheduled/1": _R.OPERATION_PLAN,
        "operation.crew-limited/1": _R.OPERATION_PLAN,
        "operation.reminders-set/1": _R.OPERATION_PLAN,
        "operation.series-joined/1": _R.OPERATION_PLAN,
        "operation.squad-formed/1": _R.OPERATION_PLAN,
        "operation.squad-disbanded/1": _R.OPERATION_PLAN,
        "operation.crew-slot-added/1": _R.OPERATION_PLAN,
        "operation.ship-slot-added/1": _R.OPERATION_PLAN,
        "operation.slot-dropped/1": _R.OPERATION_PLAN,
        "operation.lead-assigned/1": _R.OPERATION_PLAN,
        "operation.lead-relieved/1": _R.OPERATION_PLAN,
        "operation.signed-up/1": ANYONE,
        "operation.signed-up-for/1": _R.OPERATION_LEAD,
        "operation.slot-taken/1": ANYONE,
        "operation.slot-taken-for/1": _R.OPERATION_LEAD,
        "operation.slot-left/1": ANYONE,
        "operation.slot-left-for/1": _R.OPERATION_LEAD,
        "operation.ship-assigned/1": _R.OPERATION_LEAD,
        "operation.ship-released/1": _R.OPERATION_LEAD,
        "operation.checked-in/1": ANYONE,
        "operation.checked-in-for/1": _R.OPERATION_LEAD,
        "operation.started/1": _R.OPERATION_LEAD,
        "operation.completed/1": _R.OPERATION_LEAD,
        "operation.cancelled/1": _R.OPERATION_PLAN,
        "operation.reinstated/1": _R.OPERATION_PLAN,
        "operation.attendance-taken/1": _R.OPERATION_LEAD,
        "contact.recorded/1": _R.DIPLOMACY_MANAGE,
        "contact.renamed/1": _R.DIPLOMACY_MANAGE,
        "contact.sid-set/1": _R.DIPLOMACY_MANAGE,
        "contact.identified/1": _R.DIPLOMACY_MANAGE,
        "contact.noted/1": _R.DIPLOMACY_MANAGE,
        "contact.archived/1": _R.DIPLOMACY_MANAGE,
        "contact.restored/1": _R.DIPLOMACY_MANAGE,
        "contact.stance-set/1": _R.DIPLOMACY_MANAGE,
        "contact.stance-reported/1": _R.DIPLOMACY_MANAGE,
        "contact.war-declared/1": _R.DIPLOMACY_COMMIT,
        "contact.peace-made/1": _R.DIPLOMACY_COMMIT,
        "treaty.proposed/1": _R.DIPLOMACY_MANAGE,
        "treaty.terms-changed/1": _R.DIPLOMACY_MANAGE,
        "treaty.terms-chosen/1": _R.DIPLOMACY_MANAGE,
        "treaty.signed/1": _R.DIPLOMACY_COMMIT,
        "treaty.acceptance-claimed/1": _R.DIPLOMACY_COMMIT,
        "treaty.dropped/1": _R.DIPLOMACY_MANAGE,
        "treaty.ended/1": _R.DIPLOMACY_COMMIT,
        "treaty.reinstated/1": _R.DIPLOMACY_COMMIT,
        "character.made/1": ANYONE,
        "character.described/1": ANYONE,
        "character.sheet-chosen/1": ANYONE,
        "character.retired/1": ANYONE,
        "character.returned/1": ANYONE,
        "character.shared/1": ANYONE,
        "character.text-shown/1": ANYONE,
        "character.share-withdrawn/1": ANYONE,
        "document.charter-changed/1": _R.ORGANISATION_DESCRIBE,
        "document.briefing-changed/1": _R.OPERATION_PLAN,
        "document.report-changed/1": _R.OPERATION_LEAD,
        "document.treaty-changed/1": _R.DIPLOMACY_MANAGE,
        "document.sheet-changed/1": ANYONE,
        "document.left-out/1": _R.DOCUMENT_CURATE,
        "document.taken-in/1": _R.DOCUMENT_CURATE,
        "player.main-chosen/1": ANYONE,
        "player.main-dropped/1": ANYONE,
        "machine.named/1": ANYONE,
        "notification.read/1": ANYONE,
        "consent.given/1": ANYONE,
        "consent.withdrawn/1": ANYONE,
        "audit.noted/1": ANYONE,
        "audit.repeated/1": ANYONE,
        "audit.unlisted/1": ANYONE,
        "statistics.published/1": ANYONE,
        "keys.published/1": ANYONE,
        "update.signed/1": ANYONE,
        "plugin.signed/1": ANYONE,
        "plugin.counted/1": ANYONE,
        "report.audit-taken/1": ANYONE,
        "server.named/1": ANYONE,
        "heads.anchored/1": ANYONE,
        "report.health-anchored/1": ANYONE,
        "report.error-counted/1": ANYONE,
        "report.bug-opened/1": ANYONE,
    }
)
"""By tag. Types of governance and of other fields stand with those."""
