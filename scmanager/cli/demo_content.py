"""What the demo is about: two organisations, their people, and the ship lists that those people exported.

Read from the package's data; the same on every machine.
"""

from importlib import resources
from typing import Any

import msgspec


class Person(msgspec.Struct, frozen=True):
    """Somebody with an installation of their own, or, without a role, only recorded."""

    handle: str
    name: str = ""
    role: str = ""


class RoleSaid(msgspec.Struct, frozen=True):
    """A role to define."""

    title: str
    rank: int
    rights: tuple[str, ...]


class SquadronSaid(msgspec.Struct, frozen=True):
    """A squadron; people by handle, ships by model."""

    title: str
    lead: str
    members: tuple[str, ...]
    ships: tuple[str, ...]


class FleetSaid(msgspec.Struct, frozen=True):
    """A fleet; its lead by handle."""

    title: str
    lead: str
    squadrons: tuple[SquadronSaid, ...]


class ShipSlotSaid(msgspec.Struct, frozen=True):
    """A ship that an operation asks for, and the model that comes."""

    title: str
    models: tuple[str, ...]
    assigned: str | None


class CrewSaid(msgspec.Struct, frozen=True):
    """Places of one role on board of a ship slot: as many as there are people, at least one."""

    role: str
    aboard: str
    taken: tuple[str, ...]


class BriefingSaid(msgspec.Struct, frozen=True):
    """A briefing that two people went on writing at the same time, each on a machine of their own."""

    first: str
    """As the founder wrote it."""
    founder: str
    """As the founder changed it, while the other did too."""
    by: str
    theirs: str


class OperationSaid(msgspec.Struct, frozen=True):
    """An operation; one with an outcome is over."""

    title: str
    objective: str
    place: str
    starts_days: int
    """From the Saturday before the demo is made."""
    hours: int
    zone: str
    lead: str
    ships: tuple[ShipSlotSaid, ...]
    crew: tuple[CrewSaid, ...]
    most: int
    """How many may come; 0: as many as there are places."""
    answers: dict[str, str]
    """By handle: what they say as soon as they have joined."""
    there: tuple[str, ...]
    outcome: str | None
    report: str
    briefing: BriefingSaid | None = None


class TreatySaid(msgspec.Struct, frozen=True):
    """A treaty that both sides agreed to."""

    kind: str
    title: str
    text: str
    until_days: int
    accepted: str
    """How one knows that the other side agrees."""


class ContactSaid(msgspec.Struct, frozen=True):
    """Another organisation, and what was agreed with it."""

    title: str
    sid: str
    stance: str | None
    note: str
    treaties: tuple[TreatySaid, ...]


class OrganisationSaid(msgspec.Struct, frozen=True):
    """An organisation and everything that happens in it."""

    title: str
    sid: str
    description: str
    roles: tuple[RoleSaid, ...]
    people: tuple[Person, ...]
    recorded: tuple[Person, ...]
    removed: str | None
    fleets: tuple[FleetSaid, ...]
    readiness: dict[str, str]
    """By model."""
    loans: dict[str, str]
    """By model: who borrows one."""
    operations: tuple[OperationSaid, ...]
    contacts: tuple[ContactSaid, ...]


class Demo(msgspec.Struct, frozen=True):
    """All of it."""

    founder: Person
    organisations: tuple[OrganisationSaid, ...]


def load() -> Demo:
    """The demo's content."""
    return msgspec.json.decode(_data().joinpath("demo.json").read_bytes(), type=Demo)


def ship_list(handle: str) -> bytes:
    """The export that this person made of their hangar."""
    found: bytes = _data().joinpath("hangars", f"{handle}.json").read_bytes()
    return found


def _data() -> Any:
    return resources.files("scmanager.cli").joinpath("data")
