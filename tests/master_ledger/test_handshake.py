"""The handshake without any wire: who proves what to whom, and what nobody in between can change, repeat or reuse."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.domain.ledger import Final, KeysPublished
from scmanager.domain.naming import ServerNamed
from scmanager.errors import Untrusted
from scmanager.eventstore.entry import digest
from scmanager.eventstore.signing import SigningKey, purpose, verify
from scmanager.master_ledger import handshake, issuing, submission
from scmanager.master_ledger import policy as policies
from scmanager.master_ledger.handshake import (
    ANSWER_BYTES_MAX,
    HELLO_BYTES_MAX,
    PENDING_S,
    SESSION_S,
    WELCOME_BYTES_MAX,
    Answer,
    BadHandshake,
    Caller,
    Delegation,
    Granted,
    Greeter,
    HandshakeForged,
    HandshakeLate,
    Hello,
    Met,
    ServerNotNamed,
    SessionUnknown,
    VersionsApart,
    Welcome,
    named_in,
    parse,
)
from scmanager.master_ledger.manifest import NotThisLedger
from scmanager.master_ledger.policy import ED25519, Vkey
from scmanager.master_ledger.proof import Proof
from scmanager.master_ledger.sealed import SessionSealBroken
from scmanager.master_ledger.seen import LogForked, Seen
from scmanager.master_ledger.statement import manifest_hash
from scmanager.master_ledger.verification import LogNotAccepted, NotIncluded, NotWitnessed
from tests.golden.logs import key_of, some
from tests.support.ledger import NOW_S, POLICY, RELEASE, ROOTS, WITHOUT_WITNESSES, Server, first_manifest, signed

KEY, REPORTER = key_of("server"), key_of("reporter")


class Author:
    """The author's server: its key is named in the log."""

    def __init__(self, key: SigningKey = KEY, not_after: int = NOW_S + 60, named: bytes | None = None) -> None:
        self.server, self.key, self.count = Server(), key, 0
        self.first = first_manifest(self.server)
        self.ledger = manifest_hash(self.first.statement)
        self.index = self.server.append(ServerNamed(named or key.public, not_after))
        self.greeter = Greeter(key, self.nonce)

    def nonce(self) -> bytes:
        self.count += 1
        return some(f"nonce {self.count}")

    def delegation(self, *more: KeysPublished, **given: Any) -> Delegation:
        manifests = submission.encode([self.first, *more])
        return Delegation(self.ledger, manifests, self.server.proof(self.index, **given).to_bytes())

    def welcome(self, caller: Caller, now_s: int = NOW_S, delegation: Delegation | None = None) -> bytes:
        return msgspec.json.encode(self.greeter.greet(caller.hello, delegation or self.delegation(), now_s))


def caller(ledger: bytes, name: str = "a nonce", reporter: SigningKey = REPORTER) -> Caller:
    return Caller(ledger, reporter, lambda: some(name))


def met(author: Author, one: Caller, welcome: bytes | None = None, before: Seen | None = None, **given: Any) -> Met:
    fields: dict[str, Any] = {"policy": POLICY, "now_s": NOW_S} | given
    return one.answer(welcome or author.welcome(one), before or Seen(author.ledger), **fields)


def test_both_prove_themselves_and_agree() -> None:
    author = Author()
    one = caller(author.ledger)
    found = met(author, one)
    assert (found.version, found.channel.theirs, found.problem) == (3, KEY.public, None)
    assert found.seen.keys().ledger == author.ledger, "what was shown of the ledger is remembered"
    assert [each.point().size for each in found.seen.heads] == [author.server.head().size]
    granted = author.greeter.grant(found.answer, NOW_S + PENDING_S)
    session = author.greeter.session(granted.token, granted.until)
    assert (session.reporter, session.version, granted.until) == (REPORTER.public, 3, NOW_S + PENDING_S + SESSION_S)
    with pytest.raises(SessionUnknown):
        author.greeter.session(granted.token, granted.until + 1)
    with pytest.raises(SessionUnknown):
        author.greeter.session(granted.token, NOW_S)
    with pytest.raises(SessionUnknown):
        author.greeter.session(bytes(32), NOW_S)


def what_is_signed(reader: bytes, signer: bytes, hello: Hello, nonce: bytes, version: int) -> bytes:
    """Written from ADR 21 alone."""
    said = digest("scm/handshake-said/1", msgspec.json.encode(hello), version.to_bytes(8, "big"))
    return purpose("handshake", reader, signer, hello.ledger, hello.nonce, nonce, said)


def test_both_sign_who_they_are_for_whom_both_nonces_and_all_that_was_said() -> None:
    author = Author()
    one = caller(author.ledger)
    welcome = author.greeter.greet(one.hello, author.delegation(), NOW_S)
    answer = met(author, one, msgspec.json.encode(welcome)).answer
    ours = what_is_signed(REPORTER.public, KEY.public, one.hello, welcome.nonce, 3)
    assert verify(KEY.public, ours, welcome.signature)
    theirs = what_is_signed(KEY.public, REPORTER.public, one.hello, welcome.nonce, 3)
    assert verify(REPORTER.public, theirs, answer.signature)


def test_a_version_that_was_not_offered_is_none_though_the_server_signed_it() -> None:
    author = Author()
    one = caller(author.ledger)
    said = author.greeter.greet(one.hello, author.delegation(), NOW_S)
    other = KEY.sign(what_is_signed(REPORTER.public, KEY.public, one.hello, said.nonce, 4))
    with pytest.raises(BadHandshake) as bad:
        met(author, one, msgspec.json.encode(msgspec.structs.replace(said, version=4, signature=other)))
    assert bad.value.facts == {"reason": "it answers what was not asked"}


def test_who_answers_with_the_caller_s_own_key_is_nobody() -> None:
    author = Author(key=REPORTER)
    one = caller(author.ledger)
    said = Author().greeter.greet(one.hello, author.delegation(), NOW_S)
    mirrored = REPORTER.sign(what_is_signed(REPORTER.public, REPORTER.public, one.hello, said.nonce, 3))
    welcome = msgspec.structs.replace(said, key=REPORTER.public, signature=mirrored)
    with pytest.raises(BadHandshake) as bad:
        met(author, one, msgspec.json.encode(welcome))
    assert bad.value.facts == {"reason": "it answers what was not asked"}


def test_without_a_session_there_is_no_channel() -> None:
    author = Author()
    token = author.greeter.grant(met(author, caller(author.ledger)).answer, NOW_S).token
    assert author.greeter.channel(token, NOW_S + SESSION_S).theirs == REPORTER.public
    for name, now_s in ((bytes(32), NOW_S), (token, NOW_S + SESSION_S + 1)):
        with pytest.raises(SessionUnknown):
            author.greeter.channel(name, now_s)


def test_an_answer_counts_once_and_in_time() -> None:
    author = Author()
    found = met(author, caller(author.ledger))
    author.greeter.grant(found.answer, NOW_S)
    with pytest.raises(HandshakeLate):
        author.greeter.grant(found.answer, NOW_S)
    found = met(author, caller(author.ledger))
    with pytest.raises(HandshakeLate):
        author.greeter.grant(found.answer, NOW_S + PENDING_S + 1)


def test_both_sides_can_say_what_only_the_other_reads_and_each_handshake_has_its_own_secret() -> None:
    author = Author()
    first, second = (met(author, caller(author.ledger, name)) for name in ("first", "second"))
    tokens = [author.greeter.grant(each.answer, NOW_S).token for each in (first, second)]
    theirs, others = (author.greeter.channel(each, NOW_S) for each in tokens)
    said = first.channel.seal_request("/audit", b"said")
    assert theirs.open_request("/audit", said) == b"said"
    assert first.channel.open_answer(said, 200, theirs.seal_answer(said, 200, b"taken")) == b"taken"
    with pytest.raises(SessionSealBroken):
        others.open_request("/audit", said)


@pytest.mark.parametrize("nonce", [bytes(32), bytes([1]) + bytes(31)])
def test_with_a_nonce_that_is_nobodys_key_there_is_no_session(nonce: bytes) -> None:
    """One that gives everybody the same secret."""
    author = Author()
    one = caller(author.ledger)
    one.hello = msgspec.structs.replace(one.hello, nonce=nonce)
    with pytest.raises(BadHandshake, match="nobody's"):
        author.greeter.grant(met(author, one).answer, NOW_S)
    said = handshake._message(REPORTER.public, KEY.public, one.hello, nonce, 3)
    proof = author.delegation()
    welcome = Welcome(3, nonce, KEY.public, proof.manifests, proof.proof, KEY.sign(said))
    with pytest.raises(BadHandshake, match="nobody's"):
        met(author, one, msgspec.json.encode(welcome))


def test_who_has_not_the_reporters_key_gets_no_session() -> None:
    author = Author()
    one = caller(author.ledger)
    found = met(author, one)
    forged = msgspec.structs.replace(found.answer, signature=key_of("a thief").sign(b"x"))
    with pytest.raises(HandshakeForged):
        author.greeter.grant(forged, NOW_S)
    with pytest.raises(HandshakeLate):
        author.greeter.grant(found.answer, NOW_S)  # One try each.


def test_an_answer_to_one_welcome_is_none_to_another() -> None:
    author = Author()
    one, other = caller(author.ledger), caller(author.ledger, "another nonce")
    first, second = met(author, one), met(author, other)
    with pytest.raises(HandshakeForged):
        author.greeter.grant(Answer(second.answer.nonce, first.answer.signature), NOW_S)


def test_a_welcome_for_somebody_else_convinces_nobody() -> None:
    """A server in between hands on what the author's said to another one."""
    author = Author()
    said = author.welcome(caller(author.ledger, "of somebody else"))
    with pytest.raises(HandshakeForged):
        met(author, caller(author.ledger), said)
    said = author.welcome(caller(author.ledger, reporter=key_of("somebody else")))
    with pytest.raises(HandshakeForged):
        met(author, caller(author.ledger), said)


def test_what_the_server_signed_cannot_be_given_back_to_it() -> None:
    author = Author()
    one = caller(author.ledger)
    said = parse(Welcome, author.welcome(one), WELCOME_BYTES_MAX)
    with pytest.raises(HandshakeForged):
        author.greeter.grant(Answer(said.nonce, said.signature), NOW_S)
    with pytest.raises(BadHandshake) as bad:
        author.welcome(caller(author.ledger, reporter=KEY))
    assert bad.value.facts == {"reason": "it is our own key"}


@pytest.mark.parametrize(
    ("author", "why"),
    [
        (lambda: Author(not_after=NOW_S - 1), "the entry that does has run out"),
        (lambda: Author(named=key_of("another").public), "the entry shown names another, or nobody"),
        (lambda: Author(key=ROOTS[0]), "its key has another role"),
        (lambda: Author(key=RELEASE), "its key has another role"),
        (lambda: Author(key=Server().key), "its key has another role"),
    ],
)
def test_a_server_that_is_not_named_rightly_is_none(author: Callable[[], Author], why: str) -> None:
    made = author()
    with pytest.raises(ServerNotNamed) as unnamed:
        met(made, caller(made.ledger))
    assert unnamed.value.facts == {"reason": why}


def test_a_server_is_named_up_to_the_second_that_its_entry_says() -> None:
    made = Author(not_after=NOW_S)
    assert met(made, caller(made.ledger)).channel.theirs == KEY.public


def test_the_log_key_alone_says_nothing_in_a_log_that_was_closed() -> None:
    author = Author()
    head = author.server.head()
    closed = issuing.revocation(
        author.first.statement, author.server.key.public, {author.server.log.log: Final(head.size, head.root)}, NOW_S
    )
    second = signed(closed, *ROOTS[:2])
    one = caller(author.ledger)
    with pytest.raises(ServerNotNamed, match="a log that the author has closed names it"):
        met(author, one, author.welcome(one, delegation=author.delegation(second)))
    with pytest.raises(
        ServerNotNamed, match="has closed"
    ):  # Nor when the server keeps the manifest back from one who has seen it.
        met(author, one, before=Seen(author.ledger).with_manifests([author.first, second]))


def test_a_thief_of_a_log_key_is_found_out_by_witnesses_and_by_memory() -> None:
    author, thief = Author(), Author(key=key_of("a thief"))
    thief.first, thief.ledger = author.first, author.ledger
    thief.server.leaves[0] = some("another beginning")
    one = caller(author.ledger)
    unseen = thief.server.note(witnesses=())
    with pytest.raises(NotWitnessed):
        met(thief, one, thief.welcome(one, delegation=thief.delegation(note=unseen)))
    before = met(author, caller(author.ledger), policy=WITHOUT_WITNESSES).seen
    with pytest.raises(LogForked):
        met(thief, one, before=before, policy=WITHOUT_WITNESSES)


def test_a_log_that_the_policy_does_not_list_names_nobody() -> None:
    author = Author()
    for name, accepted in ((author.server.name, True), ("another", False)):
        listed = policies.parse(
            f"log {Vkey(author.server.origin, ED25519, key_of(name).public).text()}\nquorum none\n".encode()
        )
        if accepted:
            assert met(author, caller(author.ledger), policy=listed).channel.theirs == KEY.public
        else:
            with pytest.raises(LogNotAccepted):
                met(author, caller(author.ledger), policy=listed)


def test_an_entry_that_is_not_under_the_head_names_nobody() -> None:
    """Beside a head that the log signed and witnesses cosigned lies an entry that somebody made up."""
    author, thief = Author(), Author(key=key_of("a thief"))
    real = author.server.proof(author.index)
    forged = Proof.of(*thief.server.said[thief.index], real.hashes, real.note)
    one = caller(author.ledger)
    delegation = msgspec.structs.replace(author.delegation(), proof=forged.to_bytes())
    with pytest.raises(NotIncluded):
        met(thief, one, thief.welcome(one, delegation=delegation))


def test_another_ledgers_server_is_another() -> None:
    author = Author()
    other = caller(some("another ledger"))
    with pytest.raises(NotThisLedger) as caught:
        author.welcome(other)
    assert caught.value.facts == {"found": author.ledger.hex(), "wanted": other.hello.ledger.hex()}
    lied = msgspec.structs.replace(author.delegation(), ledger=other.hello.ledger)
    with pytest.raises(NotThisLedger):
        other.answer(author.welcome(other, delegation=lied), Seen(other.hello.ledger), POLICY, NOW_S)


def test_versions_are_agreed_on_or_said_to_be_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    author = Author()
    later = msgspec.structs.replace(caller(author.ledger).hello, versions=(1, 2, 3, 9))
    assert author.greeter.greet(later, author.delegation(), NOW_S).version == 3
    with pytest.raises(VersionsApart) as caught:
        author.greeter.greet(msgspec.structs.replace(later, versions=(1, 2, 9)), author.delegation(), NOW_S)
    assert caught.value.facts == {"mine": "1, 2, 9", "theirs": "3"}
    monkeypatch.setattr(handshake, "VERSIONS", (3, 9))
    assert author.greeter.greet(later, author.delegation(), NOW_S).version == 9


def test_nobody_in_between_lowers_the_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "VERSIONS", (1, 2))
    author = Author()
    one = caller(author.ledger)
    assert one.hello.versions == (1, 2)
    lowered = msgspec.structs.replace(one.hello, versions=(1,))
    said = msgspec.json.encode(author.greeter.greet(lowered, author.delegation(), NOW_S))
    with pytest.raises(HandshakeForged):
        met(author, one, said)


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake, "PENDING_MAX", 2)
    monkeypatch.setattr(handshake, "SESSIONS_MAX", 2)
    author = Author()
    answers = [met(author, caller(author.ledger, f"nonce of {n}")).answer for n in range(3)]
    with pytest.raises(HandshakeLate):
        author.greeter.grant(answers[0], NOW_S)
    tokens = [author.greeter.grant(each, NOW_S).token for each in answers[1:]]
    tokens.append(author.greeter.grant(met(author, caller(author.ledger)).answer, NOW_S).token)
    with pytest.raises(SessionUnknown):
        author.greeter.session(tokens[0], NOW_S)
    assert author.greeter.session(tokens[2], NOW_S).reporter == REPORTER.public


def test_keys_of_what_is_over_are_forgotten_by_the_next_greeting() -> None:
    author = Author()
    author.welcome(caller(author.ledger, "never answered"))
    author.greeter.grant(met(author, caller(author.ledger)).answer, NOW_S)
    author.welcome(caller(author.ledger, "later"), NOW_S + PENDING_S + 1)
    assert (len(author.greeter._pending), len(author.greeter._sessions)) == (1, 1)
    author.welcome(caller(author.ledger, "much later"), NOW_S + SESSION_S + 1)
    assert (len(author.greeter._pending), len(author.greeter._sessions)) == (1, 0)


AUTHOR = Author()
CALLER = caller(AUTHOR.ledger)
WELCOME = AUTHOR.welcome(CALLER)
ANSWER = msgspec.json.encode(met(AUTHOR, CALLER, WELCOME).answer)


@given(st.integers(0, len(WELCOME) - 1), st.integers(1, 255))
@settings(max_examples=150, deadline=None)
def test_no_changed_byte_of_a_welcome_is_believed(at: int, flip: int) -> None:
    """But in the proof's lines of strangers, or where it was base64 all the same."""
    changed = WELCOME[:at] + bytes([WELCOME[at] ^ flip]) + WELCOME[at + 1 :]
    try:
        found = met(AUTHOR, CALLER, changed)
    except Untrusted:
        return
    assert parse(Welcome, changed, WELCOME_BYTES_MAX).key == KEY.public
    assert found.answer == met(AUTHOR, CALLER, WELCOME).answer


@given(st.integers(0, len(ANSWER) - 1), st.integers(1, 255))
@settings(max_examples=100, deadline=None)
def test_no_changed_byte_of_an_answer_gets_a_session(at: int, flip: int) -> None:
    author = Author()
    found = met(author, caller(author.ledger)).answer
    said = msgspec.json.encode(found)
    changed = said[:at] + bytes([said[at] ^ flip]) + said[at + 1 :]
    try:
        parsed = parse(Answer, changed, ANSWER_BYTES_MAX)
    except BadHandshake:
        return
    if parsed == found:
        return  # White space, or another spelling of the same text.
    with pytest.raises((HandshakeForged, HandshakeLate)):
        author.greeter.grant(parsed, NOW_S)


@pytest.mark.parametrize("kind", [Hello, Welcome, Answer, Granted])
@given(st.binary(max_size=200))
def test_noise_is_no_message(kind: Any, noise: bytes) -> None:
    with pytest.raises(BadHandshake):
        parse(kind, noise, HELLO_BYTES_MAX)


@given(st.binary(max_size=200))
def test_noise_names_nobody(noise: bytes) -> None:
    assert named_in(noise) is None


def test_what_is_too_long_is_not_read() -> None:
    said = msgspec.json.encode(CALLER.hello)
    assert parse(Hello, said.ljust(HELLO_BYTES_MAX), HELLO_BYTES_MAX) == CALLER.hello
    for data, why in ((said.ljust(HELLO_BYTES_MAX + 1), "it is too long"), (said[:-1], "it cannot be read")):
        with pytest.raises(BadHandshake) as bad:
            parse(Hello, data, HELLO_BYTES_MAX)
        assert bad.value.facts == {"reason": why}
