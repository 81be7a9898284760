"""GraphQL over HTTP: one operation by GET (queries only), one or a few by POST. Every answer is JSON, errors too."""

import contextlib
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import msgspec
from graphql import GraphQLError
from starlette.requests import Request
from starlette.responses import Response
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType

from scmanager.api import failures, limits
from scmanager.api.answering import answer_directly, operation_of
from scmanager.api.context import Context, Services
from scmanager.api.documents import check
from scmanager.api.guard import REQUEST_ID
from scmanager.api.schema import Served
from scmanager.api.usage import interface_of, tell
from scmanager.errors import Refused, ScManagerError

BATCH_MAX = 10


class BatchTooLarge(Refused):
    """A request may hold at most {limit} operations."""

    code = "batch-too-large"
    hint = "Send the others in further requests."


class Operation(msgspec.Struct, frozen=True, rename="camel"):
    """One operation, as GraphQL over HTTP writes it."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None
    extensions: dict[str, Any] | None = None


class Endpoint:
    """Answers HTTP requests to /graphql."""

    def __init__(self, served: Served, services: Services, *, direct: bool = True) -> None:
        self._usage = services.usage
        self._schema = served.schema
        self._services = services
        self._direct = direct

    async def answer(self, request: Request) -> Response:
        """By GET, HEAD or POST."""
        return await (self.post(request) if request.method == "POST" else self.get(request))

    async def get(self, request: Request) -> Response:
        """One query in the address."""
        asked = request.query_params
        if "query" not in asked:
            raise failures.RequestMalformed(why="there is no query")
        try:
            variables = msgspec.json.decode(asked.get("variables") or "{}", type=dict[str, Any] | None)
        except msgspec.MsgspecError as error:
            raise failures.RequestMalformed(why="the variables are not a JSON object") from error
        operation = Operation(asked["query"], variables, asked.get("operationName"))
        status, body = await self._run(operation, request, {OperationType.QUERY})
        return _json(status, body)

    async def post(self, request: Request) -> Response:
        """One operation, or a list of them, which together may cost what one may. Raises QueryTooCostly."""
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind != "application/json":
            raise failures.MediaTypeUnknown(type=kind[:100] or "none")
        body = await request.body()
        every = {OperationType.QUERY, OperationType.MUTATION}
        try:
            asked = msgspec.json.decode(body, type=Operation | list[Operation])
        except (msgspec.MsgspecError, RecursionError, ValueError) as error:
            raise failures.RequestMalformed(why=str(error)[:200]) from error
        if isinstance(asked, Operation):
            status, answer = await self._run(asked, request, every)
            return _json(status, answer)
        if not 0 < len(asked) <= BATCH_MAX:
            raise BatchTooLarge(limit=BATCH_MAX)
        limits.check_sum(sum(self._cost(each) for each in asked))
        answers = [(await self._run(each, request, every))[1] for each in asked]
        return _json(200, b"[" + b",".join(answers) + b"]")

    def _cost(self, asked: Operation) -> int:
        """What one of several would cost; nothing where it is refused in an answer of its own."""
        with contextlib.suppress(ScManagerError, GraphQLError):
            checked = check(self._schema._schema, asked.query)
            if not checked.errors:
                return limits.check_cost(checked.document, asked.variables or {}, self._schema._schema)
        return 0

    async def _run(self, asked: Operation, request: Request, allowed: set[OperationType]) -> tuple[int, bytes]:
        request_id, answered = request.scope[REQUEST_ID], partial(self._tell, asked, request, time.perf_counter())
        context = Context(self._services, request_id)
        try:
            answer = await self._directly(asked, context)
        except ScManagerError as error:
            return failures.status(error), msgspec.json.encode(failures.told(error, request_id))
        except GraphQLError as error:
            said = failures.spoken(error, request_id, self._services.backend.fault).formatted
            return 400, msgspec.json.encode({"errors": [said]})
        if answer is not None:
            answered()
            return 200, b'{"data":' + answer.encode() + b"}"
        return await self._by_executor(asked, context, allowed, answered)

    def _tell(self, asked: Operation, request: Request, began_s: float) -> None:
        usage = self._usage
        if usage is not None and usage.on:
            usage.answered(time.perf_counter() - began_s)
            given, came = asked.variables or {}, interface_of(request.headers.get("user-agent", ""))
            tell(usage, self._schema._schema, asked.query, asked.operation_name, given, came)

    async def _directly(self, asked: Operation, context: Context) -> str | None:
        schema = self._schema._schema
        checked = check(schema, asked.query)
        if checked.errors:
            return None
        operation_of(checked.document, asked.operation_name)
        if not self._direct:
            return None
        limits.check_cost(checked.document, asked.variables or {}, self._schema._schema)
        return await answer_directly(schema, checked.document, asked.operation_name, asked.variables or {}, context)

    async def _by_executor(
        self, asked: Operation, context: Context, allowed: set[OperationType], answered: Callable[[], None]
    ) -> tuple[int, bytes]:
        try:
            result = await self._schema.execute(
                asked.query, asked.variables, context, None, asked.operation_name, allowed
            )
        except (InvalidOperationTypeError, CannotGetOperationTypeError) as error:
            refused = failures.RequestMalformed(why=_which(error))
            return 400, msgspec.json.encode(failures.told(refused, context.request_id))
        except Exception as error:  # noqa: BLE001 - told, or masked and logged, by `spoken`
            told = GraphQLError(str(error), original_error=error)
            said = failures.spoken(told, context.request_id, context.backend.fault)
            return 400, msgspec.json.encode({"errors": [said.formatted]})
        answer: dict[str, Any] = {}
        if result.errors:
            answer["errors"] = [each.formatted for each in result.errors]
        else:
            answered()
        if isinstance(result, PreExecutionError):
            return 400, msgspec.json.encode(answer)
        return 200, msgspec.json.encode({"data": result.data} | answer)


def _which(error: Exception) -> str:
    if isinstance(error, InvalidOperationTypeError):
        return "queries come by GET or POST, mutations by POST, subscriptions over a websocket"
    return "name one of its operations in operationName"


def _json(status: int, body: bytes) -> Response:
    return Response(body, status, media_type="application/json")
