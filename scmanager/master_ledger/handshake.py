"""The handshake: an installation and a server prove themselves to each other, and agree on a version (SPEC A9).

hello (ledger, nonce, reporter's key, versions) -> welcome (version, nonce, delegation, signature) -> answer
(signature) -> a session. The delegation is what makes a server the author's: key manifests from the ledger's id on,
and the proof that an entry of a log they list names the server's key. Both sign `scm/handshake/1`, for whom it is
meant first, and over all that was said before: nothing of it can be used for somebody else, or changed on its way.
It can be passed on as it is, by who got the server's name: so whatever is said in a session is sealed (`sealed`), to
keys that last and to keys of this one handshake: a nonce is the public half of one.

Bytes and times come in, nothing waits: the same code in server, client and tests.
"""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha3_256
from typing import Annotated, Final, TypeVar

import msgspec

from scmanager.domain.ledger import Bytes32, Bytes64
from scmanager.domain.naming import ServerNamed
from scmanager.errors import Refused, Untrusted
from scmanager.eventstore import content
from scmanager.eventstore.checkpoint import parse_note
from scmanager.eventstore.entry import digest, encode_json, u64
from scmanager.eventstore.merkle import leaf_hash
from scmanager.eventstore.signing import SigningKey, purpose, verify
from scmanager.master_ledger import proof as proofs
from scmanager.master_ledger import submission
from scmanager.master_ledger.manifest import NotThisLedger, TrustedKeys
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.proof import Proof
from scmanager.master_ledger.sealed import Channel, Once, SessionSealBroken
from scmanager.master_ledger.seen import Outcome, Seen, proved_under, signed_head
from scmanager.master_ledger.verification import AHEAD_S, NotIncluded, check_head, check_kind

VERSIONS: Final = (3,)
"""1 said in clear what is said in a session; 2 sealed it with keys that last."""
NONCE_BYTES: Final = 32
HELLO_BYTES_MAX: Final = 1_024
ANSWER_BYTES_MAX: Final = 512
GRANTED_BYTES_MAX: Final = 512
WELCOME_BYTES_MAX: Final = (submission.FILE_BYTES_MAX + proofs.FILE_BYTES_MAX) * 4 // 3 + 4_096
PENDING_S, PENDING_MAX = 30, 10_000
"""So long a welcome may be answered, and as many wait; beyond that the eldest is forgotten, with its key."""
SESSION_S, SESSIONS_MAX = 3_600, 100_000
SESSION_HEADER: Final = "x-scm-session"
"""Of each request within a session: its token, 64 lower-case hex digits."""

_Version = Annotated[int, msgspec.Meta(ge=1, le=65_535)]
_Text = Annotated[bytes, msgspec.Meta(max_length=submission.FILE_BYTES_MAX)]


class BadHandshake(Untrusted):
    """This is no part of a handshake: {reason}."""

    code = "bad-handshake"
    hint = "The other side is faulty, or none of ours. Look at the address."


class HandshakeForged(Untrusted):
    """The other side did not sign what was said between you."""

    code = "handshake-forged"
    hint = "Somebody stands between you, or passes himself off as the other. Nothing was sent; try another network."


class ServerNotNamed(Untrusted):
    """No entry of the author's ledger names this server: {reason}."""

    code = "server-not-named"
    hint = "It is none of the author's. Where it is yours: scm author name-server KEY, and publish."


class VersionsApart(Refused):
    """You speak versions {mine} of the handshake, the server {theirs}."""

    code = "handshake-versions-apart"
    hint = "Update the older side. Nothing else depends on it: what is published can be read all the same."


class HandshakeLate(Refused):
    """There is no such handshake, or it is over."""

    code = "handshake-late"
    hint = f"Begin again: a welcome may be answered once, within {PENDING_S} seconds."


class SessionUnknown(Refused):
    """There is no such session, or it has ended."""

    code = "session-unknown"
    hint = "Shake hands again: POST /api/v1/handshake."


class _Said(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A message. No field may be left out."""


class Hello(_Said, frozen=True):
    """What the installation says first."""

    ledger: Bytes32
    """Whose server it looks for."""
    nonce: Bytes32
    """An X25519 key made for this handshake."""
    reporter: Bytes32
    """A key made for reporting, never the device's."""
    versions: Annotated[tuple[_Version, ...], msgspec.Meta(min_length=1, max_length=16)]


class Welcome(_Said, frozen=True):
    """What the server answers."""

    version: _Version
    nonce: Bytes32
    """The server's X25519 key for this handshake."""
    key: Bytes32
    manifests: _Text
    """A submission file: the key manifests, oldest first."""
    proof: _Text
    """C2SP tlog-proof of the entry that names `key`."""
    signature: Bytes64


class Answer(_Said, frozen=True):
    """What the installation says then."""

    nonce: Bytes32
    """The server's."""
    signature: Bytes64


class Granted(_Said, frozen=True):
    """What the server gives."""

    token: Bytes32
    until: int
    """UTC seconds."""


class Delegation(msgspec.Struct, frozen=True):
    """What makes a server the author's."""

    ledger: bytes
    manifests: bytes
    proof: bytes


class _Waiting(msgspec.Struct, frozen=True):
    """A welcome that may be answered still."""

    hello: Hello
    version: int
    until_s: int
    once: Once


class Session(msgspec.Struct, frozen=True):
    """Who may report until when."""

    reporter: bytes
    version: int
    until_s: int
    channel: Channel
    """What is said in it."""


class Met(Outcome, frozen=True, kw_only=True):
    """The server is the author's: what to answer; and what was seen of the ledger by that."""

    answer: Answer
    version: int
    channel: Channel
    """What is said in the session, with the server's key."""


Said = TypeVar("Said", Hello, Welcome, Answer, Granted)


def parse(kind: type[Said], data: bytes, bytes_max: int) -> Said:
    """A message of this kind. Raises BadHandshake and nothing else."""
    if len(data) > bytes_max:
        raise BadHandshake(reason="it is too long")
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        raise BadHandshake(reason="it cannot be read") from None


def named_in(shared: bytes) -> ServerNamed | None:
    """Whom an entry names, by its first part; None for another entry. Total."""
    said = content.read(shared)
    if said is None or said.type != ServerNamed.tag:
        return None
    try:
        return msgspec.json.decode(said.payload, type=ServerNamed)
    except (msgspec.MsgspecError, ValueError):
        return None


class Greeter:
    """The server's side, for one thread. `nonce` gives 32 fresh random bytes."""

    def __init__(self, key: SigningKey, nonce: Callable[[], bytes]) -> None:
        self._key, self._nonce = key, nonce
        self._pending: OrderedDict[bytes, _Waiting] = OrderedDict()
        """By our nonce."""
        self._sessions: OrderedDict[bytes, Session] = OrderedDict()
        """By the hash of the token."""

    @property
    def public(self) -> bytes:
        """The key that an entry names."""
        return self._key.public

    def greet(self, hello: Hello, delegation: Delegation, now_s: int) -> Welcome:
        """Answer a hello. Raises NotThisLedger, VersionsApart, BadHandshake."""
        if hello.ledger != delegation.ledger:
            raise NotThisLedger(found=delegation.ledger.hex(), wanted=hello.ledger.hex())
        common = set(VERSIONS) & set(hello.versions)
        if not common:
            raise VersionsApart(mine=_shown(hello.versions), theirs=_shown(VERSIONS))
        if hello.reporter == self.public:
            raise BadHandshake(reason="it is our own key")
        version, once = max(common), Once(self._nonce())
        self._forget(now_s)
        _remember(self._pending, once.public, _Waiting(hello, version, now_s + PENDING_S, once), PENDING_MAX)
        signature = self._key.sign(_message(hello.reporter, self.public, hello, once.public, version))
        return Welcome(version, once.public, self.public, delegation.manifests, delegation.proof, signature)

    def grant(self, answer: Answer, now_s: int) -> Granted:
        """A session for who answers a welcome. Raises HandshakeLate, HandshakeForged, BadHandshake."""
        found = self._pending.pop(answer.nonce, None)
        if found is None or now_s > found.until_s:
            raise HandshakeLate
        hello, version = found.hello, found.version
        if not verify(
            hello.reporter, _message(self.public, hello.reporter, hello, answer.nonce, version), answer.signature
        ):
            raise HandshakeForged
        channel = _channel(self._key, hello.reporter, found.once, hello.nonce, self._nonce)
        token, session = self._nonce(), Session(hello.reporter, version, now_s + SESSION_S, channel)
        _remember(self._sessions, sha3_256(token).digest(), session, SESSIONS_MAX)
        return Granted(token, session.until_s)

    def session(self, token: bytes, now_s: int) -> Session:
        """Whose token that is. Raises SessionUnknown."""
        name = sha3_256(token).digest()
        found = self._sessions.get(name)
        if found is None or now_s > found.until_s:
            self._sessions.pop(name, None)
            raise SessionUnknown
        return found

    def channel(self, token: bytes, now_s: int) -> Channel:
        """What is said in the session of this token. Raises SessionUnknown."""
        return self.session(token, now_s).channel

    def _forget(self, now_s: int) -> None:
        """What is over: its keys open what somebody may have kept."""
        while self._pending and now_s > next(iter(self._pending.values())).until_s:
            self._pending.popitem(last=False)
        while self._sessions and now_s > next(iter(self._sessions.values())).until_s:
            self._sessions.popitem(last=False)


class Caller:
    """The installation's side, for one handshake. `nonce` gives 32 fresh random bytes."""

    def __init__(self, ledger: bytes, reporter: SigningKey, nonce: Callable[[], bytes]) -> None:
        self._reporter, self._nonce, self._once = reporter, nonce, Once(nonce())
        self.hello = Hello(ledger, self._once.public, reporter.public, VERSIONS)

    def answer(self, welcome: bytes, before: Seen, policy: Policy, now_s: int) -> Met:
        """Whether the server is the author's, by what was seen before; then what to answer.

        Raises BadHandshake, HandshakeForged, ServerNotNamed, LogForked, NotIncluded, and as `Seen.with_manifests`,
        `signed_head` and `check_head`.
        """
        said = parse(Welcome, welcome, WELCOME_BYTES_MAX)
        mine = self.hello
        if said.version not in mine.versions or said.key == mine.reporter:
            raise BadHandshake(reason="it answers what was not asked")
        if not verify(said.key, _message(mine.reporter, said.key, mine, said.nonce, said.version), said.signature):
            raise HandshakeForged
        seen = before.with_manifests(submission.parse(said.manifests))
        keys = seen.keys()
        outcome = _delegated(said, seen, keys, policy, now_s)
        signature = self._reporter.sign(_message(said.key, mine.reporter, mine, said.nonce, said.version))
        channel = _channel(self._reporter, said.key, self._once, said.nonce, self._nonce)
        answer = Answer(said.nonce, signature)
        return Met(outcome.seen, outcome.problem, answer=answer, version=said.version, channel=channel)


def _delegated(said: Welcome, seen: Seen, keys: TrustedKeys, policy: Policy, now_s: int) -> Outcome:
    """What is seen by it of the ledger, if an entry under a signed head names the key."""
    shown = Proof.parse(said.proof)
    log, point, _ = signed_head(shown.note, keys, policy)
    check_head(point, log, policy, policy.cosigned(parse_note(shown.note), now_s + AHEAD_S))
    check_kind(log)
    if log.final is not None:
        raise ServerNotNamed(reason="a log that the author has closed names it, and those name nobody any more")
    outcome = proved_under(seen, shown.note, keys, policy)
    if outcome.problem:
        raise outcome.problem
    one, shared = shown.carried()
    if one.log != log.log or not shown.leads_from(leaf_hash(one.data), point):
        raise NotIncluded
    named = named_in(shared)
    if named is None or named.key != said.key:
        raise ServerNotNamed(reason="the entry shown names another, or nobody")
    if named.not_after < now_s:
        raise ServerNotNamed(reason="the entry that does has run out")
    manifest = keys.manifest
    if said.key in {*manifest.root.keys, *manifest.release.keys, *(each.key for each in manifest.logs)}:
        raise ServerNotNamed(reason="its key has another role")
    return outcome


def _channel(mine: SigningKey, theirs: bytes, once: Once, nonce: bytes, fresh: Callable[[], bytes]) -> Channel:
    try:
        return Channel(once.agreed(mine, theirs, nonce), theirs, fresh)
    except SessionSealBroken:
        raise BadHandshake(reason="its key is nobody's") from None


def _message(reader: bytes, signer: bytes, hello: Hello, nonce: bytes, version: int) -> bytes:
    """What `signer` signs for `reader`: both nonces, and all that was said."""
    said = digest("scm/handshake-said/1", encode_json(hello), u64(version))
    return purpose("handshake", reader, signer, hello.ledger, hello.nonce, nonce, said)


Kept = TypeVar("Kept")


def _remember(held: "OrderedDict[bytes, Kept]", name: bytes, what: Kept, most: int) -> None:
    held[name] = what
    if len(held) > most:
        held.popitem(last=False)


def _shown(versions: tuple[int, ...]) -> str:
    return ", ".join(map(str, versions))
