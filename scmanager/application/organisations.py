"""Organisations: found, describe, rename, archive, affiliate; roles as templates of rights."""

from typing import Any

from msgspec import UNSET, UnsetType

from scmanager.application import undo_steps as steps
from scmanager.application.desk import Desk
from scmanager.application.inverses import back, by, final, former, like
from scmanager.application.keeping import kept
from scmanager.application.verbs import OrganisationId, RoleId, verb
from scmanager.domain import member, organisation, role
from scmanager.domain.catalogue import MEMBERS, ORGANISATIONS, ROLES

Result = dict[str, Any]


def found(desk: Desk, *, title: str, sid: str = "", handle: str, display_name: str = "") -> Result:
    """Found an organisation in its own new space; whoever founds it is its first member."""
    desk.decide(ORGANISATIONS, desk.organisation, organisation.found, title, sid)
    desk.decide(MEMBERS, desk.me, member.record, desk.me, handle, display_name)
    desk.decide(MEMBERS, desk.me, member.join, desk.me, desk.me, desk.grant.rank, desk.now_s)
    return {"organisation": desk.organisation.hex(), "member": desk.me.hex()}


final("an organisation that was founded is archived: scm org archive.", organisation.Founded)


@verb("organisation.describe", undo=former("description", organisation.Described))
def describe(desk: Desk, *, text: str) -> Result:
    """Say what the organisation is about; empty text takes it back."""
    desk.decide(ORGANISATIONS, desk.organisation, organisation.describe, text)
    return {"organisation": desk.organisation.hex()}


@verb("organisation.rename", undo=former("name", organisation.Renamed))
def rename(desk: Desk, *, title: str) -> Result:
    """Give the organisation another name."""
    desk.decide(ORGANISATIONS, desk.organisation, organisation.rename, title)
    return {"organisation": desk.organisation.hex()}


@verb("organisation.settle-name", undo=like("organisation.rename"))
def settle_name(desk: Desk, *, title: str) -> Result:
    """Decide for one of several names that were given at the same time."""
    desk.decide(ORGANISATIONS, desk.organisation, organisation.settle_name, title)
    return {"organisation": desk.organisation.hex()}


@verb("organisation.set-sid", undo=former("tag", organisation.SidSet))
def set_sid(desk: Desk, *, sid: str) -> Result:
    """Set the organisation's short tag as the game spells it; empty for none."""
    desk.decide(ORGANISATIONS, desk.organisation, organisation.set_sid, sid)
    return {"organisation": desk.organisation.hex()}


@verb("organisation.archive", undo=back("organisation.restore", organisation.Archived, aspect="archived"))
def archive(desk: Desk) -> Result:
    """Close the books: everything stays readable, nothing changes until it is restored."""
    desk.decide(ORGANISATIONS, desk.organisation, organisation.archive)
    return {"organisation": desk.organisation.hex()}


@verb("organisation.restore", undo=back("organisation.archive", organisation.Restored, aspect="archived"))
def restore(desk: Desk) -> Result:
    """Open an archived organisation again."""
    desk.decide(ORGANISATIONS, desk.organisation, organisation.restore)
    return {"organisation": desk.organisation.hex()}


@verb(
    "organisation.affiliate",
    undo=by(steps.affiliation, organisation.Affiliated, aspect="affiliation", key=steps.other),
)
def affiliate(desk: Desk, *, other: OrganisationId, title: str) -> Result:
    """Note that another organisation belongs with us; it says nothing for them."""
    desk.decide(ORGANISATIONS, desk.organisation, organisation.affiliate, other, title)
    return {"organisation": desk.organisation.hex()}


@verb(
    "organisation.unaffiliate",
    undo=by(steps.affiliation, organisation.Unaffiliated, aspect="affiliation", key=steps.other),
)
def unaffiliate(desk: Desk, *, other: OrganisationId) -> Result:
    """End an affiliation."""
    desk.decide(ORGANISATIONS, desk.organisation, organisation.unaffiliate, other)
    return {"organisation": desk.organisation.hex()}


@verb("role.define", undo=back("role.withdraw", role.Defined, thing="role_id", begins=True))
def define_role(desk: Desk, *, title: str, rank: int, rights: tuple[str, ...] = ()) -> Result:
    """Define a role: a name, a rank from 1 (highest) to 10, and what it may do."""
    new = desk.new_id()
    desk.decide(ROLES, new, role.define, title, rank, rights, desk.grant.rank, desk.grant.rights)
    return {"role": new.hex()}


@verb("role.change", undo=former("template", role.Changed))
def change_role(
    desk: Desk, *, role_id: RoleId, title: str, rank: int, rights: tuple[str, ...] | UnsetType | None = UNSET
) -> Result:
    """Change a role's name, rank or rights. Grants already given keep theirs until they are issued anew.

    `rights`: all of them anew; left out they stay, empty takes them away.
    """
    before: role.Role = desk.state(ROLES, role_id)
    wanted = kept(rights, before.template.rights if before.template else (), ())
    desk.decide(ROLES, role_id, role.change, title, rank, wanted, desk.grant.rank, desk.grant.rights)
    return {"role": role_id.hex()}


@verb("role.withdraw", undo=final("a withdrawn role does not come back; define another.", role.Withdrawn))
def withdraw_role(desk: Desk, *, role_id: RoleId) -> Result:
    """Take a role out of use. Grants already given stand."""
    desk.decide(ROLES, role_id, role.withdraw, desk.grant.rank)
    return {"role": role_id.hex()}
