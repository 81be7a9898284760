"""The handshake over HTTP: real server, real client, and what each hears when the other is not as it should be."""

import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec
import pytest

from scmanager.adapters.ledger_memory import LedgerMemory
from scmanager.adapters.ledger_source import ServerRefuses, SourceFailed, SourceTooLarge, post_to
from scmanager.adapters.server_handshake import HandshakeNotOffered, ServerSession, shake_hands
from scmanager.api.handshake import ANSWER, GREET, Identity
from scmanager.eventstore.memory import MemoryStore
from scmanager.master_ledger.handshake import BadHandshake, Caller, HandshakeForged
from scmanager.master_ledger.statement import manifest_hash
from tests.golden.logs import key_of, some
from tests.support.ledger import WITHOUT_WITNESSES
from tests.support.ledger_server import Ledger, answering, served, whole

KEY = key_of("server")
IDENTITY = Identity(KEY, lambda: int(time.time()), lambda: secrets.token_bytes(32))


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    store = MemoryStore()
    made = Ledger(store, tmp_path)
    made.say(made.first)
    made.publish()
    yield made
    store.close()


def shaken(ledger: Ledger, url: str, state: Path) -> ServerSession:
    id_ = manifest_hash(ledger.first.statement)
    return shake_hands(
        post_to(url), LedgerMemory(state, id_), lambda seen: seen, WITHOUT_WITNESSES, key_of("reporter"),
        int(time.time()), lambda: secrets.token_bytes(32),
    )  # fmt: skip


def test_a_server_that_the_ledger_names_gives_a_session_and_what_it_showed_is_remembered(
    ledger: Ledger, tmp_path: Path
) -> None:
    with served(ledger.public, IDENTITY) as url:
        with pytest.raises(ServerRefuses, match="server-not-named"):
            shaken(ledger, url, tmp_path / "state")
        ledger.name(KEY.public, int(time.time()) + 60)
        ledger.publish()
        met = shaken(ledger, url, tmp_path / "state")
    assert (met.channel.theirs, met.version, len(met.token)) == (KEY.public, 3, 32)
    assert met.until_s > time.time()
    seen = LedgerMemory(tmp_path / "state", manifest_hash(ledger.first.statement)).read()
    assert [each.point().size for each in seen.heads] == [3]


def test_without_a_key_nobody_is_greeted_and_all_else_is_there(ledger: Ledger, tmp_path: Path) -> None:
    with served(ledger.public) as url:
        with pytest.raises(HandshakeNotOffered):
            shaken(ledger, url, tmp_path / "state")
        assert httpx.get(f"{url}/checkpoint", trust_env=False).status_code == 200
    with pytest.raises(SourceFailed):
        shaken(ledger, url, tmp_path / "state")
    assert not (tmp_path / "state").exists(), "nothing was seen"


def test_versions_apart_are_said_so_and_bad_bodies_refused(ledger: Ledger) -> None:
    ledger.name(KEY.public, int(time.time()) + 60)
    ledger.publish()
    hello = Caller(manifest_hash(ledger.first.statement), key_of("reporter"), lambda: some("nonce")).hello
    with served(ledger.public, IDENTITY) as url, httpx.Client(base_url=url, trust_env=False) as client:

        def code(path: str, body: bytes) -> tuple[int, str]:
            answer = client.post(path, content=body)
            return answer.status_code, answer.json()["errors"][0]["extensions"]["code"]

        later = msgspec.json.encode(msgspec.structs.replace(hello, versions=(7,)))
        assert code(GREET, later) == (400, "handshake-versions-apart")
        assert code(GREET, msgspec.json.encode(hello)[:-1]) == (400, "bad-handshake")
        assert code(GREET, b"x" * 2000) == (413, "body-too-large")
        assert code(ANSWER, msgspec.json.encode({"nonce": bytes(32), "signature": bytes(64)})) == (
            400,
            "handshake-late",
        )
        assert client.get(GREET).status_code == 404
        assert client.post("/checkpoint", content=b"").status_code == 405
        good = client.post(GREET, content=msgspec.json.encode(hello))
        assert (good.status_code, good.headers["cache-control"]) == (200, "no-store")


@pytest.mark.parametrize(
    ("answer", "wrong"),
    [
        (whole(b"{}"), BadHandshake),
        (whole(b'{"errors":[{"extensions":{"code":"<b>no</b>"}}]}', "400 Bad Request"), ServerRefuses),
        (whole(b"x" * 10_000_000), SourceTooLarge),
        (whole(b"", "302 Found", "Location: http://127.0.0.1:1/\r\n"), SourceFailed),
        (whole(b"", "500 Oh"), SourceFailed),
    ],
)
def test_a_hostile_server_learns_nothing(
    ledger: Ledger, tmp_path: Path, answer: bytes, wrong: type[Exception]
) -> None:
    with answering(lambda asking, _: asking.sendall(answer)) as url, pytest.raises(wrong) as caught:
        shaken(ledger, url, tmp_path / "state")
    assert "<b>" not in str(caught.value)


def test_a_server_in_between_with_a_key_of_its_own_is_found_out(ledger: Ledger, tmp_path: Path) -> None:
    ledger.name(KEY.public, int(time.time()) + 60)
    ledger.publish()
    thief = Identity(key_of("a thief"), IDENTITY.now_s, IDENTITY.nonce)
    with served(ledger.public, thief) as url, pytest.raises(ServerRefuses, match="server-not-named"):
        shaken(ledger, url, tmp_path / "state")
    with served(ledger.public, IDENTITY) as real:

        def relayed(asking: object, path: str) -> None:
            other = Caller(manifest_hash(ledger.first.statement), key_of("a thief"), lambda: some("nonce"))
            said = httpx.post(f"{real}/{path}", content=msgspec.json.encode(other.hello), trust_env=False)
            asking.sendall(whole(said.content))  # type: ignore[attr-defined]

        with answering(relayed) as url, pytest.raises(HandshakeForged):
            shaken(ledger, url, tmp_path / "state")
