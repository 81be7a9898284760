"""What may stand in part 0 for ever (design, section 2): the fields of every event there is."""

import importlib
import pkgutil
import typing
from types import ModuleType
from typing import Any, get_args, get_origin

import msgspec
import pytest

import scmanager.domain
from scmanager.domain import (
    audit_event,
    character,
    contact,
    counting,
    fleet,
    intake,
    ledger,
    member,
    naming,
    operation_events,
    organisation,
    player,
    role,
    ship_events,
    squadron,
    statistics_published,
    treaty_events,
)
from scmanager.domain.document import DEPS_MAX
from scmanager.domain.event import CATALOGUE
from scmanager.domain.intake import STATES_MAX
from scmanager.domain.payload import INT_MAX, TITLE_LENGTH_MAX
from scmanager.domain.rights import RIGHT_NEEDED

for each in pkgutil.iter_modules(scmanager.domain.__path__):
    importlib.import_module(f"scmanager.domain.{each.name}")

TITLE = "a title: the few words of an organisation or fleet that cannot be erased"
KEY = "a key of a published catalogue"
ZONE = "the name of a time zone, as the IANA data base has it"
TASK = "the few words of a task in an operation, such as gunner; they name no person"

ALLOWED_STR: dict[tuple[str, str], str] = {
    ("organisation.founded/1", "title"): TITLE,
    ("organisation.founded/1", "sid"): "a short tag, capital letters and digits",
    ("organisation.renamed/1", "title"): TITLE,
    ("organisation.sid-set/1", "sid"): "a short tag, capital letters and digits",
    ("organisation.affiliated/1", "title"): TITLE,
    ("role.defined/1", "title"): TITLE,
    ("role.defined/1", "rights"): KEY,
    ("role.changed/1", "title"): TITLE,
    ("role.changed/1", "rights"): KEY,
    ("ship.added/1", "model"): KEY,
    ("ship.added-for/1", "model"): KEY,
    ("ship.shared/1", "model"): KEY,
    ("import.applied/1", "tool"): KEY,
    ("fleet.formed/1", "title"): TITLE,
    ("fleet.renamed/1", "title"): TITLE,
    ("squadron.formed/1", "title"): TITLE,
    ("squadron.renamed/1", "title"): TITLE,
    ("operation.planned/1", "title"): TITLE,
    ("operation.planned/1", "zone"): ZONE,
    ("operation.renamed/1", "title"): TITLE,
    ("operation.rescheduled/1", "zone"): ZONE,
    ("operation.squad-formed/1", "title"): TITLE,
    ("operation.crew-slot-added/1", "role"): TASK,
    ("operation.ship-slot-added/1", "title"): TASK,
    ("operation.ship-slot-added/1", "models"): KEY,
    ("operation.signed-up/1", "roles"): TASK,
    ("operation.signed-up-for/1", "roles"): TASK,
    ("member.granted/1", "rights"): KEY,
    ("contact.recorded/1", "title"): TITLE,
    ("contact.recorded/1", "sid"): "a short tag, capital letters and digits",
    ("contact.renamed/1", "title"): TITLE,
    ("contact.sid-set/1", "sid"): "a short tag, capital letters and digits",
    ("treaty.proposed/1", "title"): TITLE,
    ("audit.noted/1", "code"): "the stable code of an error of ours, or of an act",
    ("audit.noted/1", "version"): "the release that wrote it",
    ("audit.noted/1", "region"): "a country, if the owner named one for the node",
    ("report.audit-taken/1", "version"): "the release that noted it",
    ("report.audit-taken/1", "region"): "a country, if the reporter named one",
    ("report.health-anchored/1", "version"): "the release that runs there",
    ("report.bug-opened/1", "version"): "the release that failed",
    ("report.bug-opened/1", "error"): "a class of errors, out of the program's own source",
    ("report.bug-opened/1", "frames"): "modules and functions, out of the program's own source",
    ("report.error-counted/1", "version"): "the release that failed",
    ("report.error-counted/1", "error"): "a class of errors, out of the program's own source",
    ("report.error-counted/1", "frames"): "modules and functions, out of the program's own source",
    ("erased/1", "ground"): KEY,
    ("update.signed/1", "statement"): "versions, a hash and an address of a release",
    ("statistics.published/1", "tables"): "features of the program, versions of releases and countries",
    ("plugin.signed/1", "statement"): "what a developer publishes a plugin under, in titles and catalogue keys",
    ("plugin.counted/1", "plugin"): "the id of a registered plugin, in plain ASCII",
}
"""Every string that is no enum, and why it may be there. Each addition is a promise that it names no person."""


def bare(kind: Any) -> set[Any]:
    """The plain types a field's type is made of."""
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return {part for hint in hints(kind).values() for part in bare(hint)}
    if get_origin(kind) is None:
        return {kind}
    parts = get_args(kind)[:1] if hasattr(kind, "__metadata__") else get_args(kind)
    return {plain for part in parts for plain in bare(part)}


def hints(kind: type) -> dict[str, Any]:
    names = kind.__struct_fields__
    return {name: hint for name, hint in typing.get_type_hints(kind, include_extras=True).items() if name in names}


def fields() -> list[tuple[str, str, Any]]:
    return [(tag, name, hint) for tag, kind in CATALOGUE.items() for name, hint in hints(kind).items()]


def test_every_string_field_is_allowed_by_name_and_for_a_reason() -> None:
    strings = {(tag, name) for tag, name, hint in fields() if str in bare(hint)}
    assert strings == {(tag, name) for tag, name in ALLOWED_STR if tag in CATALOGUE}
    assert all(ALLOWED_STR.values())


def test_no_field_can_hold_a_float_a_map_or_just_anything() -> None:
    plain = {part for _, _, hint in fields() for part in bare(hint)}
    assert not plain & {float, dict, list, object, Any}


def flaws(schema: Any) -> list[str]:
    """What in a JSON schema has no bound."""
    if isinstance(schema, list):
        return [flaw for each in schema for flaw in flaws(each)]
    if not isinstance(schema, dict):
        return []
    own = []
    kind = schema.get("type")
    if kind == "integer" and not (schema.get("minimum", -1) >= 0 and schema.get("maximum", INT_MAX + 1) <= INT_MAX):
        own.append("an integer without bounds")
    if (
        kind == "array" and schema.get("maxItems", 65) > 64 and schema.get("maxItems") not in (DEPS_MAX, STATES_MAX)
    ):  # Of documents and of reports alone.
        own.append("a tuple without an end")
    if kind == "string" and not (
        {"enum", "pattern"} & set(schema) or schema.get("maxLength", 200) <= TITLE_LENGTH_MAX
    ):
        own.append("a string or bytes without an end")
    return own + [flaw for each in schema.values() for flaw in flaws(each)]


@pytest.mark.parametrize("tag", RIGHT_NEEDED)
def test_every_field_has_a_bound(tag: str) -> None:
    assert flaws(msgspec.json.schema(CATALOGUE[tag])) == []


@pytest.mark.parametrize(
    "thing",
    [
        organisation, role, member, ship_events, fleet, squadron, operation_events, contact, treaty_events, character,
        player, audit_event, ledger, intake, naming, statistics_published,
        counting,
    ],
)  # fmt: skip
def test_every_type_needs_a_right_or_is_open_to_anyone(thing: ModuleType) -> None:
    tags = {kind.tag for kind in vars(thing).values() if kind in CATALOGUE.values()}
    assert tags
    assert tags <= set(RIGHT_NEEDED) <= set(CATALOGUE)
