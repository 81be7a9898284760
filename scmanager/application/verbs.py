"""Verbs: everything a member can ask for, by name. The API and the command line offer exactly these.

A verb is a plain function `(desk, *, ...) -> Result`. Its parameters' types say how a front end reads them; its
docstring is its help. Front ends look a verb up here and call its function; nothing stands in between.

A verb that changes what is there declares what may be left out as `... | UnsetType | None = UNSET`: left out it stays
as it was, and None takes it away as nothing of its type does (see `keeping`).
"""

import inspect
from collections.abc import Callable
from typing import Any, NewType, TypeVar

import msgspec

F = TypeVar("F", bound=Callable[..., Any])

MemberId = NewType("MemberId", bytes)
ShipId = NewType("ShipId", bytes)
FleetId = NewType("FleetId", bytes)
SquadronId = NewType("SquadronId", bytes)
RoleId = NewType("RoleId", bytes)
ImportId = NewType("ImportId", bytes)
OperationId = NewType("OperationId", bytes)
SlotId = NewType("SlotId", bytes)
"""A crew slot's or a ship slot's."""
SquadId = NewType("SquadId", bytes)
OrganisationId = NewType("OrganisationId", bytes)
ContactId = NewType("ContactId", bytes)
TreatyId = NewType("TreatyId", bytes)
CharacterId = NewType("CharacterId", bytes)
NotificationId = NewType("NotificationId", bytes)
ThingId = NewType("ThingId", bytes)
"""Any thing's: a fleet's, an operation's, a member's."""
EntryId = NewType("EntryId", bytes)
DeviceId = NewType("DeviceId", bytes)
"""These two are 32 bytes, the others 16. Front ends show all of them as lower-case hex."""


class Parameter(msgspec.Struct, frozen=True):
    """One argument of a verb."""

    name: str
    type: Any
    default: Any = inspect.Parameter.empty

    @property
    def required(self) -> bool:
        """Whether the caller must give it."""
        return self.default is inspect.Parameter.empty

    @property
    def kept(self) -> bool:
        """Whether what was there before stays when the caller leaves it out."""
        return self.default is msgspec.UNSET


class Verb(msgspec.Struct, frozen=True):
    """Something a member can ask for."""

    name: str
    """`thing.act`, such as `organisation.rename`."""
    act: Callable[..., Any]
    kinds: tuple[str, ...] = ("org",)
    """The kinds of space it works in."""
    speaks: bool = False
    """Whether what it does is to say other verbs, with their events and their rights."""
    undo: Any = None
    """Its `inverses.Inverse`: every verb says how it is undone, or why it cannot be."""
    drafted: bool = False
    """Whether something takes long before it can be decided: its first argument is no desk then, see `drafting`."""

    @property
    def help(self) -> str:
        """What it does, for people."""
        return inspect.getdoc(self.act) or ""

    @property
    def parameters(self) -> tuple[Parameter, ...]:
        """Everything but the desk, or the drafting."""
        hints = inspect.get_annotations(self.act, eval_str=True)
        found = list(inspect.signature(self.act).parameters.values())[1:]
        return tuple(Parameter(each.name, hints[each.name], each.default) for each in found)


VERBS: dict[str, Verb] = {}
"""By name. Filled by the modules that define them; `application` imports them all."""


def verb(name: str, *kinds: str, speaks: bool = False, drafted: bool = False, undo: Any = None) -> Callable[[F], F]:
    """Offer a function under this name, in spaces of these kinds (an organisation's, if none is given)."""

    def enter(act: F) -> F:
        if name in VERBS:
            raise TypeError(f"two functions claim the verb {name}")
        VERBS[name] = Verb(name, act, kinds or ("org",), speaks, undo, drafted)
        return act

    return enter
