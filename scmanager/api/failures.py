"""What the API says when it cannot do as asked: every error has a code, a hint, a family and the request's id.

Errors of this program speak for themselves. Anything else is a fault of ours: it is logged with the request's id, and
the client hears that id and nothing more; whoever counts faults hears of it too.
"""

import logging
from collections.abc import Callable
from typing import Any

from graphql import GraphQLError
from strawberry.extensions import MaskErrors

from scmanager.errors import FAMILIES, Conflict, Misconfigured, Refused, ScManagerError, Unavailable, Untrusted

log = logging.getLogger("scmanager.api")

Fault = Callable[[BaseException], None]
"""Hears of a fault of ours that a client is told nothing of. Never waits, never fails."""


class TokenWrong(Untrusted):
    """This request does not carry the node's token."""

    code = "token-wrong"
    hint = "Send `Authorization: Bearer TOKEN` (over a websocket also as `token` in connection_init)."


class HostForeign(Untrusted):
    """This node is not called {host}."""

    code = "host-foreign"
    hint = "Use 127.0.0.1 or localhost with the node's own port; other names may be somebody else's trick."


class OriginForeign(Untrusted):
    """Pages of {origin} may not talk to this node."""

    code = "origin-foreign"
    hint = "Open the page that the node itself serves, or use a program that is no browser."


class NoSuchPage(Refused):
    """There is nothing at {path}."""

    code = "no-such-page"
    hint = "The API has /graphql, /exchange/import, /exchange/export, /export, /backup, /health and /metrics."


class MethodNotOffered(Refused):
    """{method} is not offered at {path}."""

    code = "method-not-offered"
    hint = (
        "POST to /graphql (or GET, for queries), /exchange/import and /backup; "
        "GET /exchange/export, /export, /health and /metrics."
    )


class BodyTooLarge(Refused):
    """This request is larger than {bytes_max} bytes."""

    code = "body-too-large"
    hint = "Send less at a time: shorter queries, values in variables, several requests."


class MediaTypeUnknown(Refused):
    """Requests of type {type} are not understood."""

    code = "media-type-unknown"
    hint = "Send `Content-Type: application/json`; to /exchange/import `application/octet-stream`."


class RequestMalformed(Untrusted):
    """This is not a GraphQL request: {why}."""

    code = "request-malformed"
    hint = 'Send an object such as {"query": "{ node { version } }", "variables": {}}.'


class TooManyConnections(Unavailable):
    """This node already serves {connections_max} open connections."""

    code = "too-many-connections"
    hint = "Close one that is not needed, or wait a moment."


class QueryInvalid(Refused):
    """The query does not fit the schema."""

    code = "query-invalid"
    hint = "Compare it with docs/api.md or with the schema (introspection is on)."


class NotProjectedYet(Unavailable):
    """It is recorded (at {pos}), but the read models do not show it yet."""

    code = "not-projected-yet"
    hint = "Do not send it again under another command id. Read again in a moment."


STATUS: dict[str, int] = {
    TokenWrong.code: 401,
    HostForeign.code: 421,
    OriginForeign.code: 403,
    NoSuchPage.code: 404,
    MethodNotOffered.code: 405,
    BodyTooLarge.code: 413,
    MediaTypeUnknown.code: 415,
    TooManyConnections.code: 503,
}
"""HTTP status by code, where it is not the family's."""

_FAMILY_STATUS = {Refused: 400, Conflict: 409, Untrusted: 400, Unavailable: 503, Misconfigured: 500}
INTERNAL = "internal"


def family(error: ScManagerError) -> type[ScManagerError]:
    """The family it belongs to."""
    return next((each for each in FAMILIES if isinstance(error, each)), ScManagerError)


def status(error: ScManagerError) -> int:
    """The HTTP status that says it."""
    return STATUS.get(error.code, _FAMILY_STATUS.get(family(error), 500))


def extensions(error: ScManagerError, request_id: str) -> dict[str, Any]:
    """What a client can act on."""
    return {
        "code": error.code,
        "hint": error.hint,
        "family": family(error).__name__,
        "facts": error.facts,
        "requestId": request_id,
    }


def told(error: ScManagerError, request_id: str) -> dict[str, Any]:
    """An error outside of any GraphQL answer, in the same shape as inside."""
    return {"errors": [{"message": str(error), "extensions": extensions(error, request_id)}]}


def for_strangers(error: ScManagerError) -> ScManagerError:
    """The same error without its words: those are for the keeper of this machine, whose paths may stand in them."""
    bare = ScManagerError.__new__(type(error))
    ScManagerError.__init__(bare, **{name: fact for name, fact in error.facts.items() if not isinstance(fact, str)})
    return bare


def told_internal(request_id: str) -> dict[str, Any]:
    """A fault of ours, outside of any GraphQL answer."""
    return {"errors": [{"message": "Something went wrong inside.", "extensions": internal(request_id)}]}


def internal(request_id: str) -> dict[str, Any]:
    """What a client hears of a fault of ours."""
    return {
        "code": INTERNAL,
        "hint": "This is a fault of the program. Report it with the request's id; the diagnostics hold the rest.",
        "family": "ScManagerError",
        "facts": {},
        "requestId": request_id,
    }


def spoken(error: GraphQLError, request_id: str, fault: Fault) -> GraphQLError:
    """An error of the executor as the client may see it. `fault` hears of it if it is ours."""
    cause = error.original_error
    while isinstance(cause, GraphQLError) and cause.original_error is not None:
        cause = cause.original_error
    if isinstance(cause, ScManagerError):
        message, more = str(cause), extensions(cause, request_id)
    elif cause is None or (isinstance(cause, GraphQLError | ValueError) and error.path is None):
        message, more = error.message, extensions(QueryInvalid(), request_id)
    else:
        log.error("request %s failed", request_id, exc_info=cause)
        fault(cause or error)
        message, more = "Something went wrong inside.", internal(request_id)
    return GraphQLError(message, error.nodes, error.source, error.positions, error.path, None, more)


class SpokenErrors(MaskErrors):
    """Puts every error of an operation, and of each result of a subscription, into that shape."""

    def anonymise_error(self, error: GraphQLError) -> GraphQLError:
        """See `spoken`."""
        context = self.execution_context.context
        return spoken(error, context.request_id, context.backend.fault)
