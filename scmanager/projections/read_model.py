"""A read model: tables whose rows are a function of one entity's state, its opened words, and grants that stand."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from scmanager.domain.clash import Contest
from scmanager.domain.event import Id, Id32, Personal, State
from scmanager.domain.fold import Fold
from scmanager.domain.notification import History
from scmanager.projections.copy_text import NULL, micros
from scmanager.spaces.documents import Documents, Place, Shown
from scmanager.spaces.opening import Opened, WordKeyOf
from scmanager.spaces.personal import Absence, open_part
from scmanager.spaces.reader import Reader

P = TypeVar("P", bound=Personal)

Row = tuple[str, str]
"""(table, line for COPY)"""


class Table(msgspec.Struct, frozen=True):
    """A table that holds the rows of entities of one kind."""

    name: str
    entity: str
    """The column with the entity's id; beside `space` it finds the entity's rows."""
    personal: tuple[str, ...] = ()
    """Columns that hold opened words."""


class Voice(msgspec.Struct, frozen=True):
    """What a member may do by all grants of his that stand."""

    rank: int
    role: Id
    rights: tuple[str, ...]
    devices: int


class Scene(msgspec.Struct, frozen=True):
    """One space at one moment, as far as a batch needs it: nothing in it changes any more."""

    space: Id32
    states: Mapping[str, Mapping[Id, State]]
    """By fold name: the states of the entities to project. Absent: the fold's empty state."""
    contests: Mapping[str, Mapping[Id, tuple[Contest, ...]]]
    """By fold name: what is and was contested of the entities to project, where anything is or was."""
    voices: Mapping[Id, Voice]
    words: Mapping[Id32, tuple[Opened, bytes, frozenset[Id]]]
    """The entries whose words or times are wanted, with their logs' keys and whom the words may be about."""
    erased: frozenset[bytes]
    reader: Reader | None = None
    """As whom this node looks at the space."""
    histories: Mapping[tuple[str, Id], History] = {}
    """By fold name and entity, for the read models that are made from them; none without a reader."""
    forks: Mapping[Id, int] = {}
    """Logs that signed two histories, by the first half of their ids, and when the second began (hlc)."""
    kind: str = "org"
    """The space's."""


class Look:
    """What a read model's rows are made from."""

    def __init__(
        self,
        scene: Scene,
        parts: Mapping[tuple[int, int], bytes],
        key_of: WordKeyOf,
        documents: Documents | None = None,
    ) -> None:
        self.scene = scene
        self.space, self.kind = scene.space, scene.kind
        self._parts, self._key_of, self._documents = parts, key_of, documents

    def state(self, fold: Fold, entity: Id) -> Any:
        """An entity's state."""
        return self.scene.states.get(fold.name, {}).get(entity, fold.empty)

    def contests(self, fold: Fold, entity: Id) -> tuple[Contest, ...]:
        """What is contested about an entity, then what was."""
        return self.scene.contests.get(fold.name, {}).get(entity, ())

    def voice(self, member: Id) -> Voice | None:
        """What a member may do; None if no grant of his stands."""
        return self.scene.voices.get(member)

    def moment(self, entry: Id32) -> str:
        """When an entry was written by its author's clock, as a timestamp for COPY."""
        held = self.scene.words.get(entry)
        return micros(held[0].entry.hlc) if held else NULL

    def document(self, place: Place) -> Shown:
        """What a document says now. Raises ScribeAway. Where nobody reads documents, none is here."""
        return self._documents.show(place) if self._documents else Shown(absence=Absence.NOT_HERE)

    def words(self, entry: Id32, kind: type[P]) -> P | Absence:
        """The personal words that an entry carries in part 1."""
        if not entry:
            return Absence.NONE
        held = self.scene.words.get(entry)
        if held is None:
            return Absence.NOT_HERE
        opened, public, about = held
        stored = self._parts.get((opened.pos, 1))
        return open_part(opened.entry, 1, kind, stored, public, self._key_of, about, self.scene.erased)


class ReadModel(msgspec.Struct, frozen=True):
    """One read model. `rows` gives the lines of one entity; it may raise, then that entity is reported."""

    name: str
    """Also the name of its SQL file."""
    tables: tuple[Table, ...]
    folds: tuple[Fold, ...]
    rows: Callable[[Look, Id], Iterator[Row]]
    words: Callable[[State], Iterable[Id32]] = lambda _: ()
    """The entries whose words or times a state shows."""
    voices: bool = False
    """Whether rows depend on grants."""
    contests: bool = False
    """Whether rows tell of contests: of things alone that two wrote of without knowing of each other."""
    history: bool = False
    """Whether rows are made from what happened to a thing, its contests too, not only from what it is."""


def spoken(words: Personal | Absence) -> str:
    """Why the words are there or not, as the `..._words` columns say it."""
    return words.value if isinstance(words, Absence) else "open"
