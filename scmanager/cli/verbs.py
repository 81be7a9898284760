"""Every verb of the VERBS table as a command: group = thing, command = act, arguments from the verb's parameters.

What a verb requires stands in order; what it does not is an option. A list is an option given several times. Ids may
be typed as names (`names`).
"""

import enum
import inspect
import time
import types
import typing
from collections.abc import Callable, Mapping
from typing import Annotated, Any

import msgspec
import typer

from scmanager.application.every_verb import VERBS, Verb
from scmanager.application.verbs import Parameter
from scmanager.cli import names, results
from scmanager.cli.asides import asides
from scmanager.cli.models import UnlistedFlag, read_model
from scmanager.cli.moments import read_moment, read_span
from scmanager.cli.option_help import help_of
from scmanager.cli.output import JsonFlag, ask, remark, say_result
from scmanager.cli.questions import ASKING, YesFlag, question
from scmanager.cli.session import Place, session_of
from scmanager.domain.catalogue import OPERATIONS
from scmanager.errors import Refused
from scmanager.spaces.space import Space

GROUPS: dict[str, str] = {
    "organisation": "Organisations: found, rename, describe, archive, affiliate. `org` for short.",
    "role": "Roles: templates of rank and rights.",
    "member": "Members: record, invite, admit, give roles, remove.",
    "device": "Your own devices: request, enrol, name, cut.",
    "hangar": "Your hangar: import lists, undo an import, share it.",
    "ship": "Ships: add, share, lend, readiness.",
    "fleet": "Fleets: form, rename, lead, disband.",
    "squadron": "Squadrons: form, enlist ships and members.",
    "operation": "Operations: plan, sign up, fly.",
    "contact": "Other organisations: record, stance, war and peace.",
    "treaty": "Treaties: propose, sign, accept, end.",
    "document": "Documents that several write: charter, briefing, report, treaty, sheet.",
    "notification": "Notifications: mark them as read. They are shown by: scm inbox.",
    "privacy": "What may be sent to the author: read it, consent, withdraw. Nothing is sent without consent.",
    "character": "Characters: make, describe, show to an organisation, withdraw.",
}
"""What a group's help says; groups that are not named here say their name."""

MOMENTS = frozenset({"until_s", "starts_s", "ends_s"})
"""Parameters that are moments, and may be typed as such."""
SPANS = frozenset({"before"})
"""Parameters that are seconds, and may be typed as spans of time."""
MODELS = frozenset({"model", "models"})
"""Parameters that are keys of the catalogue of ships, and may be typed as the ships' names."""

OrgOption = Annotated[
    str | None, typer.Option("--org", metavar="ORG", help="Tag, title or id; may be left out when there is one.")
]
CommandIdOption = Annotated[
    str | None,
    typer.Option("--command-id", metavar="HEX", help="32 hex digits of your own: sent twice, it is done once."),
]
PersonalFlag = Annotated[bool, typer.Option("--personal", help="In your own space instead of an organisation.")]


class CommandIdUnusable(Refused):
    """A command id has 32 hex digits, not {text}."""

    code = "command-id-unusable"
    hint = "Leave it out, or repeat the id of the first try."


def add_verbs(group: typer.Typer, thing: str, taken: Callable[[str], bool], act: str | None = None) -> None:
    """Enter the verbs of one thing into its group, or at most the one named `act`.

    `taken` tells which ones have a command of their own.
    """
    names = [name for name in VERBS if name.startswith(f"{thing}.")] if act is None else [f"{thing}.{act}"]
    for verb in (VERBS[name] for name in names if name in VERBS and not taken(name)):
        if all(_can_be_typed(each) for each in verb.parameters):
            group.command(verb.name.partition(".")[2])(command_for(verb))


def command_for(verb: Verb) -> Callable[..., None]:
    """A function whose signature is the verb's, for typer to read."""

    def run(context: typer.Context, **given: Any) -> None:
        with session_of(context).open() as place:
            space = space_for(place, verb, given.pop("org", None), personal=given.pop("personal", False))
            command_id, as_json = read_command_id(given.pop("command_id")), given.pop("as_json")
            now_s, arguments = int(time.time()), dict[str, Any]()
            for each in verb.parameters:
                if given[each.name] is not None:
                    clock = _clock(each, given, arguments, space, now_s)
                    arguments[each.name] = read_argument(each, given, place, space, verb.name, arguments, *clock)
            aside = asides(verb.name, place, space, arguments, now_s)
            if not (given.get("yes", True) or as_json) and (asked := question(verb.name, place, space, arguments)):
                ask(asked)
            result = place.do(verb.name, space.id, arguments, command_id)
            aside += results.elsewhere(place, result)
            shown = result if as_json else results.told(place, space, result)
        say_result(shown, as_json=as_json)
        for sentence in aside:
            remark(sentence)

    shown = [_shown(verb.name, each) for each in sorted(verb.parameters, key=lambda each: not _is_argument(each))]
    fixed: list[tuple[str, Any, Any]] = [("org", OrgOption, None)] if "org" in verb.kinds else []
    fixed += [("personal", PersonalFlag, False)] if set(verb.kinds) >= {"org", "personal"} else []
    fixed += [("unlisted", UnlistedFlag, False)] if any(each.name in MODELS for each in verb.parameters) else []
    fixed += [("yes", YesFlag, False)] if verb.name in ASKING else []
    fixed += [("command_id", CommandIdOption, None), ("as_json", JsonFlag, False)]
    shown += [_parameter(name, kind, default) for name, kind, default in fixed]
    run.__signature__ = inspect.Signature([_parameter("context", typer.Context), *shown])  # type: ignore[attr-defined] # read by inspect
    run.__annotations__ = {"context": typer.Context} | {each.name: each.annotation for each in shown}
    run.__doc__ = verb.help
    run.__name__ = verb.name.replace(".", "_").replace("-", "_")
    return run


def space_for(place: Place, verb: Verb, org: str | None, *, personal: bool) -> Space:
    """Where a verb is said: in the organisation, or in one's own space."""
    if personal or "org" not in verb.kinds:
        return place.shelf.space(place.personal_space())
    return names.organisation(place, org)


def read_command_id(text: str | None) -> bytes | None:
    """16 bytes from hex. Raises CommandIdUnusable."""
    if text is None:
        return None
    try:
        read = bytes.fromhex(text)
    except ValueError:
        read = b""
    if len(read) != 16:
        raise CommandIdUnusable(text=text)
    return read


def _clock(
    parameter: Parameter, given: Mapping[str, Any], read: Mapping[str, Any], space: Space, now_s: int
) -> tuple[int, str | None]:
    """From when a span counts (an end from its beginning), and in whose clock a day and a time are meant.

    If no zone is said, in that of the operation that it is about.
    """
    since_s = read["starts_s"] if parameter.name == "ends_s" and "starts_s" in read else now_s
    operation: Any = space.state(OPERATIONS, read["operation_id"]) if "operation_id" in read else None
    return since_s, given.get("zone") or (operation.window.zone if operation is not None and operation.id else None)


def read_argument(
    parameter: Parameter,
    typed: Mapping[str, Any],
    place: Place,
    space: Space,
    verb: str,
    before: Mapping[str, Any],
    now_s: int,
    zone: str | None = None,
) -> Any:
    """What was typed, as the verb takes it. Spans count from `now_s`; days and times are meant in `zone`, or UTC.

    `before`: the arguments that were read already; slots and squads are those of the operation among them.
    """
    kind, many = _plain(parameter.type)
    given = typed[parameter.name]
    if parameter.kept and given in ("", [""]):
        return () if many else 0 if kind is int else ""  # Taken away.
    if _is_moment(parameter):
        return read_moment(given, now_s, zone)
    if parameter.name in SPANS:
        return tuple(read_span(each) for each in given)
    if parameter.name in MODELS:
        read = tuple(read_model(each, unlisted=typed["unlisted"]) for each in (given if many else (given,)))
        return read if many else read[0]
    if kind not in names.NOUNS:
        return tuple(given) if many else given
    within = before.get("operation_id")
    if many:
        return tuple(names.resolve(kind, each, place, space, verb, within) for each in given)
    return names.resolve(kind, given, place, space, verb, within)


def _shown(verb: str, parameter: Parameter) -> inspect.Parameter:
    """A verb's parameter as typer reads it."""
    kind, many = _plain(parameter.type)
    typed = str if kind in names.NOUNS or _is_moment(parameter) or parameter.name in SPANS else kind
    label, told = option_name(parameter.name), help_of(verb, parameter.name)
    metavar = None if _is_choice(typed) or typed is bool else label.removesuffix("-s").upper()
    if _is_argument(parameter):
        return _parameter(parameter.name, Annotated[typed, typer.Argument(metavar=metavar, help=told)])
    option = typer.Option(*_flags(label, typed), metavar="WHEN" if _is_moment(parameter) else metavar, help=told)
    default = None if parameter.required or parameter.kept or _is_moment(parameter) else parameter.default
    if many:
        return _parameter(parameter.name, Annotated[list[typed], option], list(default or ()) or None)  # type: ignore[valid-type]
    annotation = typed if default is not None else typed | None
    return _parameter(parameter.name, Annotated[annotation, option], default)


def _is_moment(parameter: Parameter) -> bool:
    return parameter.name in MOMENTS


def _flags(label: str, typed: Any) -> tuple[str, ...]:
    if label.endswith("-s"):
        return f"--{label.removesuffix('-s')}", f"--{label}"
    return (f"--{label}/--no-{label}",) if typed is bool else (f"--{label}",)


def option_name(name: str) -> str:
    """`member_id` is `--member`, `until_s` is `--until-s`."""
    return name.removesuffix("_id").replace("_", "-")


def _is_argument(parameter: Parameter) -> bool:
    return parameter.required and not _plain(parameter.type)[1]


def _can_be_typed(parameter: Parameter) -> bool:
    """What a preview made (a structure) is not typed: such verbs have commands of their own."""
    kind, _ = _plain(parameter.type)
    return not (inspect.isclass(kind) and issubclass(kind, msgspec.Struct))


def _is_choice(kind: Any) -> bool:
    return inspect.isclass(kind) and issubclass(kind, enum.Enum)


def _plain(kind: Any) -> tuple[Any, bool]:
    """The type without what stands for nothing and without the tuple around it, and whether there was a tuple."""
    if typing.get_origin(kind) in (types.UnionType, typing.Union):
        kind = next(each for each in typing.get_args(kind) if each not in (types.NoneType, msgspec.UnsetType))
    if typing.get_origin(kind) in (tuple, list):
        return typing.get_args(kind)[0], True
    return kind, False


def _parameter(name: str, annotation: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=annotation, default=default)
