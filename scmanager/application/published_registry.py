"""What a published ledger registers: updates and plugins with their proofs, read from its static files as they grow.

`follow` reads what is new, of any length, and holds nobody else up: heads, tiles and proofs of places are asked of
`Published` beside it, and what was read before is answered meanwhile. Every statement is led back to the checkpoint.
"""

import threading
from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from scmanager.application.ledger_copy import BYTES_MAX, ENTRIES_MAX, LedgerTooLong
from scmanager.application.proving import NotEntered
from scmanager.application.published import Head, LedgerFilesBroken, Published, broken, led_back
from scmanager.domain.counting import Counted, Place, PluginCounted, enter
from scmanager.domain.ledger import AuditStatus, Category, Channel, Plugin, PluginSigned, Update, UpdateSigned
from scmanager.errors import Refused, ScManagerError, Untrusted
from scmanager.eventstore.checkpoint import parse_origin
from scmanager.eventstore.tiles import WIDTH
from scmanager.master_ledger import policy, submission
from scmanager.master_ledger.content_hash import sha256_of
from scmanager.master_ledger.counts import counted_in
from scmanager.master_ledger.fetching import MANIFESTS, SHARED, Read, SourceLacks
from scmanager.master_ledger.handshake import Delegation, ServerNotNamed, named_in
from scmanager.master_ledger.manifest import TrustedKeys, walk
from scmanager.master_ledger.proof import Proof
from scmanager.master_ledger.registry import Registered, Registry
from scmanager.master_ledger.statement import manifest_hash
from scmanager.master_ledger.submission import FILE_BYTES_MAX
from scmanager.master_ledger.verification import Artefact, Here, verify_update

_OLDEST: Final = Here("0.0.0-0", Channel.ALPHA, 0)
"""An installation that everything is new to."""
_ANYBODY: Final = policy.parse(b"quorum none\n")


class UpdateUnknown(Refused):
    """The ledger has no update {version}."""

    code = "update-unknown"
    hint = "Look at the list: GET /api/v1/updates. What was signed has to be entered and published first."


class PluginUnknown(Refused):
    """The ledger has no plugin {id}."""

    code = "plugin-unknown"
    hint = "Look at the list: scm ledger plugins, or GET /api/v1/plugins. Ids are such as org.example.mining."


class Verified(msgspec.Struct, frozen=True):
    """An update as every installation will judge it, but for its own version, channel and witnesses."""

    one: Registered
    update: Update
    signature: bytes
    """By the first release key that counts there; else by any; empty without one."""
    proof: Proof
    problems: tuple[ScManagerError, ...]


class PublishedRegistry:
    """The registry of the ledger that `read` gives, as far as it was followed: by one thread at a time; any may ask.

    What is asked raises LedgerFilesBroken where no keys are published.
    """

    def __init__(self, read: Read, published: Published | None = None) -> None:
        self._read = read
        self.published = published or Published(read)
        self._following, self._lock = threading.Lock(), threading.Lock()
        self._head: Head | None = None
        self._manifests = b""
        self._said: list[Registered] = []
        self._newest: dict[str, int] = {}
        self._versions: dict[str, list[Registered]] = {}
        self._registry: Registry | None = None
        self._named: dict[bytes, int] = {}
        self._counts: dict[Place, Counted] = {}

    def follow(self) -> Registry | None:
        """Read what is new; None where no keys are published. Raises LedgerFilesBroken, and what `read` raises."""
        with self._following:
            head = self.published.head()
            try:
                self._follow(head)
            except (SourceLacks, Untrusted) as error:
                raise broken(error) from error
            return self._registry

    def proof(self, content_hash: str) -> Proof:
        """That what holds of this content is in the ledger; where nothing counts, what was entered last.

        Raises NotEntered, LedgerFilesBroken.
        """
        with self._lock:
            head, index = self._head, self._newest.get(content_hash)
            if self._registry is not None and (holds := self._registry.about(content_hash)) is not None:
                index = holds.index
        if head is None or index is None:
            raise NotEntered(size=head.point.size if head else 0)
        return self.published.proof(index, head)

    def verified(self, version: str, channel: Channel | None = None) -> Verified:
        """A version with its proof: what counts, else the newest that does not. Raises UpdateUnknown."""
        registry = self._known()
        with self._lock:
            one, head = registry.update(version, channel), self._head
            said = [each for each in self._versions.get(version, ()) if channel in (None, _channel(each))]
        one = one or (said[-1] if said else None)
        if one is None or head is None:
            raise UpdateUnknown(version=version[:80])
        update = one.said.statement
        assert isinstance(update, Update)
        proof = self.published.proof(one.index, head)
        artefact = Artefact(sha256_of(update.content_hash), update.size_bytes)
        report = verify_update(artefact, proof.to_bytes(), registry.keys, _ANYBODY, _OLDEST)
        known = registry.keys.release_at(one.log, one.index).keys
        signatures = sorted(one.said.signatures, key=lambda each: each.key not in known)
        return Verified(one, update, signatures[0].signature if signatures else b"", proof, report.problems)

    def updates(self, channel: Channel | None) -> list[Registered]:
        """As `Registry.updates`."""
        registry = self._known()
        with self._lock:
            return registry.updates(channel)

    def newest(self, channel: Channel) -> Registered | None:
        """As `Registry.newest`."""
        registry = self._known()
        with self._lock:
            return registry.newest(channel)

    def plugins(self, category: Category | None, status: AuditStatus | None, text: str) -> list[Registered]:
        """As `Registry.plugins`."""
        registry = self._known()
        with self._lock:
            return list(registry.plugins(category, status, text))

    def plugin(self, id_: str) -> list[Registered]:
        """The history of a plugin, the entry that holds last. Raises PluginUnknown."""
        registry = self._known()
        with self._lock:
            found = registry.plugin(id_)
        if not found:
            raise PluginUnknown(id=id_[:80])
        return found

    def counts(self, plugins: Iterable[str]) -> list[PluginCounted | None]:
        """As `Registry.counts`, of each of these."""
        registry = self._known()
        with self._lock:
            return [registry.counts(each) for each in plugins]

    def delegation(self, key: bytes) -> Delegation:
        """What shows that this server's key is named, by the newest entry that does. Raises ServerNotNamed."""
        ledger = self.ledger()
        with self._lock:
            head, index, manifests = self._head, self._named.get(key), self._manifests
        if head is None or index is None:
            raise ServerNotNamed(reason="none names its key")
        return Delegation(ledger, manifests, self.published.proof(index, head).to_bytes())

    def ledger(self) -> bytes:
        """The ledger's id, 32 bytes."""
        return self._known().keys.ledger

    def _known(self) -> Registry:
        if self._registry is None:
            raise LedgerFilesBroken(reason="it has no key manifests")
        return self._registry

    def _keys(self) -> bytes:
        try:
            return self._read(MANIFESTS, FILE_BYTES_MAX)
        except SourceLacks:
            return b""

    def _follow(self, head: Head) -> None:
        manifests = self._keys()
        old, upto = self._head, self._head.point.size if self._head else 0
        if old and (upto > head.point.size or head.tree.root(upto) != old.point.root):
            upto = 0  # Another ledger lies there now.
            self._said, self._newest, self._versions, self._registry, self._named = [], {}, {}, None, {}
            self._counts = {}
        fresh, named, counted = self._statements(head, upto)
        registry = self._registry
        if manifests and (registry is None or manifests != self._manifests):
            registry = Registry(_walked(manifests))
            for each in self._said:
                registry.enter(each)
            for one in self._counts.values():
                registry.count(one)
        with self._lock:
            for each in fresh:
                self._enter(each, registry)
            for one in counted:
                enter(self._counts, one)
                if registry is not None:
                    registry.count(one)
            self._named |= named
            self._head, self._manifests, self._registry = head, manifests, registry

    def _enter(self, one: Registered, registry: Registry | None) -> None:
        statement = one.said.statement
        self._said.append(one)
        self._newest[statement.content_hash] = one.index
        if isinstance(statement, Update):
            self._versions.setdefault(statement.version, []).append(one)
        if registry is not None:
            registry.enter(one)

    def _statements(self, head: Head, upto: int) -> tuple[list[Registered], dict[bytes, int], list[Counted]]:
        """Those from `upto` on, where servers are named, and counts. Raises BadTile, WrongPart, SourceLacks."""
        found, named, counted = list[Registered](), dict[bytes, int](), list[Counted]()
        for number in range(upto // WIDTH, -(-head.point.size // WIDTH)):
            first = number * WIDTH
            shared = self.published.bundle(head, SHARED, number)
            said = {first + n: statement for n, each in enumerate(shared) if (statement := statement_in(each))}
            entries = self.published.bundle(head, "", number) if said else []
            for index in sorted(said.keys() - range(upto)):
                one, _ = led_back(index, entries[index - first], shared[index - first], head)
                match said[index]:
                    case PluginCounted() as count:
                        counted.append(Counted(one.log, index, count))
                    case UpdateSigned() | PluginSigned() as statement:
                        found.append(Registered(one.log, index, one.id, statement))
            named |= {
                server.key: first + n
                for n, each in enumerate(shared)
                if b'"server.named/' in each and first + n >= upto and (server := named_in(each))
            }
        return found, named, counted


def take_from(published: Published, registry: Registry, held: Mapping[bytes, int]) -> tuple[bytes, int]:
    """Enter what a source that nobody trusts has beyond what is `held`: of each log so many entries.

    Which log it is, and how many of its entries are held now. Every entry is led back to the newest head, and none
    may lack its first part: nothing can be held back below it. Raises LedgerTooLong, LedgerFilesBroken.
    """
    head = published.head()
    log, size = parse_origin(head.point.origin)[1], head.point.size
    first, taken = held.get(log, 0), 0
    too_long = LedgerTooLong(entries=size - first, mebibytes=BYTES_MAX >> 20)
    if size - first > ENTRIES_MAX:
        raise too_long
    try:
        for number in range(first // WIDTH, -(-size // WIDTH)):
            both = zip(published.bundle(head, "", number), published.bundle(head, SHARED, number), strict=True)
            for index, (data, part) in enumerate(both, number * WIDTH):
                one, shared = led_back(index, data, part, head)
                taken += len(data) + len(shared)
                if isinstance(said := statement_in(shared), UpdateSigned | PluginSigned):
                    registry.enter(Registered(log, index, one.id, said))
            if taken > BYTES_MAX:
                break
    except (SourceLacks, Untrusted) as error:
        raise broken(error) from error
    if taken > BYTES_MAX:
        raise too_long
    return log, max(first, size)


def _walked(manifests: bytes) -> TrustedKeys:
    """From the first of them on: whose ledger that is, readers ask. Raises Untrusted."""
    said = submission.parse(manifests)
    first = said[0]
    if isinstance(first, UpdateSigned | PluginSigned):
        raise LedgerFilesBroken(reason="its manifests begin with something else")
    return walk(manifest_hash(first.statement), said)


def statement_in(shared: bytes) -> UpdateSigned | PluginSigned | PluginCounted | None:
    """What is registered by an entry with this first part; None for all else."""
    if b'"plugin.counted/' in shared:
        return counted_in(shared)
    if b'.signed/1"' not in shared:
        return None
    try:
        said = submission.from_part(shared)
    except Untrusted:
        return None
    return said if isinstance(said, UpdateSigned | PluginSigned) else None


def _channel(one: Registered) -> Channel | None:
    statement = one.said.statement
    return None if isinstance(statement, Plugin) else statement.channel
