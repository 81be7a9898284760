"""Names for ids: on the command line a thing may be called by its full id, by the first digits of it, or by its name.

Whatever fits more than one thing is an error that lists them. What is gone gives way to what lives (`gone`).
"""

import re
from contextlib import suppress
from typing import Any

import msgspec

from scmanager.application.verbs import (
    CharacterId,
    ContactId,
    DeviceId,
    EntryId,
    FleetId,
    ImportId,
    MemberId,
    NotificationId,
    OperationId,
    OrganisationId,
    RoleId,
    ShipId,
    SlotId,
    SquadId,
    SquadronId,
    TreatyId,
)
from scmanager.cli import machines
from scmanager.cli.calling import NameAmbiguous, Named, NameUnknown, Register, pick, same_name
from scmanager.cli.output import short
from scmanager.cli.session import Place
from scmanager.domain.catalogue import (
    MEMBERS,
    OPERATIONS,
    ORGANISATIONS,
    SHIPS,
)
from scmanager.domain.operation import Operation
from scmanager.domain.operation_crew import manifest, taker
from scmanager.errors import Refused
from scmanager.forensics.lists import FOLDS, members, named, nicknames, profile_of, profiles, sheet_of, ships
from scmanager.spaces.space import Space

TAKE_SLOT = "operation.take-slot"

NOUNS: dict[Any, str] = {
    MemberId: "member",
    ShipId: "ship",
    FleetId: "fleet",
    SquadronId: "squadron",
    RoleId: "role",
    ImportId: "import",
    OrganisationId: "organisation",
    DeviceId: "device of yours",
    EntryId: "entry, log or device",
    OperationId: "operation",
    SlotId: "slot",
    SquadId: "squad",
    ContactId: "contact",
    TreatyId: "treaty",
    CharacterId: "character",
    NotificationId: "notification",
}
"""What a verb's parameter of an id type is called."""


class NoOrganisation(Refused):
    """There is no organisation in this folder."""

    code = "no-organisation"
    hint = "Found one: scm org found TITLE --handle NAME. Or join one: scm space request INVITATION -o FILE."


class WhichOrganisation(Refused):
    """Several organisations are here: {candidates}."""

    code = "which-organisation"
    hint = "Say which one: --org with its tag, its title or the first digits of its id."


def resolve(
    kind: Any, text: str, place: Place, space: Space, verb: str = "", within: bytes | None = None
) -> bytes:  # fmt: skip
    """The id that `text` means to a verb; slots and squads only of the operation `within`, if there is one.

    Raises NameUnknown, NameAmbiguous.
    """
    width = 64 if kind in (DeviceId, EntryId) else 32
    if re.fullmatch(rf"[0-9a-fA-F]{{{width}}}", text):
        return bytes.fromhex(text)
    candidates = in_operations(kind, space, within) if kind in (SlotId, SquadId) else known(kind, place, space)
    if kind is SlotId and verb == TAKE_SLOT:
        candidates = _first_free(space, candidates)
    try:
        return pick(NOUNS[kind], text, candidates, verb).id
    except NameUnknown:
        if kind is ShipId and space.kind == "org" and (own := _in_own_hangar(text, place, space)):
            raise NameUnknown(noun=NOUNS[kind], name=text, known=own) from None
        raise


def _in_own_hangar(text: str, place: Place, space: Space) -> str:
    """Of a ship that is called so in one's own space alone: how to name it; empty if there is none."""
    own = [each for one in place.personal_spaces() for each in ships(place, one)]
    with suppress(NameUnknown, NameAmbiguous):
        found = pick(NOUNS[ShipId], text, own)
        here = f"; here it is {short(found.id)}" if space.thing(SHIPS, found.id) else ""
        return f"It is so called in your own hangar: say --personal to mean it there{here}."
    return ""


def _first_free(space: Space, slots: list[Named]) -> list[Named]:
    """Where a role has slots that nobody took, its name alone means the first of them."""
    taken = {
        slot.id
        for _, state in space.things(OPERATIONS)
        if isinstance(state, Operation)
        for crew in (frozenset(manifest(state).crew),)
        for slot in state.crew_slots
        if taker(slot, crew)
    }
    first: dict[str, bytes] = {}
    for each in slots:
        if each.id not in taken:
            first.setdefault(each.names[-1], each.id)
    return [
        each if first.get(each.names[-1], each.id) == each.id else Named(each.id, each.names[:1]) for each in slots
    ]


def register(kind: Any, place: Place, space: Space) -> Register:
    """What things of one kind are called in a space, by id."""
    return Register(known(kind, place, space))


def known(kind: Any, place: Place, space: Space) -> list[Named]:
    """Everything of one kind that can be named in a space."""
    if kind is OrganisationId:
        return [msgspec.structs.replace(each, id=each.id[:16]) for each in organisations(place)]
    if kind is DeviceId:  # Names stand in one's own space, and a device may act in others only.
        return machines.known(place, [space] if space.kind == "org" else place.shelf.spaces())
    if kind is EntryId:
        return _entries(space)
    if kind in (SlotId, SquadId):
        return in_operations(kind, space)
    if kind is NotificationId:
        return []  # Only what `scm inbox` shows has an id, and that is given whole.
    return named(kind, place, space)


def in_operations(kind: Any, space: Space, within: bytes | None = None) -> list[Named]:
    """Slots or squads of one operation or of all, by name; slots of one role are numbered too: `gunner 2`."""
    found = []
    for entity, state in space.things(OPERATIONS):
        one: Any = state
        if within not in (None, entity):
            continue
        if kind is SquadId:
            found += [Named(each.id, (each.title,)) for each in one.squads]
            continue
        found += [Named(each.id, (each.title,)) for each in one.ship_slots]
        numbers: dict[str, int] = {}
        for slot in one.crew_slots:
            numbers[slot.role] = numbers.get(slot.role, 0) + 1
            found.append(Named(slot.id, (f"{slot.role} {numbers[slot.role]}", slot.role)))
    return found


def _entries(space: Space) -> list[Named]:
    """Entries, logs and devices: all have ids of 32 bytes."""
    ids: dict[bytes, None] = {opened.entry.id32: None for opened in space.entries()}
    for standing in space.verdicts.grants.values():
        ids |= dict.fromkeys((*standing.levels, *standing.devices, standing.grant.box))
    return [Named(each, ()) for each in ids]


def member_name(place: Place, space: Space, member: bytes) -> str:
    """What a member is called, if that can be read."""
    state: Any = space.state(MEMBERS, member)
    profile = profile_of(place, space, state.profile)
    return (profile.display_name or profile.handle) if profile else ""


def organisations(place: Place) -> list[Named]:
    """The organisations of this folder, by tag and title; ids are those of their spaces."""
    found = []
    for space in place.shelf.spaces():
        if space.kind == "org":
            state: Any = space.state(ORGANISATIONS, space.id[:16])
            found.append(Named(space.id, (state.sid, state.title)))
    return found


def org_as_typed(place: Place, space: bytes) -> str:
    """How an organisation is said to --org: by its tag, or the first digits of its id where another has that too."""
    held = organisations(place)
    own = next((each for each in held if each.id == space), None)
    alone = own is not None and own.name and sum(own.name in each.names for each in held) == 1
    return own.name if own is not None and alone else short(space)


def title_of(space: Space) -> str:
    """What the organisation of a space is called; nothing for somebody's own space."""
    state: Any = space.state(ORGANISATIONS, space.id[:16])
    return str(state.title)


def organisation(place: Place, text: str | None) -> Space:
    """The organisation that is meant: the only one, when nothing is said. Raises NoOrganisation, NameUnknown."""
    held = organisations(place)
    if not held:
        raise NoOrganisation
    if text is None and len(held) > 1:
        raise WhichOrganisation(candidates=_told_apart(held))
    if text is None:
        return place.shelf.space(held[0].id)
    try:
        return place.shelf.space(pick("organisation", text, held).id)
    except NameAmbiguous as error:
        meant = [each for each in held if same_name(text, each.names) or each.id.hex().startswith(text.casefold())]
        raise NameAmbiguous(name=text, candidates=_told_apart(meant)) from error


def _told_apart(found: list[Named]) -> str:
    """Organisations by tag, title and id: tags may be the same."""
    return ", ".join(f"{' '.join(filter(None, each.names))} ({short(each.id)})" for each in found)


__all__ = ["FOLDS", "members", "nicknames", "profile_of", "profiles", "sheet_of"]
