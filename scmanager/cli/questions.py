"""What a verb asks before it is done, where it is for good or where nobody would be left."""

from typing import Annotated, Any

import typer

from scmanager.cli import machines
from scmanager.cli.session import Place
from scmanager.domain.governance import EVERY_RIGHT, Granted, needs
from scmanager.spaces.readers import has_left
from scmanager.spaces.space import Space

ASKING = frozenset({"device.cut", "member.leave"})
"""Verbs that may ask: these have the option --yes."""
YesFlag = Annotated[bool, typer.Option("--yes", help="Do not ask.")]

_CUT = (
    "Disown this device for good? Nothing that it writes from now on counts; it comes back only from a fresh folder."
)
_FOUNDER = "The founder's seat is yours, and from it nothing more is said until you come back: scm member join."
_LAST = "Nobody else here may let anybody in."
_FIRST = "To give the seat to somebody first: scm org hand-over. Leave all the same?"


def question(verb: str, place: Place, space: Space, arguments: dict[str, Any]) -> str:
    """What is to be answered with yes; empty where nothing is asked."""
    if verb == "device.cut":
        return _CUT
    if verb == "member.leave" and not arguments.get("member_id"):
        return _leaving(space, {each.grant.member for each in machines.seats(place, space)})
    return ""


def _leaving(space: Space, me: set[bytes]) -> str:
    """Asked of the founder, and of the last who may let anybody in. `me`: as which members one acts here."""
    if not me or any(has_left(space, each) for each in me):
        return ""
    may = {needs(Granted.tag), EVERY_RIGHT}
    standing = [each.grant for each in space.grants()]
    founder = any(grant.member in me and grant.rank == 0 for grant in standing)
    able = {grant.member for grant in standing if grant.rights & may and not has_left(space, grant.member)}
    said = [*([_FOUNDER] if founder else []), *([_LAST] if able and able <= me else [])]
    return " ".join([*said, _FIRST]) if said else ""
