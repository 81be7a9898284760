"""Documents made from the code, in docs: errors, verbs, events, audit-types. `python -m ops.documents` writes them.

tests/test_documents.py fails when a committed one differs. Nothing in them is written by hand.
"""

import ast
import enum
import importlib
import inspect
import pkgutil
import sys
import types
import typing
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NewType, get_args, get_origin

import msgspec
import typer

import scmanager
from ops import verb_facts
from scmanager.api import mutations
from scmanager.application.every_verb import VERBS, Verb
from scmanager.application.verbs import Parameter
from scmanager.cli.entry import build
from scmanager.domain.audit_types import KINDS, AuditType
from scmanager.domain.catalogue import FOLDS
from scmanager.domain.event import CATALOGUE, EventMeta
from scmanager.domain.governance import is_governance, needs
from scmanager.domain.upcasting import UPCASTERS
from scmanager.errors import FAMILIES, ScManagerError

DOCS = Path(__file__).parent.parent / "docs"
MADE = "Made by `python -m ops.documents`; do not edit.\n"
OPEN = "open"
AUDIT_TESTS = "tests/end_to_end/test_audit_events.py"


def everything() -> dict[str, str]:
    """File name -> its text."""
    for module in pkgutil.walk_packages(scmanager.__path__, "scmanager."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    return {"errors.md": errors(), "verbs.md": verbs(), "events.md": events(), "audit-types.md": audit_types()}


def cell(text: str) -> str:
    """Text inside a table."""
    return " ".join(text.split()).replace("|", "\\|")


def table(head: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """A table; empty cells stay empty."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join([*lines, *("| " + " | ".join(map(cell, row)) + " |" for row in rows)]) + "\n"


# Errors


def errors() -> str:
    """Every error, by family."""
    text = ["# Errors\n", MADE, "What stands in {braces} is a fact of the case. A code never changes its meaning.\n"]
    for family in FAMILIES:
        found = sorted(_below(family), key=lambda error: error.code)
        rows = [(f"`{error.code}`", _sentence(error), error.hint) for error in (family, *found)]
        text += [f"## {family.__name__}\n", f"{family.__doc__}\n", table(("code", "message", "what to do"), rows)]
    return "\n".join(text)


def _below(error: type[ScManagerError]) -> Iterator[type[ScManagerError]]:
    for each in error.__subclasses__():
        if each.__module__.startswith("scmanager."):
            yield each
        yield from _below(each)


def _sentence(error: type[ScManagerError]) -> str:
    return (error.__doc__ or "").partition("\n")[0].replace(":utc}", "}")


# Events


def events() -> str:
    """Every event type, by the kind of thing it is about."""
    tags = sorted(tag for tag, kind in CATALOGUE.items() if kind.__module__.startswith("scmanager."))
    text = [
        "# Events\n",
        MADE,
        "The tag is the contract: another meaning or field is a new version (docs/adr/0009-event-versions.md). "
        "A right in the third column must stand in the grant its author acts by; *anyone* may say what is his own. "
        "A field with `=` may be left out. Byte strings travel as base64.\n",
    ]
    for name in dict.fromkeys(tag.partition(".")[0].partition("/")[0] for tag in tags):
        mine = [tag for tag in tags if tag.partition(".")[0].partition("/")[0] == name]
        rows = [(f"`{tag}`", _fields(CATALOGUE[tag]), _right(tag), _fold(tag), _about(tag)) for tag in mine]
        text += [f"## {name}\n", table(("type", "fields", "right", "fold", "what it says"), rows)]
    return "\n".join(text)


def _fields(kind: EventMeta) -> str:
    hints = typing.get_type_hints(kind, include_extras=True)
    return ", ".join(
        f"`{field.name}`: {type_name(hints[field.name])}{_default(field)}"
        for field in msgspec.structs.fields(typing.cast("type[msgspec.Struct]", kind))
    )


def _default(field: Any) -> str:
    if field.required:
        return ""
    default = field.default if field.default is not msgspec.NODEFAULT else ()
    return f" = {_value(default)}"


def _right(tag: str) -> str:
    right = needs(tag)
    return f"`{right}`" if right else "anyone"


def _fold(tag: str) -> str:
    fold = FOLDS.get(tag)
    names = ("validity" if is_governance(tag) else "", fold.name if fold else "")
    return ", ".join(filter(None, names)) or "none"


def _about(tag: str) -> str:
    if tag in UPCASTERS:
        return f"Read as `{UPCASTERS[tag][0].tag}`."
    return _sentence(typing.cast("Any", CATALOGUE[tag])) if "__doc__" in vars(CATALOGUE[tag]) else ""


# Verbs


def verbs() -> str:
    """Every verb: what it takes, needs and records, and where each of its sides is shown to work."""
    sides = {name: _sides(verb) for name, verb in sorted(VERBS.items())}
    missing = [(name, [side for side, what in found.items() if what == OPEN]) for name, found in sides.items()]
    gaps = [f"- `{name}`: {', '.join(open_)}" for name, open_ in missing if open_]
    cells = sum(len(found) for found in sides.values())
    unfilled = sum(len(open_) for _, open_ in missing)
    text = ["# Verbs\n", MADE, f"{(inspect.getdoc(verb_facts) or '').partition(chr(10) * 2)[2]}\n"]
    for thing in dict.fromkeys(name.partition(".")[0] for name in sides):
        mine = [VERBS[name] for name in sides if name.partition(".")[0] == thing]
        text += [f"## {thing}\n", *(_verb(verb, sides[verb.name]) for verb in mine)]
    text += [f"## Open cells: {unfilled} of {cells}\n", *(gaps or ["None."])]
    return "\n".join(text) + "\n"


def _verb(verb: Verb, sides: dict[str, str]) -> str:
    tags = verb_facts.events_of(verb)
    rights = verb_facts.rights_of(tags)
    said = [
        f"### {verb.name}\n",
        f"{' '.join(verb.help.split())}\n",
        f"- takes: {', '.join(map(_parameter, verb.parameters)) or 'nothing'}",
        f"- in a space of kind: {', '.join(verb.kinds)}",
        f"- may record: {', '.join(f'`{tag}`' for tag in tags) or _nothing(verb)}",
        f"- rights: {'those of the verb it says' if verb.speaks else _rights(tags, rights)}",
        f"- undone: {' '.join(verb.undo.told.split())}",
        *(f"- {side}: {what}" for side, what in sides.items()),
    ]
    return "\n".join(said) + "\n"


def _nothing(verb: Verb) -> str:
    return "what the verb it says records" if verb.speaks else "nothing"


def _rights(tags: list[str], rights: list[str]) -> str:
    named = ", ".join(f"`{right}`" for right in rights)
    if not rights:
        return "none but a grant that stands"
    return f"{named}, or none for what is one's own" if any(needs(tag) is None for tag in tags) else named


def _parameter(parameter: Parameter) -> str:
    default = "" if parameter.required else f" = {_value(parameter.default)}"
    default = " (left out, it stays)" if parameter.kept else default
    return f"`{parameter.name}`: {type_name(parameter.type)}{default}"


def _sides(verb: Verb) -> dict[str, str]:
    return {
        "command": _command(verb.name) or OPEN,
        "GraphQL mutation": _mutation(verb.name) or OPEN,
        "refusal test": _test(verb_facts.refusal_test(verb)),
        "clash test": _test(verb_facts.clash_test(verb)),
    }


def _test(place: str | None) -> str:
    return f"`{place}`" if place else OPEN


def _command(verb: str) -> str | None:
    """The command line's way to say it: the group and act of the same names; by itself, where it is for any thing."""
    group, _, act = verb.partition(".")
    if not act:
        return f"`scm {verb}`" if verb in _command_line().commands else None
    acts: Any = getattr(_command_line().commands.get(group), "commands", {})
    return f"`scm {group} {act}`" if act in acts else None


@cache
def _command_line() -> Any:
    return typer.main.get_command(build())


def _mutation(verb: str) -> str | None:
    name = mutations.field_name(verb)
    return f"`{name}`" if name in _mutations() else None


@cache
def _mutations() -> frozenset[str]:
    made: Any = mutations.mutation_type()
    return frozenset(each.name for each in made.__strawberry_definition__.fields)


# Audit types


def audit_types() -> str:
    """Every type of audit event: who raises it, and the tests that see its real cause raise it."""
    rows = [
        (f"`{type_}`", kind.severity.value, kind.emitter, kind.trigger, _raised_by(type_))
        for type_, kind in KINDS.items()
    ]
    raised = sum(not kind.needs for kind in KINDS.values())
    text = [
        "# Audit types\n",
        MADE,
        "An audit event is noted in its owner's own space: `scm audit list`, `auditEvents` in GraphQL. How they are "
        "counted and why nobody can fill the disk with them: [adr/0016-audit-events.md](adr/0016-audit-events.md). "
        f"The last column names the test that raises the type by its real cause ({AUDIT_TESTS}), or says what the "
        "type waits for.\n",
        table(("type", "severity", "emitter", "trigger", "raised by"), rows),
        f"{raised} of {len(KINDS)} have a cause in this release.\n",
    ]
    return "\n".join(text)


def _raised_by(type_: AuditType) -> str:
    if needs := KINDS[type_].needs:
        return f"{OPEN}: needs {needs}"
    tree = ast.parse((DOCS.parent / AUDIT_TESTS).read_text(encoding="utf-8"))
    prefix = f"test_{type_.replace('-', '_')}_"
    found = [each.name for each in tree.body if isinstance(each, ast.FunctionDef) and each.name.startswith(prefix)]
    return ", ".join(f"`{name}`" for name in found) or OPEN


# Types, for people


def type_name(hint: Any) -> str:
    """A type as a reader of these pages wants it."""
    if isinstance(hint, NewType):
        return hint.__name__
    if get_origin(hint) in (typing.Union, types.UnionType):
        parts = [part for part in get_args(hint) if part is not msgspec.UnsetType]
        return " or ".join("nothing" if part is type(None) else type_name(part) for part in parts)
    if isinstance(hint, type) and issubclass(hint, enum.Enum):
        return "one of " + ", ".join(f"`{each.value}`" for each in hint)
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        inner = typing.get_type_hints(hint, include_extras=True)
        return (
            f"{hint.__name__} ({', '.join(f'{name}: {type_name(inner[name])}' for name in hint.__struct_fields__)})"
        )
    if get_origin(hint) is tuple:
        return f"list of {type_name(get_args(hint)[0])}"
    metas = [meta for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
    if metas:
        plain = type_name(get_args(hint)[0])
        return plain + _bounds(metas[0], plain.partition(" ")[0])
    return {bytes: "bytes", str: "text", int: "integer", bool: "yes or no"}.get(
        hint, getattr(hint, "__name__", "any")
    )


def _bounds(meta: msgspec.Meta, plain: str) -> str:
    least, most = meta.min_length, meta.max_length
    if meta.pattern:
        return f" like `{meta.pattern}`"
    if least is not None and least == most:
        return f" of {most}"
    if most is not None and plain == "list":
        return f", at most {most}"
    if most is not None:
        return f" of {least or 0} to {most}"
    top = meta.le if meta.le is not None else meta.lt
    return f" from {meta.ge}" + ("" if top is None or top >= 2**53 - 1 else f" to {top}")


def _value(value: Any) -> str:
    if isinstance(value, enum.Enum):
        return f"`{value.value}`"
    if value in (b"", "", ()):
        return "empty"
    return {None: "nothing", True: "yes", False: "no"}.get(value, str(value))


def main() -> int:
    """Write them."""
    for name, text in everything().items():
        (DOCS / name).write_text(text, encoding="utf-8", newline="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
