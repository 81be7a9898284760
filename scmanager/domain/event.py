"""The shape all events share: a frozen payload, a tag that never changes, and an envelope that says who and where.

The tag (`operation.planned/1`) is the wire contract; the class's name and place are not. A new meaning or field is
a new version of the tag, never a change of an old one.
"""

from collections.abc import Callable
from typing import Any, ClassVar, TypeVar, dataclass_transform

import msgspec

Id = bytes
"""16 random bytes: a member, an organisation, a ship, a fleet. Never derived from a name."""

Id32 = bytes
"""The first 32 bytes of an entry's id."""


class EventMeta(msgspec.StructMeta):
    """Takes `tag=` and enters the class in the catalogue of event types."""

    tag: str

    def __new__(
        mcls, name: str, bases: tuple[type, ...], namespace: dict[str, Any], *, tag: str = "", **options: Any
    ) -> Any:
        """Refuses a tag that another class has."""
        cls = super().__new__(mcls, name, bases, namespace, **options)
        if tag:
            if tag in CATALOGUE:
                raise TypeError(f"two classes claim the event type {tag}")
            cls.tag = tag
            CATALOGUE[tag] = cls
        return cls


CATALOGUE: dict[str, EventMeta] = {}
"""Every event type this release knows, by tag. Filled by the class statements themselves."""


@dataclass_transform(frozen_default=True)
class Event(
    msgspec.Struct, metaclass=EventMeta, frozen=True, forbid_unknown_fields=True, omit_defaults=True, gc=False
):
    """A fact. Its fields are the payload of part 0: ids, numbers, catalogue keys and short titles only.

    Like states and envelopes it is made of values, never in a circle: the garbage collector need not look at it.
    """

    tag: ClassVar[str] = ""


@dataclass_transform(frozen_default=True)
class Personal(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Words about a person, and all prose. Sealed in a part of its own under the subject's key, erasable.

    The fold never sees them: a state remembers the *entry* that holds them, a read model opens that entry's part.
    """


class About(msgspec.Struct, frozen=True):
    """An event together with the personal words it carries. What a decision yields when there are any."""

    event: Event
    subject: Id
    """The member whose key seals the words and whose erasure removes them."""
    personal: Personal


Decision = Event | About


@dataclass_transform(frozen_default=True)
class State(msgspec.Struct, frozen=True, gc=False):
    """What a thing is, as its events so far tell it."""


class Envelope(msgspec.Struct, frozen=True, gc=False):
    """Where an event came from. Signed, but for `entity`'s meaning, which the fold gives it."""

    entry: Id32
    log: Id32
    seq: int
    hlc: int
    """Microseconds: as its author dates it, but no earlier than the grant it acts by (ADR 19)."""
    by: Id32
    """The grant its author acted by."""
    member: Id
    """Whose grant that is: who speaks."""
    rank: int
    entity: Id
    saw: tuple[Id32, ...] = ()
    """The newest events of this entity that its author knew."""
    command: Id = b""
    """The command it is an outcome of."""
    rights: frozenset[str] = frozenset()
    """Of the grant its author acted by."""


S = TypeVar("S", bound=State)
Evolve = Callable[[S, Any, Envelope], S]
"""Total: never raises, whatever order a merge hands it."""

replace = msgspec.structs.replace
