"""What this release knows: each kind of thing with its events, and the right that each type of event needs."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from scmanager.domain import (
    alarm,
    anchoring,
    audit_event,
    character,
    consent,
    contact,
    counting,
    document,
    fleet,
    governance,
    hangar_import,
    intake,
    ledger,
    machine,
    member,
    naming,
    operation,
    organisation,
    player,
    reading,
    registry,
    role,
    ship,
    squadron,
    statistics_published,
    treaty,
)
from scmanager.domain.epoch import EPOCHS
from scmanager.domain.event import CATALOGUE, EventMeta, State
from scmanager.domain.fold import Fold, by_tag
from scmanager.domain.rights import RIGHT_NEEDED


def _fold(name: str, empty: State, evolve: Callable[[Any, Any, Any], State], *more: EventMeta) -> Fold:
    """The kind of thing whose event types begin with its name; of governance only what is named here."""
    events = (kind for tag, kind in CATALOGUE.items() if tag.startswith(f"{name}.") and tag in RIGHT_NEEDED)
    return Fold(name, empty, evolve, (*events, *more))


ORGANISATIONS: Final = _fold("organisation", organisation.Organisation(), organisation.evolve)
ROLES: Final = _fold("role", role.Role(), role.evolve)
MEMBERS: Final = _fold("member", member.Member(), member.evolve, governance.Granted, governance.Removed)
SHIPS: Final = _fold("ship", ship.Ship(), ship.evolve)
IMPORTS: Final = _fold("import", hangar_import.Import(), hangar_import.evolve)
FLEETS: Final = _fold("fleet", fleet.Fleet(), fleet.evolve)
SQUADRONS: Final = _fold("squadron", squadron.Squadron(), squadron.evolve)
OPERATIONS: Final = _fold("operation", operation.Operation(), operation.evolve)
CONTACTS: Final = _fold("contact", contact.Contact(), contact.evolve)
TREATIES: Final = _fold("treaty", treaty.Treaty(), treaty.evolve)
CHARACTERS: Final = _fold("character", character.Character(), character.evolve)
DOCUMENTS: Final = _fold("document", document.Document(), document.evolve)
MACHINES: Final = _fold("machine", machine.Machine(), machine.evolve)
PLAYERS: Final = _fold("player", player.Player(), player.evolve)
INBOXES: Final = _fold("notification", reading.Inbox(), reading.evolve)
CONSENTS: Final = _fold("consent", consent.Consents(), consent.evolve)
AUDIT: Final = _fold("audit", audit_event.Series(), audit_event.evolve)
REGISTRY: Final = Fold(
    "registry", registry.Register(), registry.evolve,
    (ledger.KeysPublished, ledger.UpdateSigned, ledger.PluginSigned, counting.PluginCounted),
)  # fmt: skip

FOLDS: Final[Mapping[str, Fold]] = MappingProxyType(
    by_tag(
        (
            EPOCHS,
            ORGANISATIONS,
            ROLES,
            MEMBERS,
            SHIPS,
            IMPORTS,
            FLEETS,
            SQUADRONS,
            OPERATIONS,
            CONTACTS,
            TREATIES,
            CHARACTERS,
            PLAYERS,
            MACHINES,
            DOCUMENTS,
            INBOXES,
            CONSENTS,
            AUDIT,
            REGISTRY,
        )
    )
)
"""By event tag."""

# These fold to nothing: alarms are read in the trail of events, whom the ledger names and what it anchors in its log,
# and what was reported to the author stands in a log that is not loaded.
assert {alarm.ForkSeen.tag, intake.AuditTaken.tag, naming.ServerNamed.tag, anchoring.HeadsAnchored.tag} <= set(
    RIGHT_NEEDED
)
assert statistics_published.StatisticsPublished.tag in RIGHT_NEEDED

for _tag, _right in RIGHT_NEEDED.items():
    governance.register(_right, CATALOGUE[_tag])
