"""What a command answered, as people read it: things by name, and nothing that says nothing."""

import re
import shlex
from collections.abc import Mapping
from typing import Any

from scmanager.application.verbs import (
    CharacterId,
    ContactId,
    DeviceId,
    FleetId,
    MemberId,
    OperationId,
    RoleId,
    ShipId,
    SlotId,
    SquadId,
    SquadronId,
    TreatyId,
)
from scmanager.cli import names
from scmanager.cli.session import Place
from scmanager.spaces.space import Space

KINDS: dict[str, Any] = {
    "member": MemberId, "role": RoleId, "ship": ShipId, "ships": ShipId, "fleet": FleetId, "squadron": SquadronId,
    "operation": OperationId, "operations": OperationId, "slot": SlotId, "slots": SlotId, "squad": SquadId,
    "contact": ContactId, "peace_with": ContactId, "treaty": TreatyId, "treaties": TreatyId, "character": CharacterId,
    "device": DeviceId, "withdrawn": ShipId,
}  # fmt: skip
"""Of which kind the ids are that a result lists under a word."""
TELLING: dict[str, str] = {
    "ship": "{org} still sees it as it was. To tell it: scm ship share {id} --org {org}",
    "character": "{org} still sees it as it was. To tell it: scm character share {id} --org {org}",
    "import": "{org} still lists them. To tell it: scm hangar share --org {org}; to take one away there: "
    "scm ship withdraw SHIP --org {org}",
}
"""What is said where organisations see what is so no longer, by the word of the result that it is about."""
_ID = re.compile(r"\b(?:[0-9a-f]{32}){1,2}\b")


def told(place: Place, space: Space, result: Mapping[str, Any]) -> dict[str, Any]:
    """Without the space, which they named or have one of, and empty lists; an id after the name of what has it."""
    place.shelf.follow()
    within = bytes.fromhex(result["operation"]) if result.get("operation") else None
    shown: dict[str, Any] = {}
    for word, value in result.items():
        if word == "space" or value in ([], ()):
            continue
        if word == "still_shared_in":
            shown[word] = [names.org_as_typed(place, bytes.fromhex(each)) for each in value]
            continue
        kind = KINDS.get(word)
        shown[word] = value if kind is None else _named(_labels(kind, place, space, within), value)
    return shown or dict(result)


def elsewhere(place: Place, result: Mapping[str, Any]) -> list[str]:
    """Which organisations see something as it was, and how each is told. Nothing is told them by itself."""
    about = next((word for word in TELLING if word in result), "")
    told = []
    for each in result.get("still_shared_in", ()) if about else ():
        org = shlex.quote(names.org_as_typed(place, bytes.fromhex(each)))
        told.append(TELLING[about].format(org=org, id=result[about][:12]))
    return told


def in_names(place: Place, space: Space, sentences: list[str]) -> list[str]:
    """Sentences with ids in them, with names instead."""
    if not any(map(_ID.search, sentences)):
        return sentences
    place.shelf.follow()
    called: dict[str, str] = {}
    for kind in dict.fromkeys(KINDS.values()):
        called |= _labels(kind, place, space, None)
    return [_ID.sub(lambda found: called.get(found[0], found[0]), each) for each in sentences]


def _labels(kind: Any, place: Place, space: Space, within: bytes | None) -> dict[str, str]:
    candidates = (
        names.in_operations(kind, space, within) if kind in (SlotId, SquadId) else names.known(kind, place, space)
    )
    return {each.id.hex(): each.label for each in reversed(candidates) if each.name}


def _named(labels: Mapping[str, str], value: Any) -> Any:
    return [labels.get(each, each) for each in value] if isinstance(value, list) else labels.get(value, value)
