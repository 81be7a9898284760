"""Mutations: one for each verb, made from the table of verbs. `organisation.settle-name` is organisationSettleName.

A command answers once it is durable, and (unless `wait: false`) once the read models show it. The same command id
sent twice is one command.
"""

import asyncio
import inspect
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import msgspec
import strawberry
from strawberry import ID
from strawberry.tools import create_type
from strawberry.types import Info

from scmanager.api.arguments import Argument, argument
from scmanager.api.bindings import described
from scmanager.api.context import Context
from scmanager.api.failures import NotProjectedYet
from scmanager.api.scalars import IdMalformed, Whole, read_id
from scmanager.application import organisations
from scmanager.application.every_verb import VERBS
from scmanager.application.verbs import Verb
from scmanager.errors import Refused

PROJECTED_S = 10.0
NO_FIELD = "space"


class VerbElsewhere(Refused):
    """{verb} works in a space of another kind than {kind}."""

    code = "verb-elsewhere"
    hint = "List your spaces with their kinds: `{ node { spaces { id kind } } }`."


@described
class NamedId:
    """An id that a command brought about or touched."""

    name: str
    value: str


@described
class Outcome:
    """What a command led to."""

    command_id: ID
    space: ID
    pos: Whole = strawberry.field(description="The store's position that holds it.")
    ids: list[NamedId]
    organisation: ID | None
    member: ID | None
    ship: ID | None
    fleet: ID | None
    squadron: ID | None
    role: ID | None
    grant: ID | None
    operation: ID | None
    contact: ID | None
    treaty: ID | None
    character: ID | None


_TYPED = (
    "organisation", "member", "ship", "fleet", "squadron", "role", "grant", "operation", "contact", "treaty",
    "character",
)  # fmt: skip

Submit = Callable[[Context, bytes, bytes, Mapping[str, Any]], "Future[dict[str, Any]]"]


def field_name(verb: str) -> str:
    """`organisation.settle-name` as GraphQL names it."""
    first, *rest = re.split(r"[.\-_]", verb)
    return first + "".join(each.capitalize() for each in rest)


def mutation_type(more: Sequence[Any] = ()) -> type:
    """The type Mutation, from whatever verbs there are, and further fields."""
    fields = [_verb_field(verb) for _, verb in sorted(VERBS.items())]
    fields.append(_organisation_found())
    fields.append(_personal_found())
    fields += more
    return create_type("Mutation", fields, description="Everything a member can ask for.")


def _verb_field(verb: Verb) -> Any:
    arguments = {each.name: argument(each.name, each.type) for each in verb.parameters}
    defaults = {each.name: _default(each.default, arguments[each.name]) for each in verb.parameters}

    def submit(context: Context, space: bytes, command: bytes, given: Mapping[str, Any]) -> "Future[dict[str, Any]]":
        context.viewer.check(space)
        kind = context.backend.shelf.space(space).kind
        if kind not in verb.kinds:
            raise VerbElsewhere(verb=verb.name, kind=kind)
        return context.backend.do(verb.name, space, command, given)

    return _field(field_name(verb.name), verb.help, arguments, defaults, submit, takes_space=True)


def _organisation_found() -> Any:
    founding = Verb("organisation.found", organisations.found)
    arguments = {each.name: argument(each.name, each.type) for each in founding.parameters}
    defaults = {each.name: _default(each.default, arguments[each.name]) for each in founding.parameters}
    arguments["recovery_keys"], defaults["recovery_keys"] = argument("recovery_keys", int), 1

    def submit(context: Context, space: bytes, command: bytes, given: Mapping[str, Any]) -> "Future[dict[str, Any]]":
        del space  # It is about to be made.
        return context.backend.found_organisation(command, given)

    return _field("organisationFound", founding.help, arguments, defaults, submit, takes_space=False)


def _personal_found() -> Any:
    def submit(context: Context, space: bytes, command: bytes, given: Mapping[str, Any]) -> "Future[dict[str, Any]]":
        del space, given
        return context.backend.found_personal(command)

    return _field("personalFound", "Found your own space: hangar and devices.", {}, {}, submit, takes_space=False)


def _field(
    name: str,
    help: str,  # noqa: A002
    arguments: dict[str, Argument],
    defaults: dict[str, Any],
    submit: Submit,
    *,
    takes_space: bool,
) -> Any:
    async def resolve(info: Info[Context, None], **given: Any) -> Outcome:
        wait = given.pop("wait")
        space = read_id(given.pop("space"), "space") if takes_space else b""
        command = command_id_of(given.pop("command_id"))
        read = {key: arguments[key].read(value) for key, value in given.items()}
        return await _run(info.context, submit(info.context, space, command, read), command, wait)

    parameters = [_parameter("info", Info), *([_parameter("space", ID)] if takes_space else [])]
    parameters.append(_parameter("command_id", ID | None, None))
    parameters += [_parameter(key, each.type, defaults[key]) for key, each in arguments.items()]
    parameters.append(_parameter("wait", bool, True))
    resolve.__name__ = name
    resolve.__signature__ = inspect.Signature(parameters, return_annotation=Outcome)  # type: ignore[attr-defined] # read by inspect
    resolve.__annotations__ = {each.name: each.annotation for each in parameters} | {"return": Outcome}
    return strawberry.mutation(resolver=resolve, name=name, description=help)


async def _run(context: Context, future: "Future[dict[str, Any]]", command: bytes, wait: bool) -> Outcome:
    # Shielded: a client that hangs up must not cancel what the writer is deciding.
    result = await asyncio.shield(asyncio.wrap_future(future))
    return await shown(context, result, command, wait)


async def shown(context: Context, result: Mapping[str, Any], command: bytes, wait: bool) -> Outcome:
    """What a command led to, once the read models show it. Raises NotProjectedYet."""
    pos = context.backend.last_pos()
    if wait and context.backend.projected_pos() < pos:
        await _projected(context, pos)
    return _outcome(result, command, pos)


def _projected(context: Context, pos: int) -> Awaitable[None]:
    async def wait() -> None:
        loop = asyncio.get_running_loop()
        waiters, backend = context.services.waiters, context.backend
        if not await loop.run_in_executor(waiters, backend.wait_projected, pos, PROJECTED_S):
            raise NotProjectedYet(pos=pos)

    return wait()


def _outcome(result: Mapping[str, Any], command: bytes, pos: int) -> Outcome:
    ids = [NamedId(name=name, value=str(each)) for name, value in result.items() for each in _several(value)]
    typed = {name: result.get(name) for name in _TYPED}
    return Outcome(command_id=ID(command.hex()), space=result["space"], pos=Whole(pos), ids=ids, **typed)


def _several(value: Any) -> list[Any] | tuple[Any, ...]:
    return value if isinstance(value, list | tuple) else (value,)


def command_id_of(given: str | None) -> bytes:
    """A command's id as it was given, else a fresh one. Raises IdMalformed."""
    if given is None:
        return secrets.token_bytes(16)
    read = read_id(given, "commandId")
    if len(read) != 16:
        raise IdMalformed(argument="commandId")
    return read


def _default(value: Any, kind: Argument) -> Any:
    """A verb's default as GraphQL writes it; none is written where what was there before stays."""
    if value is msgspec.UNSET:
        return strawberry.UNSET
    if isinstance(kind.type, type) and hasattr(value, "value"):
        return kind.type(value.value)
    return value


def _parameter(name: str, kind: Any, default: Any = inspect.Parameter.empty) -> inspect.Parameter:
    return inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, annotation=kind, default=default)
