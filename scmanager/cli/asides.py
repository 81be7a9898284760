"""What a verb's result does not say and whoever asked for it would want to know. Worked out before it is done."""

import shlex
from collections.abc import Iterator
from typing import Any

from scmanager.application.every_verb import VERBS
from scmanager.application.verbs import (
    CharacterId,
    ContactId,
    DeviceId,
    FleetId,
    MemberId,
    OperationId,
    RoleId,
    SquadronId,
    TreatyId,
)
from scmanager.cli import machines, names
from scmanager.cli.output import counted, short
from scmanager.cli.session import Place
from scmanager.domain.catalogue import IMPORTS, OPERATIONS
from scmanager.domain.event import Id, Id32
from scmanager.domain.hangar_import import Import
from scmanager.domain.operation import Operation
from scmanager.errors import utc
from scmanager.spaces.space import Space

NEXT: dict[str, str] = {
    "operation.plan": "Next: scm operation add-crew-slots, add-ship-slot; who comes says: scm operation sign-up.",
    "operation.complete": "Next, how it went: scm document edit OPERATION --kind report --text TEXT",
    "treaty.propose": "Next: scm treaty sign. When they agree: scm treaty claim-acceptance",
    "member.record": "They need no installation. To bring them in: scm member invite --member MEMBER",
    "member.join": "Next: scm space export -o joined.scm, and give that file to the others, so that they see you.",
}
"""What comes after a verb, where one would not guess it."""
LEAVING = (
    "You record nothing more here; your words can still be erased: scm erase. Next: scm space export -o left.scm, "
    "and give that file to the others: when the highest of those who may remove members takes it in, your seat ends "
    "and the key changes. A founder's seat stays; it is handed over: scm org hand-over"
)
LEAVING_FOR = "If they have a machine of their own, their seat stays. To end it and change the key: scm member remove"
_BEGINS = ("operation.plan", "operation.copy", "operation.reschedule")
NAMING: dict[str, tuple[Any, str]] = {
    "role.define": (RoleId, "title"),
    "role.change": (RoleId, "title"),
    "member.record": (MemberId, "handle"),
    "member.change-profile": (MemberId, "handle"),
    "fleet.form": (FleetId, "title"),
    "fleet.rename": (FleetId, "title"),
    "squadron.form": (SquadronId, "title"),
    "squadron.rename": (SquadronId, "title"),
    "operation.plan": (OperationId, "title"),
    "operation.rename": (OperationId, "title"),
    "contact.rename": (ContactId, "title"),
    "treaty.propose": (TreatyId, "title"),
    "character.make": (CharacterId, "name"),
    "device.name": (DeviceId, "name"),
}
"""Verbs that call something so that commands find it: what kind of thing, and by which argument."""
EARLY_S = 12 * 3600
YEAR_S = 365 * 86400
FAR_S = 2 * YEAR_S
REAL_DATES = "Dates are those of the calendar on your wall, not of the verse. To move it: scm operation reschedule"


def asides(verb: str, place: Place, space: Space, arguments: dict[str, Any], now_s: int) -> list[str]:
    """Sentences for people. `arguments`: as the verb takes them; `now_s`: UTC seconds."""
    return list(_asides(verb, place, space, arguments, now_s))


def _asides(verb: str, place: Place, space: Space, arguments: dict[str, Any], now_s: int) -> Iterator[str]:
    for each in VERBS[verb].parameters:
        if each.kept and not arguments.get(each.name, True):
            yield f"Taken away: {each.name.removesuffix('_s').replace('_', ' ')}."
    starts_s = arguments.get("starts_s", 0)
    if verb in _BEGINS and 0 < starts_s < now_s:
        yield f"It begins in the past: {utc(starts_s)}. To move it: scm operation reschedule"
    if verb in _BEGINS and starts_s > now_s + FAR_S:
        yield f"It begins in {(starts_s - now_s) // YEAR_S} years: {utc(starts_s)}. {REAL_DATES}"
    if verb == "operation.start" and (early_s := _planned_for(space, arguments) - now_s) > EARLY_S:
        yield f"It was planned to begin in {counted(round(early_s / 3600), 'hour')}. Not meant? scm undo"
    if twin := _twin(verb, place, space, arguments):
        yield f"There is another of that name ({short(twin)}): from now on name each by its id, or rename one."
    if verb == "hangar.undo-import":
        past = space.state(IMPORTS, arguments["import_id"])
        if isinstance(past, Import) and past.undone:
            yield "This import was taken back already: nothing is done again."
    if verb == "member.leave":
        yield LEAVING_FOR if arguments.get("member_id") else LEAVING
    if verb == "device.cut":
        yield from _after_a_cut(place, space, arguments["device"])
    if verb in NEXT:
        yield NEXT[verb]


def _after_a_cut(place: Place, space: Space, device: Id32) -> Iterator[str]:
    """Where else a device goes on, and that the others believe it until they hear of this."""
    for each in place.shelf.spaces():
        if each.id != space.id and machines.acts(place, each, device):
            yield f"In {_spoken_of(place, each)} it still acts: scm device cut {short(device)} {_where(place, each)}"
    who = "your other machines" if space.kind == "personal" else "everybody"
    yield (
        f"Next: scm space export -o cut.scm {_where(place, space)}, and give that file to {who}: "
        "until they have taken it in, they still believe that device."
    )


def _spoken_of(place: Place, space: Space) -> str:
    return "your own space" if space.kind == "personal" else names.org_as_typed(place, space.id)


def _where(place: Place, space: Space) -> str:
    """The option that means this space."""
    return "--personal" if space.kind == "personal" else f"--org {shlex.quote(names.org_as_typed(place, space.id))}"


def _planned_for(space: Space, arguments: dict[str, Any]) -> int:
    """When the operation that is meant begins by its plan, in UTC seconds; 0 for none."""
    one = space.state(OPERATIONS, arguments["operation_id"])
    return one.window.starts if isinstance(one, Operation) else 0


def _twin(verb: str, place: Place, space: Space, arguments: dict[str, Any]) -> Id | None:
    """Another that is here and is called so, if there is one."""
    kind, parameter = NAMING.get(verb, (None, ""))
    wanted, own = str(arguments.get(parameter) or "").casefold(), [*arguments.values()]
    if kind is None or not wanted:
        return None
    return next(
        (
            each.id
            for each in names.known(kind, place, space)
            if each.id not in own and not each.mark and wanted in (name.casefold() for name in each.names)
        ),
        None,
    )
