"""The API of a node that runs in the same data folder, found by its `node.json`.

The file says pid, port and token and is readable by its owner only. One that was left behind, because its node was
killed, is recognised by nobody answering at its port; then the folder is free and is opened directly.
"""

import contextlib
import enum
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec

from scmanager.adapters.private_files import read_private
from scmanager.errors import FAMILIES, Refused, ScManagerError, Unavailable

if TYPE_CHECKING:
    import ssl

    import httpx

FILE_NAME = "node.json"
TIMEOUT_S = 30.0
GREETING_TIMEOUT_S = 2.0
NUMBER_DIGITS_MAX = 16
"""Numbers have no more; ids have at least 32 digits."""
SEVERAL = frozenset(
    {
        "ships", "left", "still_shared_in", "slots", "operations", "would", "said", "changes", "also", "recorded",
        "unconfirmed", "withdrawn",
    }
)  # fmt: skip
"""What verbs answer as lists, also when it is one."""
OUTCOME = "commandId pos ids { name value }"


class NodeSilent(Unavailable):
    """The node at port {port} does not answer."""

    code = "node-silent"
    hint = "Look at its window, or stop it and repeat the command."


class QueryFailed(Refused):
    """The node could not read this request: {reason}"""

    code = "query-failed"
    hint = "Compare it with the schema: scm query '{ __schema { types { name } } }'."


class RunningNode(msgspec.Struct, frozen=True):
    """What `node.json` says."""

    pid: int
    port: Annotated[int, msgspec.Meta(gt=0, lt=65536)]
    token: str
    reports_to: str | None = None


def running_node(folder: Path) -> RunningNode | None:
    """The node that works in this folder and answers; None when there is none."""
    raw = read_private(folder / FILE_NAME)
    if raw is None:
        return None
    try:
        told = msgspec.json.decode(raw, type=RunningNode)
    except (msgspec.MsgspecError, ValueError):
        return None  # Half of a file is no node.
    return told if Client(told).answers() else None


class Client:
    """Sends one request at a time to a node on this machine."""

    def __init__(self, node: RunningNode) -> None:
        self._node = node
        self._base = f"http://127.0.0.1:{node.port}"

    @property
    def reports_to(self) -> str | None:
        """The server of the author's that the node sends to; None: it sends nothing."""
        return self._node.reports_to

    def answers(self) -> bool:
        """Whether a node of ours listens there and takes this token."""
        try:
            told = self._post("{ __typename }", {}, GREETING_TIMEOUT_S)
        except NodeSilent:
            return False
        return isinstance(told, dict) and "data" in told

    def query(
        self, text: str, variables: dict[str, Any] | None = None, timeout_s: float = TIMEOUT_S
    ) -> dict[str, Any]:
        """The answer's `data`. Raises what the node refused, NodeSilent, QueryFailed."""
        told = self._post(text, variables or {}, timeout_s)
        if errors := told.get("errors"):
            raise _error_of(errors[0])
        data: dict[str, Any] = told["data"]
        return data

    def do(self, verb: str, space: bytes, arguments: dict[str, Any], command_id: bytes | None) -> dict[str, Any]:
        """One verb as a mutation: `member.set-role` is `memberSetRole(space: ..., commandId: ..., ...)`.

        No space for what founds one.
        """
        name = field_name(verb)
        given = {camel(key): wire(value) for key, value in arguments.items() if value is not None}
        if space:
            given["space"] = space.hex()
        if command_id is not None:
            given["commandId"] = command_id.hex()
        types = self._types(name)
        given.setdefault("commandId", None)  # So that there is an argument in the brackets.
        missing = sorted(set(given) - set(types))
        if missing:
            raise QueryFailed(reason=f"{name} takes no {', '.join(missing)}")
        declared = ", ".join(f"${key}: {types[key]}" for key in given)
        passed = ", ".join(f"{key}: ${key}" for key in given)
        told = self.query(f"mutation({declared}) {{ {name}({passed}) {{ {OUTCOME} }} }}", given)
        return result_of(told[name]["ids"])

    def _types(self, mutation: str) -> dict[str, str]:
        """The arguments of a mutation and their types, as the node itself declares them."""
        kind = "name kind ofType { name kind ofType { name kind ofType { name kind ofType { name kind } } } }"
        text = f"{{ __schema {{ mutationType {{ fields {{ name args {{ name type {{ {kind} }} }} }} }} }} }}"
        fields = self.query(text)["__schema"]["mutationType"]["fields"]
        found = next((field for field in fields if field["name"] == mutation), None)
        if found is None:
            raise QueryFailed(reason=f"it offers no {mutation}")
        return {each["name"]: _spelled(each["type"]) for each in found["args"]}

    def _post(self, text: str, variables: dict[str, Any], timeout_s: float) -> Any:
        try:
            return self._send("POST", "/graphql", timeout_s, json={"query": text, "variables": variables}).json()
        except ValueError as error:
            raise NodeSilent(port=self._node.port) from error

    def send(self, method: str, path: str, timeout_s: float, **given: Any) -> bytes:
        """A request beside GraphQL; the answer's body. Raises what the node refused, NodeSilent."""
        answer = self._send(method, path, timeout_s, **given)
        if answer.is_success:
            body: bytes = answer.content
            return body
        raise self._refusal(answer)

    def _refusal(self, answer: "httpx.Response") -> ScManagerError:
        try:
            return _error_of(answer.json()["errors"][0])
        except (ValueError, LookupError, TypeError):
            return NodeSilent(port=self._node.port)

    @contextlib.contextmanager
    def download(
        self, method: str, path: str, timeout_s: float, **given: Any
    ) -> Iterator[tuple[int | None, Iterator[bytes]]]:
        """A large answer as it comes: its size if the node knows it, and its pieces. Raises as `send`.

        An answer that breaks off raises NodeSilent while its pieces are read.
        """
        import httpx

        allowed = {"Authorization": f"Bearer {self._node.token}", "Accept-Encoding": "identity"}
        with contextlib.ExitStack() as opened:
            try:
                answer = opened.enter_context(
                    httpx.stream(
                        method,
                        f"{self._base}{path}",
                        headers=allowed,
                        timeout=timeout_s,
                        trust_env=False,
                        verify=no_tls(),
                        **given,
                    )
                )
                if not answer.is_success:
                    answer.read()
            except httpx.HTTPError as error:
                raise NodeSilent(port=self._node.port) from error
            if not answer.is_success:
                raise self._refusal(answer)
            size = answer.headers.get("content-length")
            yield int(size) if size else None, self._pieces(answer)

    def _pieces(self, answer: "httpx.Response") -> Iterator[bytes]:
        import httpx

        try:
            yield from answer.iter_raw()
        except httpx.HTTPError as error:
            raise NodeSilent(port=self._node.port) from error

    def import_file(self, pieces: Iterator[bytes], size: int, timeout_s: float) -> dict[str, Any]:
        """Hand a space file to the node; what it brought."""
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        return msgspec.json.decode(
            self.send("POST", "/exchange/import", timeout_s, content=pieces, headers=headers), type=dict[str, Any]
        )

    def _send(self, method: str, path: str, timeout_s: float, headers: Any = None, **given: Any) -> "httpx.Response":
        import httpx  # A fifth of the start; most commands meet no running node.

        allowed = {"Authorization": f"Bearer {self._node.token}", "User-Agent": "scm"} | (headers or {})
        try:
            return httpx.request(
                method, f"{self._base}{path}", headers=allowed, timeout=timeout_s,
                trust_env=False,  # A proxy has no business on the loopback address.
                verify=no_tls(), **given,
            )  # fmt: skip
        except httpx.HTTPError as error:
            raise NodeSilent(port=self._node.port) from error


def no_tls() -> "ssl.SSLContext":
    """Trusts nobody: the node answers without TLS, and to read all the world's certificates takes 50 ms."""
    import ssl

    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)


def field_name(verb: str) -> str:
    """`member.set-role` as `memberSetRole`."""
    return camel(verb.replace(".", "_").replace("-", "_"))


def camel(name: str) -> str:
    """`role_id` as `roleId`."""
    first, *rest = name.split("_")
    return first + "".join(word.capitalize() for word in rest)


def wire(value: Any) -> Any:
    """A verb's argument as JSON: ids as hex, enums as GraphQL spells them."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, list | tuple):
        return [wire(each) for each in value]
    if isinstance(value, enum.Enum):
        return str(value.value).replace("-", "_").upper()
    if isinstance(value, msgspec.Struct):
        return {camel(name): wire(each) for name, each in msgspec.structs.asdict(value).items()}
    return value


def _spelled(kind: dict[str, Any]) -> str:
    if kind["kind"] == "NON_NULL":
        return f"{_spelled(kind['ofType'])}!"
    if kind["kind"] == "LIST":
        return f"[{_spelled(kind['ofType'])}]"
    return str(kind["name"])


def _error_of(told: dict[str, Any]) -> ScManagerError:
    """The node's own error again: family, code, sentence and hint."""
    extensions = told.get("extensions") or {}
    code, message = extensions.get("code"), str(told.get("message", ""))
    if not code:
        return QueryFailed(reason=message)
    family = next((each for each in FAMILIES if each.__name__ == extensions.get("family")), Refused)
    error = family()
    error.args = (message,)
    vars(error).update(code=code, hint=str(extensions.get("hint", "")), facts=extensions.get("facts") or {})
    return error


def result_of(ids: list[dict[str, str]]) -> dict[str, Any]:
    """What the verb answered, as the verb says it: the API tells each id and number by itself, as text."""
    found: dict[str, list[Any]] = {}
    for each in ids:
        value = each["value"]
        is_number = value.isdigit() and len(value) <= NUMBER_DIGITS_MAX
        found.setdefault(each["name"], []).append(int(value) if is_number else value)
    return {name: values if name in SEVERAL or len(values) > 1 else values[0] for name, values in found.items()}
