"""The registry over HTTP: a version and whether it is the author's, updates by channel, plugins with their history.

What is said here a reader can check: each row names where it stands (log, index, event id), and proofs are made
beside it. Whoever runs an update goes by its proof and his own policy, never by `is_valid`.
"""

import asyncio
from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, TypeVar

import msgspec
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from scmanager.api.ledger_door import ASK_ANEW, JSON, answer
from scmanager.application.published import Published
from scmanager.application.published_registry import PublishedRegistry
from scmanager.domain.counting import PluginCounted, rating_tenths
from scmanager.domain.ledger import AuditStatus, Category, Channel, Plugin, Signed, Update
from scmanager.errors import Refused, Unavailable
from scmanager.master_ledger.content_hash import sha256_of
from scmanager.master_ledger.fetching import Read
from scmanager.master_ledger.handshake import Delegation
from scmanager.master_ledger.registry import Registered

FOLLOW_S: Final = 5.0
"""As long a reader waits for what is new to be read; it is read on without him."""
FIRST_MAX, FIRST = 100, 50
TEXT_MAX: Final = 120

T = TypeVar("T")


class LedgerWordUnknown(Refused):
    """{what} cannot be {said}; there is {known}."""

    code = "ledger-word-unknown"
    hint = "Give one of these, or leave it out."


class LedgerCursorUnknown(Refused):
    """There is nothing called {after} in this list to go on after."""

    code = "ledger-cursor-unknown"
    hint = "Begin again without `after`, and give the `next` of the page before."


class LedgerStillRead(Unavailable):
    """What is new in the ledger is still being read here."""

    code = "ledger-still-read"
    hint = "Ask again in a moment; files and proofs of places are there meanwhile."


class Signature(msgspec.Struct, frozen=True):
    """A key's signature under a statement: hexadecimal, and base64 of 64 bytes."""

    key: str
    signature: str


class UpdateRow(msgspec.Struct, frozen=True):
    """An update (SPEC A3), and where it stands in the ledger."""

    version: str
    channel: Channel
    update_type: str
    content_hash: str
    size_bytes: int
    min_supported_version: str
    signed_at: int
    changelog_url: str
    signatures: tuple[Signature, ...]
    log: str
    index: int
    event_id: str


class Updates(msgspec.Struct, frozen=True):
    """A page of updates: by channel, the newest first."""

    ledger: str
    nodes: tuple[UpdateRow, ...]
    next: str | None


class Reason(msgspec.Struct, frozen=True):
    """What is wrong, and what to do."""

    code: str
    message: str
    hint: str


class Verification(msgspec.Struct, frozen=True):
    """Whether a version is the author's (SPEC A6), but for what each installation asks for itself."""

    version: str
    content_hash: str
    signature: str
    is_valid: bool
    proof: str
    """C2SP tlog-proof: what `scm verify update` takes."""
    reasons: tuple[Reason, ...]
    channel: Channel
    ledger: str


class PluginRow(msgspec.Struct, frozen=True):
    """A plugin's entry (SPEC A4), and where it stands in the ledger."""

    id: str
    version: str
    name: str
    author: str
    description: str
    content_hash: str
    permissions: tuple[str, ...]
    required_core_version: str
    tos_compliance_hash: str
    audit_status: AuditStatus
    category: Category
    registered_at: int
    updated_at: int
    signatures: tuple[Signature, ...]
    log: str
    index: int
    event_id: str
    download_count: int | None = None
    """As the author's server counted it last. Null, as votes, where the entry holds no more."""
    votes: int | None = None
    rating: float | None = None
    """The average of all votes, 0 to 5, in tenths; null without votes."""


class Plugins(msgspec.Struct, frozen=True):
    """A page of plugins, by id."""

    ledger: str
    nodes: tuple[PluginRow, ...]
    next: str | None


class PluginWithHistory(msgspec.Struct, frozen=True):
    """A plugin: the entry that holds, and all there ever were, the oldest first."""

    ledger: str
    plugin: PluginRow
    history: tuple[PluginRow, ...]


class Entry(msgspec.Struct, frozen=True):
    """An entry: ids in hexadecimal, bytes in base64."""

    index: int
    log: str
    event_id: str
    leaf: str
    entry: str
    shared: str


COMPONENTS: Final[dict[str, Any]] = msgspec.json.schema_components(
    (Updates, Verification, Plugins, PluginWithHistory, Entry), ref_template="#/components/schemas/{name}"
)[1]


class RegistryAnswers:
    """What is answered below /api/v1/updates and /api/v1/plugins, and proofs by content."""

    def __init__(self, read: Read, published: Published) -> None:
        self._registry = PublishedRegistry(read, published)
        self._reading: asyncio.Task[Any] | None = None

    async def proof(self, request: Request, content_hash: str) -> Response:
        """The proof of logging (C2SP tlog-proof) of the newest statement about a file, by its CID."""
        sha256_of(content_hash)
        proof = await self._asked(lambda: self._registry.proof(content_hash))
        return answer(request, proof.to_bytes(), "text/plain; charset=utf-8", ASK_ANEW)

    async def verify(self, request: Request, version: str, channel: str = "") -> Response:
        """Whether this version is one of the author's releases, with its proof; `reasons` say what is wrong."""
        wanted = _word(Channel, "channel", channel)
        found, ledger = await self._asked(lambda: (self._registry.verified(version, wanted), self._registry.ledger()))
        reasons = tuple(Reason(each.code, str(each), each.hint) for each in found.problems)
        told = Verification(
            found.update.version, found.update.content_hash, _base64(found.signature), not reasons,
            found.proof.to_bytes().decode(), reasons, found.update.channel, ledger.hex(),
        )  # fmt: skip
        return _json(request, told)

    async def updates(self, request: Request, channel: str = "", first: str = "", after: str = "") -> Response:
        """Updates by channel (alpha, beta, release-candidate, stable), the newest version first."""
        wanted, count = _word(Channel, "channel", channel), _first(first)
        found, ledger = await self._asked(lambda: (self._registry.updates(wanted), self._registry.ledger()))
        rows, following = _page([(_named(each), each) for each in found], count, after)
        return _json(request, Updates(ledger.hex(), tuple(map(update_row, rows)), following))

    async def plugins(
        self, request: Request, category: str = "", status: str = "", text: str = "", first: str = "", after: str = ""
    ) -> Response:
        """Plugins by id: of this category, with this audit status, with this text in a name or the description."""
        kind, state = _word(Category, "category", category), _word(AuditStatus, "status", status)
        count = _first(first)
        found, ledger = await self._asked(
            lambda: (self._registry.plugins(kind, state, text[:TEXT_MAX]), self._registry.ledger())
        )
        rows, following = _page([(_named(each), each) for each in found], count, after)
        counts = self._registry.counts(map(_named, rows))
        return _json(request, Plugins(ledger.hex(), tuple(map(_held_row, rows, counts)), following))

    async def plugin(self, request: Request, plugin: str) -> Response:
        """A plugin with its whole history."""
        found, ledger, (counts,) = await self._asked(
            lambda: (self._registry.plugin(plugin), self._registry.ledger(), self._registry.counts([plugin]))
        )
        holds = _held_row(found[-1], counts)
        history = (*map(plugin_row, found[:-1]), holds)
        return _json(request, PluginWithHistory(ledger.hex(), holds, history))

    async def delegation(self, key: bytes) -> Delegation:
        """As `PublishedRegistry.delegation`."""
        return await self._asked(lambda: self._registry.delegation(key))

    async def _asked(self, look: Callable[[], T]) -> T:
        """Of what is published now. Who asks while it is read waits for FOLLOW_S and holds no thread meanwhile."""
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(run_in_threadpool(self._registry.follow))
        done, _ = await asyncio.wait({self._reading}, timeout=FOLLOW_S)
        if not done:
            raise LedgerStillRead
        done.pop().result()
        return await run_in_threadpool(look)


def update_row(one: Registered) -> UpdateRow:
    """A row, from what was registered."""
    said = one.said.statement
    assert isinstance(said, Update)
    return UpdateRow(
        said.version, said.channel, said.update_type, said.content_hash, said.size_bytes, said.min_supported_version,
        said.signed_at, said.changelog_url, _signatures(one.said.signatures), one.log.hex(), one.index,
        one.event_id.hex(),
    )  # fmt: skip


def plugin_row(one: Registered) -> PluginRow:
    """A row, from what was registered."""
    said = one.said.statement
    assert isinstance(said, Plugin)
    return PluginRow(
        said.id, said.version, said.name, said.author, said.description, said.content_hash, said.permissions,
        said.required_core_version, said.tos_compliance_hash.hex(), said.audit_status, said.category,
        said.registered_at, said.updated_at, _signatures(one.said.signatures), one.log.hex(), one.index,
        one.event_id.hex(),
    )  # fmt: skip


def _held_row(one: Registered, counts: PluginCounted | None) -> PluginRow:
    """With what was counted of the plugin."""
    tenths = rating_tenths(counts) if counts else None
    return msgspec.structs.replace(
        plugin_row(one),
        download_count=counts.downloads if counts else 0,
        votes=counts.votes if counts else 0,
        rating=None if tenths is None else tenths / 10,
    )


def _signatures(said: Iterable[Signed]) -> tuple[Signature, ...]:
    return tuple(Signature(each.key.hex(), _base64(each.signature)) for each in said)


def _named(one: Registered) -> str:
    """What a page goes on after."""
    said = one.said.statement
    return said.id if isinstance(said, Plugin) else f"{said.channel}/{said.version}"


def _page(rows: Sequence[tuple[str, Registered]], first: int, after: str) -> tuple[list[Registered], str | None]:
    """So many after that one, and what to go on after."""
    start = next((at + 1 for at, (name, _) in enumerate(rows) if name == after), 0)
    if after and not start:
        raise LedgerCursorUnknown(after=after[:100])
    taken = rows[start : start + first]
    following = taken[-1][0] if taken and start + first < len(rows) else None
    return [each for _, each in taken], following


def _first(text: str) -> int:
    if not text:
        return FIRST
    if not (text.isascii() and text.isdigit() and len(text) <= 3 and 1 <= int(text) <= FIRST_MAX):
        raise LedgerWordUnknown(what="first", said=text[:80], known=f"1 to {FIRST_MAX}")
    return int(text)


Word = TypeVar("Word", Channel, Category, AuditStatus)


def _word(kind: type[Word], what: str, said: str) -> Word | None:
    if not said:
        return None
    try:
        return kind(said)
    except ValueError:
        raise LedgerWordUnknown(what=what, said=said[:80], known=", ".join(kind)) from None


def _json(request: Request, told: msgspec.Struct) -> Response:
    return answer(request, msgspec.json.encode(told), JSON, ASK_ANEW)


def _base64(data: bytes) -> str:
    return b64encode(data).decode("ascii")
