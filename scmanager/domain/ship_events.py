"""What can be said of a ship: the events, and the words that go along with one of them.

Whatever an owner says of his ship counts only from him (`ship.evolve`). The twin of the same event (`...For`) needs
the right `ship.manage`: for the organisation's ships, and for members somebody acts for.
"""

import enum
from typing import Final

import msgspec

from scmanager.domain.event import Event, Id, Personal
from scmanager.domain.payload import CatalogueKey, Entries, Entry, Id16, Seconds
from scmanager.domain.prose import prose_of
from scmanager.domain.words import Name


class OwnerKind(enum.StrEnum):
    MEMBER = "member"
    ORGANISATION = "organisation"


class Owner(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member or an organisation, by id."""

    kind: OwnerKind
    id: Id16

    @property
    def subject(self) -> Id:
        """Whose key seals the words about what is theirs: an organisation's id is its founder's too."""
        return prose_of(self.id) if self.kind is OwnerKind.ORGANISATION else self.id


class Source(enum.StrEnum):
    """How a ship came into the list."""

    TYPED = "typed"
    FILE = "file"
    WEB_PAGE = "web-page"
    GAME_LOG = "game-log"
    OLD_VERSION = "old-version"


class RemovalReason(enum.StrEnum):
    SOLD = "sold"
    MELTED = "melted"
    GIFTED = "gifted"
    WISHED = "wished"
    """No longer owned, but wanted: it stands on the wish list."""
    NOT_LISTED = "not-listed"
    """An import did not list it, and its owner said that it is gone."""
    IMPORT_UNDONE = "import-undone"
    MISTAKE = "mistake"


class Readiness(enum.StrEnum):
    READY = "ready"
    DAMAGED = "damaged"
    LOST = "lost"
    IN_CLAIM = "in-claim"


class Added(Event, tag="ship.added/1"):
    """One's own ship. May carry Details. `mark` finds the same ship in a later import.

    It is random, or keyed by a secret of the space; never a plain hash of what was imported, which can be guessed.
    """

    model: CatalogueKey
    source: Source = Source.TYPED
    mark: Id16 | None = None


class AddedFor(Event, tag="ship.added-for/1"):
    """A ship of the organisation, or of a member for whom somebody acts. May carry Details."""

    model: CatalogueKey
    owner: Owner
    source: Source = Source.TYPED
    mark: Id16 | None = None


class Shared(Event, tag="ship.shared/1"):
    """One's own ship, from the hangar in one's personal space: the entity is the ship's id there."""

    model: CatalogueKey


class ShareWithdrawn(Event, tag="ship.share-withdrawn/1"):
    pass


class Named(Event, tag="ship.named/1"):
    """Carries a Nickname."""


class NamedFor(Named, tag="ship.named-for/1"):
    pass


class Detailed(Event, tag="ship.detailed/1"):
    """Carries Details, all of them anew."""


class DetailedFor(Detailed, tag="ship.detailed-for/1"):
    pass


class WordsRestored(Event, tag="ship.words-restored/1"):
    """The words that these earlier entries of the ship hold stand again; None for none."""

    nickname: Entry | None = None
    details: Entry | None = None


class WordsRestoredFor(WordsRestored, tag="ship.words-restored-for/1"):
    pass


class Removed(Event, tag="ship.removed/1"):
    reason: RemovalReason


class RemovedFor(Removed, tag="ship.removed-for/1"):
    pass


class Restored(Event, tag="ship.restored/1"):
    pass


class RestoredFor(Restored, tag="ship.restored-for/1"):
    pass


class Transferred(Event, tag="ship.transferred/1"):
    owner: Owner
    over: Entries = ()


class TransferredFor(Transferred, tag="ship.transferred-for/1"):
    pass


class ReadinessChanged(Event, tag="ship.readiness-changed/1"):
    """`until` is when a claim is through, and 0 for every other readiness."""

    readiness: Readiness
    until: Seconds = 0


class ReadinessChangedFor(ReadinessChanged, tag="ship.readiness-changed-for/1"):
    pass


class Lent(Event, tag="ship.lent/1"):
    """`until` is the day agreed on, 0 for none; the loan lasts until the ship is returned."""

    borrower: Id16
    until: Seconds = 0


class LentFor(Lent, tag="ship.lent-for/1"):
    pass


class Returned(Event, tag="ship.returned/1"):
    """Ends the loan that began with this entry. Owner and borrower may both say it."""

    loan: Entry


class ReturnedFor(Returned, tag="ship.returned-for/1"):
    pass


class Assigned(Event, tag="ship.assigned/1"):
    fleet: Id16
    over: Entries = ()


class AssignedFor(Assigned, tag="ship.assigned-for/1"):
    pass


class Unassigned(Event, tag="ship.unassigned/1"):
    over: Entries = ()


class UnassignedFor(Unassigned, tag="ship.unassigned-for/1"):
    pass


ShipEvent = (
    Added
    | AddedFor
    | Shared
    | ShareWithdrawn
    | Named
    | Detailed
    | WordsRestored
    | Removed
    | Restored
    | Transferred
    | ReadinessChanged
    | Lent
    | Returned
    | Assigned
    | Unassigned
)

FOR: Final[dict[type[Event], type[Event]]] = {
    Named: NamedFor,
    Detailed: DetailedFor,
    WordsRestored: WordsRestoredFor,
    Removed: RemovedFor,
    Restored: RestoredFor,
    Transferred: TransferredFor,
    ReadinessChanged: ReadinessChangedFor,
    Lent: LentFor,
    Returned: ReturnedFor,
    Assigned: AssignedFor,
    Unassigned: UnassignedFor,
}
"""What an owner says, and the same said by one with the right `ship.manage`."""


class Nickname(Personal):
    """What an owner calls his ship. Sealed under his key (the organisation's, if it is hers)."""

    text: Name


class Details(Personal):
    """What a hangar tool said of one's ship, as it wrote it. None: it did not say. Sealed like a nickname."""

    name: str = ""
    """The model as written there."""
    serial: str | None = None
    pledge_id: str | None = None
    pledge_name: str | None = None
    pledge_date: str | None = None
    """`2018-06-10`."""
    insurance_months: int | None = None
    lti: bool | None = None
