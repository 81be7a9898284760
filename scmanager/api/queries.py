"""Queries: the roots. Lists and things of the read models are bound like any other field; the rest asks the node."""

from datetime import UTC, datetime

import strawberry
from strawberry import ID
from strawberry.types import Info

from scmanager import __version__
from scmanager.api import audit_events as audit_models
from scmanager.api import characters as character_models
from scmanager.api import (
    contests,
    diplomacy,
    document_models,
    exchange,
    forensic_models,
    forensics,
    hangar,
    models,
    registry,
)
from scmanager.api import notifications as noted
from scmanager.api import privacy as private
from scmanager.api import search as searching
from scmanager.api.bindings import described, many, one
from scmanager.api.context import Context
from scmanager.api.fielding import Fielding, fielding_of
from scmanager.api.filters import (
    AuditFilter,
    AuditSort,
    FleetFilter,
    FleetSort,
    MemberFilter,
    MemberSort,
    OrganisationFilter,
    OrganisationSort,
    RoleFilter,
    RoleSort,
    ShipFilter,
    ShipSort,
)
from scmanager.api.models import Connection
from scmanager.api.operation_filters import OperationFilter, OperationSort
from scmanager.api.operation_models import Operation
from scmanager.api.scalars import Moment, Whole, read_id
from scmanager.errors import Refused
from scmanager.spaces.opening import Opened
from scmanager.spaces.space import Space

_IN_SPACE = {"space": (ID, "{c}.space = {v}")}
_PERHAPS_IN_SPACE = {"space": (ID | None, "{c}.space = {v}")}
_BY_ID = _IN_SPACE | {"id": (ID, "{c}.id = {v}")}
_ALL = ""


class EntryUnknown(Refused):
    """There is no entry {entry} in a space that you are in."""

    code = "entry-unknown"
    hint = "Take the id of an entry from the audit trail."


@described
class SpaceInfo:
    """A space on this node that its owner is in."""

    id: ID
    kind: str = strawberry.field(description="org, personal or author.")
    held: int = strawberry.field(description="Entries that wait for this machine's clock.")
    closed: int = strawberry.field(description="Entries whose key is not here.")
    needs_update: bool = strawberry.field(description="Its rules are newer than this release: reading only.")


@described
class NodeInfo:
    """This installation."""

    version: str
    pos: Whole = strawberry.field(description="The newest position in the store.")
    projected_pos: Whole = strawberry.field(description="How far the read models are.")
    spaces: list[SpaceInfo]


@described
class Why:
    """Why an entry counts, or why it does not."""

    entry: ID
    space: ID
    log: ID
    seq: Whole
    at: Moment
    type: str | None
    entity: ID | None
    command: ID | None
    grant: ID | None = strawberry.field(description="The grant it acts by.")
    member: ID | None = strawberry.field(description="Whose grant that is.")
    rank: int | None
    saw: list[ID] = strawberry.field(description="What its author knew of the same thing: its causes.")
    valid: bool
    reason: str | None
    cause: ID | None


def _node(info: Info[Context, None]) -> NodeInfo:
    """This installation, and the spaces its owner is in."""
    backend, viewer = info.context.backend, info.context.viewer
    with backend.shelf.lock:
        spaces = [_space_info(each) for each in backend.shelf.spaces() if viewer.sees(each.id)]
    return NodeInfo(
        version=__version__,
        pos=Whole(backend.last_pos()),
        projected_pos=Whole(backend.projected_pos()),
        spaces=spaces,
    )


def _space_info(space: Space) -> SpaceInfo:
    held, closed = space.waiting
    return SpaceInfo(
        id=ID(space.id.hex()), kind=space.kind, held=held, closed=closed, needs_update=space.needs_update
    )


def _why(info: Info[Context, None], entry: ID) -> Why:
    """Explain one entry: who wrote it, by which grant, knowing what, and whether it counts."""
    id32, viewer = read_id(entry, "entry"), info.context.viewer
    shelf = info.context.backend.shelf
    with shelf.lock:
        for space in shelf.spaces():
            opened = space.opened(id32) if viewer.sees(space.id) else None
            if opened is not None:
                return _explained(space, opened)
    raise EntryUnknown(entry=entry)


def _explained(space: Space, opened: Opened) -> Why:
    one, shared = opened.entry, opened.shared
    verdict = space.verdict(one.id32)
    grant = space.grant(shared.by) if shared else None
    at = datetime.fromtimestamp(one.hlc // 1_000_000, UTC).replace(microsecond=one.hlc % 1_000_000)
    return Why(
        entry=ID(one.id32.hex()), space=ID(space.id.hex()), log=ID(one.log.hex()), seq=Whole(one.seq),
        at=Moment(at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")),
        type=shared.type if shared else None,
        entity=_hex(shared.entity if shared else b""), command=_hex(shared.command if shared else b""),
        grant=_hex(shared.by if shared else b""), member=_hex(grant.member if grant else b""),
        rank=grant.rank if grant else None,
        saw=[ID(each.hex()) for each in shared.saw] if shared else [],
        valid=verdict.valid, reason=str(verdict.reason) if verdict.reason else None, cause=_hex(verdict.cause or b""),
    )  # fmt: skip


def _hex(raw: bytes) -> ID | None:
    return ID(raw.hex()) if raw else None


@described
class Query:
    """What can be read. Everything is limited to the spaces that this node's owner is in."""

    node: NodeInfo = strawberry.field(resolver=_node)
    why: Why = strawberry.field(resolver=_why)
    as_of: forensic_models.PastState = strawberry.field(resolver=forensics.as_of)
    explain: forensic_models.Explanation = strawberry.field(resolver=forensics.explain)
    state_digest: forensic_models.StateDigest = strawberry.field(resolver=forensics.state_digest)
    forks: list[exchange.Fork] = strawberry.field(resolver=exchange.forks)
    pending: exchange.Pending = strawberry.field(resolver=exchange.pending)
    invitation: exchange.ExchangeFile = strawberry.field(resolver=exchange.invitation)
    consents: list[private.Consent] = strawberry.field(resolver=private.consents)
    organisations: Connection[models.Organisation] = many(
        _ALL, filter=OrganisationFilter, sort=OrganisationSort, next_step=models.NO_ORGANISATIONS
    )
    organisation: models.Organisation | None = one(
        _ALL, "By its own id or its space's.", given={"id": (ID, "({c}.id = {v} or {c}.space = {v})")}
    )
    members: Connection[models.Member] = many(
        _ALL, filter=MemberFilter, sort=MemberSort, next_step=models.NO_MEMBERS, given=_PERHAPS_IN_SPACE
    )
    member: models.Member | None = one(_ALL, given=_BY_ID)
    ships: Connection[models.Ship] = many(
        _ALL, filter=ShipFilter, sort=ShipSort, next_step=models.NO_SHIPS, given=_PERHAPS_IN_SPACE,
        description="The hangar: of one space, or of all.",
    )  # fmt: skip
    ship: models.Ship | None = one(_ALL, given=_BY_ID)
    hangar_imports: Connection[hangar.HangarImport] = many(
        _ALL, filter=hangar.ImportFilter, sort=hangar.ImportSort, next_step=hangar.NO_IMPORTS,
        given=_PERHAPS_IN_SPACE, description="Lists of ships that were taken in, the oldest first.",
    )  # fmt: skip
    hangar_import: hangar.HangarImport | None = one(_ALL, given=_BY_ID)
    fleets: Connection[models.Fleet] = many(
        _ALL, filter=FleetFilter, sort=FleetSort, next_step=models.NO_FLEETS, given=_PERHAPS_IN_SPACE
    )
    fleet: models.Fleet | None = one(_ALL, given=_BY_ID)
    squadrons: Connection[models.Squadron] = many(
        _ALL, filter=FleetFilter, sort=FleetSort, next_step=models.NO_SQUADRONS, given=_PERHAPS_IN_SPACE
    )
    squadron: models.Squadron | None = one(_ALL, given=_BY_ID)
    roles: Connection[models.Role] = many(
        _ALL, filter=RoleFilter, sort=RoleSort, next_step=models.NO_ROLES, given=_PERHAPS_IN_SPACE
    )
    role: models.Role | None = one(_ALL, given=_BY_ID)
    operations: Connection[Operation] = many(
        _ALL, filter=OperationFilter, sort=OperationSort, next_step=models.NO_OPERATIONS, given=_PERHAPS_IN_SPACE
    )
    operation: Operation | None = one(_ALL, given=_BY_ID)
    fielding: Fielding = strawberry.field(resolver=fielding_of)
    contacts: Connection[diplomacy.Contact] = many(
        _ALL, filter=diplomacy.ContactFilter, sort=diplomacy.ContactSort, next_step=diplomacy.NO_CONTACTS,
        given=_PERHAPS_IN_SPACE, description="Other organisations, as yours know them.",
    )  # fmt: skip
    contact: diplomacy.Contact | None = one(_ALL, given=_BY_ID)
    treaties: Connection[diplomacy.Treaty] = many(
        _ALL, filter=diplomacy.TreatyFilter, sort=diplomacy.TreatySort, next_step=diplomacy.NO_TREATIES,
        given=_PERHAPS_IN_SPACE,
    )  # fmt: skip
    treaty: diplomacy.Treaty | None = one(_ALL, given=_BY_ID)
    characters: Connection[character_models.Character] = many(
        _ALL, filter=character_models.CharacterFilter, sort=character_models.CharacterSort,
        next_step=character_models.NO_CHARACTERS, given=_PERHAPS_IN_SPACE,
        description="Of one space, your personal one too, or of all.",
    )  # fmt: skip
    character: character_models.Character | None = one(
        _ALL, given=_BY_ID | {"player": (ID | None, "{c}.player = {v}")},
        description="Two members may show one under an id: `player` says whose is meant, `others` who else does.",
    )  # fmt: skip
    documents: Connection[document_models.Document] = many(
        _ALL, filter=document_models.DocumentFilter, sort=document_models.DocumentSort,
        next_step=document_models.NO_DOCUMENTS, given=_PERHAPS_IN_SPACE,
        description="Texts that several write: of one space, or of all.",
    )  # fmt: skip
    document: document_models.Document | None = one(_ALL, given=_IN_SPACE | document_models.OF_THING)
    document_history: list[document_models.DocumentChange] = strawberry.field(resolver=document_models.history)
    document_as_of: document_models.DocumentText = strawberry.field(resolver=document_models.as_of)
    document_diff: list[document_models.DocumentHunk] = strawberry.field(resolver=document_models.difference)
    audit_events: Connection[audit_models.AuditEvent] = many(
        _ALL, filter=audit_models.AuditEventFilter, sort=audit_models.AuditEventSort,
        next_step=audit_models.NO_AUDIT_EVENTS, given=_PERHAPS_IN_SPACE,
        description="What this node noticed that matters for security or operation, in its owner's own space.",
    )  # fmt: skip
    contested: Connection[contests.Contest] = many(
        "{c}.settled_in is null", filter=contests.ContestFilter, sort=contests.ContestSort,
        next_step=contests.NO_CONTESTS, given=_PERHAPS_IN_SPACE,
        description="What several set at once and nobody decided yet: of one space, or of all.",
    )  # fmt: skip
    settled: Connection[contests.Contest] = many(
        "{c}.settled_in is not null", filter=contests.ContestFilter, sort=contests.ContestSort,
        next_step=contests.NO_SETTLED, given=_PERHAPS_IN_SPACE,
        description="What was contested, with the values that lost; the last 64 of each thing.",
    )  # fmt: skip
    notifications: Connection[noted.Notification] = many(
        noted.SHOWN, filter=noted.NotificationFilter, sort=noted.NotificationSort,
        next_step=noted.NO_NOTIFICATIONS, given=_PERHAPS_IN_SPACE,
        description="What you should know; ask with `descending: true` for the newest first.",
    )  # fmt: skip
    search: Connection[searching.Found] = many(
        _ALL, filter=searching.SearchFilter, sort=searching.SearchSort, next_step=searching.NO_MATCHES,
        given=searching.GIVEN, source=searching.found,
        description="Whatever has this text in its name, exact matches first, then beginnings; last the documents.",
    )  # fmt: skip
    updates: Connection[registry.Update] = many(
        _ALL, filter=registry.UpdateFilter, sort=registry.UpdateSort, next_step=registry.NO_UPDATES,
        given=registry.IN_CHANNEL, source=registry.updates,
        description="What the author released: by channel, the newest version first.",
    )  # fmt: skip
    update: registry.Update | None = one(
        registry.SETTLED, "On the most settled channel that has it.", given=registry.OF_VERSION
    )
    plugins: Connection[registry.Plugin] = many(
        _ALL, filter=registry.PluginFilter, sort=registry.PluginSort, next_step=registry.NO_PLUGINS,
        given=registry.OF_PLUGINS, source=registry.plugins,
        description="The marketplace, as the author's ledger registers it.",
    )  # fmt: skip
    plugin: registry.Plugin | None = one(_ALL, given=registry.OF_PLUGIN, source=registry.plugins)
    audit: Connection[models.AuditEntry] = many(
        _ALL, filter=AuditFilter, sort=AuditSort, next_step=models.NO_ENTRIES, given=_IN_SPACE,
        description="The audit trail of a space, void entries too.",
    )  # fmt: skip
