"""The GraphQL types of forensics. Values are in words, as `scm audit` tells them; ids, hashes and notes are exact."""

import enum

import strawberry
from strawberry import ID

from scmanager.api.bindings import described
from scmanager.api.scalars import Moment, Whole
from scmanager.domain.epoch import EPOCHS
from scmanager.spaces.state_digest import KINDS

ThingKind: type[enum.Enum] = strawberry.enum(
    enum.Enum("ThingKind", {each.name.upper(): each.name for each in KINDS if each is not EPOCHS}),  # type: ignore[call-overload] # mypy takes it for a member
    description="What there are states of.",
)


@described
class NamedValue:
    """Something by its name, in words."""

    name: str
    value: str


@described
class PastThing:
    """A thing as it was."""

    kind: ThingKind  # type: ignore[valid-type] # made from the folds
    id: ID
    name: str
    brief: str = strawberry.field(description="What matters most of it, in one line.")
    fields: list[NamedValue] = strawberry.field(description="Every field that says something.")


@described
class SignedHead:
    """How far a log stood, and whether its own key signed that."""

    log: ID
    branch: int
    size: Whole
    head: str = strawberry.field(description="The last entry's id, 64 bytes.")
    root: str = strawberry.field(description="Over the first `size` entries, computed anew.")
    signed_size: Whole = strawberry.field(description="Of the note that covers them; 0: there is none.")
    holds: bool = strawberry.field(description="False: entries are not what was signed.")


@described
class LedgerThen:
    """What the author's ledger said. At most 200 updates, plugins and servers are listed, the newest entry first."""

    id: ID | None
    size: Whole
    newest_manifest: Whole | None = strawberry.field(description="The key manifest that held.")
    root_keys: list[str]
    release_keys: list[str]
    manifests: Whole = strawberry.field(description="Entered, whether they held or not; as are updates and plugins.")
    updates: Whole
    plugins: Whole
    counted: Whole
    anchors: Whole
    standing: list[NamedValue] = strawberry.field(description="Updates, plugins and servers, as they held then.")


@described
class PastState:
    """A space as of a point, folded from the entries that stood then and from nothing else."""

    space: ID
    kind: str
    called: str
    point: str = strawberry.field(description="now, position, time, entry or frontier.")
    said: str
    newest: Moment | None = strawberry.field(description="When the newest entry is dated.")
    entries: Whole
    valid: Whole
    void: Whole
    unknown: Whole = strawberry.field(description="Of a type that this release does not know.")
    held: Whole = strawberry.field(description="Dated far ahead of this clock, and not counted.")
    closed: Whole = strawberry.field(description="Closed for want of a key: the state lacks them.")
    forks: list[ID] = strawberry.field(description="Logs that had signed two histories.")
    frontier: ID
    digest: ID = strawberry.field(description="Of all of it: the same for who holds the same entries and keys.")
    fold_version: int
    heads: list[SignedHead]
    nodes: list[PastThing] = strawberry.field(description="A page of its things, by kind and id.")
    total_count: int = strawberry.field(description="Of the kinds that were asked for.")
    has_next_page: bool
    end_cursor: str | None = strawberry.field(description="What to give as `after` for the next page.")
    ledger: LedgerThen | None = strawberry.field(description="Of the author's ledger only.")


@described
class Changed:
    """What an event changed of a thing."""

    field: str
    before: str
    after: str
    of_list: bool = strawberry.field(description="Both are lists: told is what only one of them has.")


@described
class ExplainedStep:
    """An event, in fold order."""

    event: str = strawberry.field(description="Its id, 64 bytes.")
    type: str
    at: Moment | None = strawberry.field(description="When it counts as said.")
    dated: Moment | None = strawberry.field(description="As its author dates it.")
    counts: bool
    valid: bool
    reason: str | None
    because: ID | None = strawberry.field(description="The entry that made it void.")
    sentence: str
    member: ID | None = strawberry.field(description="Who said it.")
    by: str | None = strawberry.field(description="The member by name.")
    grant: ID | None = strawberry.field(description="The right it acts by.")
    role: str | None
    rank: int | None
    device: ID | None
    says: list[NamedValue]
    changed: list[Changed]
    saw: list[ID]
    log: ID = strawberry.field(description="Where it is proved.")
    branch: int
    index: Whole
    head_size: Whole = strawberry.field(description="Of the first signed head over it; 0: none is here.")
    origin: str
    log_key: str = strawberry.field(description="The log's public key, NAME+ID+KEY.")
    note: str = strawberry.field(description="That signed head, a C2SP note.")


@described
class Rival:
    """A value of several that were set at once."""

    event: ID
    member: ID | None
    by: str | None
    value: str


@described
class ExplainedContest:
    """What people set who did not know of each other."""

    field: str
    rivals: list[Rival]
    settled_in: ID | None
    settled_by: str | None
    outcome: str | None


@described
class Explanation:
    """How a value came to be."""

    kind: str
    id: ID | None
    name: str
    field: str | None
    value: str | None = strawberry.field(description="Of the field that was asked for.")
    nodes: list[ExplainedStep] = strawberry.field(description="A page of its events, in fold order.")
    total_count: int
    has_next_page: bool
    end_cursor: str | None = strawberry.field(description="What to give as `after` for the next page.")
    contests: list[ExplainedContest]


@described
class StateDigest:
    """A space as this node holds it now, not folded anew: what a replay is compared with."""

    space: ID
    pos: Whole = strawberry.field(description="Of the store, as of which it is.")
    frontier: ID
    digest: ID
    fold_version: int
    nodes: list[NamedValue] = strawberry.field(description="The digest of each thing of `kind`, by its id.")
    has_next_page: bool
    end_cursor: str | None = strawberry.field(description="What to give as `after` for the next page.")
