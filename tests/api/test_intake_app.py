"""Reporting over HTTP: receipts that hold, limits that hold, and a door that hostile bodies do not get through."""

import contextlib
import json
import os
import secrets
import socket
import time
from base64 import b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.adapters import record_store
from scmanager.adapters.record_store import RecordsDamaged
from scmanager.api import pace
from scmanager.api.handshake import Identity
from scmanager.api.intake_app import Limits
from scmanager.api.listening import REQUESTS_MAX
from scmanager.api.pace import BODIES_MAX
from scmanager.api.readers import Buckets, Rate
from scmanager.application import vault
from scmanager.application.reports import AUDIT, KINDS, Kind, ReportsUnusable
from scmanager.application.sequencing import entries_of
from scmanager.author import intake as own_intake
from scmanager.domain.consent import consent_hash
from scmanager.domain.consent_texts import Purpose
from scmanager.domain.intake import RISING_REPORTS, BugOpened, ErrorCounted, Frame
from scmanager.eventstore.checkpoint import verify_note
from scmanager.eventstore.entry import digest
from scmanager.eventstore.merkle import leaf_hash, verify_inclusion
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger import handshake
from scmanager.master_ledger.handshake import SESSION_HEADER, Answer, Caller, Delegation
from scmanager.master_ledger.reports import REPORTS_MAX, STATES_MAX, Receipt, batch_of, node_id_of
from scmanager.master_ledger.sealed import MEDIA, Channel
from scmanager.master_ledger.statistics_batch import PATH
from tests.golden.logs import key_of
from tests.support.app_server import served
from tests.support.intake import Site, audit_batch, base64, reported
from tests.support.statistics import day_of

SNAPSHOT = Path(__file__).parent / "intake-openapi.json"
AUDIT_PATH = "/api/v1/audit"


class Asked:
    """The server, and whose it is."""

    def __init__(self, site: Site, client: httpx.Client) -> None:
        self.site, self.client = site, client

    def post(self, body: Any, path: str = AUDIT_PATH, **headers: str) -> httpx.Response:
        return self.client.post(path, json=body, headers=headers)

    def receipt(self, body: Any) -> Receipt:
        answer = self.post(body)
        assert answer.status_code == 200, answer.text
        return msgspec.json.decode(answer.content, type=Receipt)

    def refused(self, body: Any, path: str = AUDIT_PATH, **headers: str) -> tuple[int, str]:
        return told(self.post(body, path, **headers))


def told(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["errors"][0]["extensions"]["code"]


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    site = Site(tmp_path_factory.mktemp("intake")).make()
    with site.serving() as url, httpx.Client(base_url=url, trust_env=False, timeout=30) as client:
        yield Asked(site, client)


def test_what_is_reported_can_be_proved_from_receipt_and_published_hashes(asked: Asked) -> None:
    number = secrets.token_bytes(16)
    told = asked.receipt(audit_batch(3, number))
    assert told.count == 3
    public = asked.site.manifests[0].statement.logs[0].key
    point = None
    end = time.monotonic() + 20
    while point is None or point.size < told.size:
        assert time.monotonic() < end, "the head is never published"
        time.sleep(0.1)
        note = asked.client.get("/intake/checkpoint").content
        origin = note.split(b"\n", 1)[0].decode()
        point = verify_note(note, origin, public)
    for place, one in enumerate(entries_of(told, batch_of(number), reported(3)), told.first):
        proof = asked.client.get(f"/intake/api/v1/ledger/inclusion/{place}?size={point.size}").json()
        hashes = [b64decode(each) for each in proof["hashes"]]
        assert verify_inclusion(place, point.size, leaf_hash(one.data), hashes, point.root)


def test_a_batch_sent_again_has_the_same_answer_to_the_byte(asked: Asked) -> None:
    body = audit_batch(2)
    first = asked.post(body)
    assert asked.post(body).content == first.content
    with ThreadPoolExecutor(8) as pool:
        twin = audit_batch(5)
        answers = list(pool.map(lambda _: asked.post(twin).content, range(16)))
    assert len(set(answers)) == 1
    assert asked.receipt(audit_batch(1)).first == msgspec.json.decode(answers[0], type=Receipt).first + 5


def test_the_entries_themselves_are_not_published(asked: Asked) -> None:
    asked.receipt(audit_batch(1))
    time.sleep(1.2)
    names = {path.relative_to(asked.site.public).parts[1] for path in (asked.site.public / "intake").rglob("*")}
    assert names >= {"checkpoint", "manifests", "tile"}
    assert not list(asked.site.public.rglob("entries"))
    assert not list(asked.site.public.rglob("shared"))


def test_who_sends_is_written_nowhere(asked: Asked) -> None:
    answer = asked.post(audit_batch(1), **{"X-Forwarded-For": "203.0.113.77"})
    assert answer.status_code == 200
    held = b"".join(path.read_bytes() for path in asked.site.folder.rglob("*") if path.is_file())
    assert b"203.0.113.77" not in held


def test_without_consent_nothing_is_taken(asked: Asked) -> None:
    body = audit_batch(1)
    size = asked.receipt(audit_batch(1)).size
    assert asked.refused({name: each for name, each in body.items() if name != "consent"})[0] == 422
    assert asked.refused(body | {"consent": base64(bytes(32))})[1] == "consent-unknown"
    assert asked.receipt(audit_batch(1)).first == size


@pytest.mark.parametrize(
    "changed",
    [
        {"type": "made-up"}, {"at": -1}, {"at": 2**60}, {"source": base64(bytes(31))}, {"payload": "not base64!"},
        {"version": "one two"}, {"region": "de"}, {"region": "XX"}, {"region": "DEU"}, {"count": 0}, {"name": "Ada"},
        {"version": "a\0b"}, {"count": 1.5}, {"at": None},
    ],
)  # fmt: skip
def test_a_report_that_is_not_one_is_refused_with_all_of_its_batch(asked: Asked, changed: dict[str, Any]) -> None:
    body = audit_batch(2)
    body["reports"][1] |= changed
    assert asked.refused(body) == (422, "reports-unusable")


def test_a_batch_has_one_report_at_least_and_not_too_many(asked: Asked) -> None:
    assert asked.refused(audit_batch(1) | {"reports": []}) == (422, "reports-unusable")
    assert asked.refused(audit_batch(REPORTS_MAX + 1)) == (422, "reports-unusable")
    assert asked.receipt(audit_batch(REPORTS_MAX)).count == REPORTS_MAX
    assert asked.refused(audit_batch(1) | {"id": base64(bytes(15))}) == (422, "reports-unusable")


def test_only_json_that_is_small_enough_is_read(asked: Asked) -> None:
    body = json.dumps(audit_batch(1)).encode()
    post = asked.client.post
    assert told(post(AUDIT_PATH, content=body, headers={"content-type": "text/plain"})) == (415, "body-not-json")
    packed = {"content-type": "application/json", "content-encoding": "gzip"}
    assert told(post(AUDIT_PATH, content=body, headers=packed)) == (415, "body-not-json")
    large = body + b" " * AUDIT.bytes_max
    with contextlib.suppress(httpx.HTTPError):  # It may be let go before it has sent all.
        answer = post(AUDIT_PATH, content=large, headers={"content-type": "application/json"})
        assert told(answer) == (413, "body-too-large")
    assert asked.post(audit_batch(1)).status_code == 200


def test_other_methods_and_paths_are_named(asked: Asked) -> None:
    answer = asked.client.get(AUDIT_PATH)
    assert (*told(answer), answer.headers["allow"]) == (405, "intake-only-post", "POST")
    assert told(asked.client.get("/api/v1/audit/"))[0] == 404
    assert asked.client.get("/intake/nothing").status_code == 404
    assert asked.client.get("/intake/tile/0/000").status_code in (200, 404)


NODE = "ab" * 32
HEALTH_PATH, ERRORS_PATH = f"/api/v1/nodes/{NODE}/health", "/api/v1/errors"


def health() -> dict[str, Any]:
    report = {"at": 9, "version": "0.1.0", "states": [base64(bytes(32))], "running": 5, "failing": 0}
    ground = consent_hash(Purpose.HEALTH, 1)
    return {"id": base64(secrets.token_bytes(16)), "consent": base64(ground), "reports": [report]}


FRAMES = (Frame("scmanager.runtime", "open_node"), Frame("scmanager.eventstore.sqlite", "<module>"))


def errors(count: int = 1) -> dict[str, Any]:
    frames = [[each.module, each.function] for each in FRAMES]
    report = {"error": "StoreBusy", "frames": frames, "version": "0.1.0", "first_s": 8, "last_s": 9, "count": 4}
    ground = consent_hash(Purpose.ERROR_REPORTS, 1)
    return {"id": base64(secrets.token_bytes(16)), "consent": base64(ground), "reports": [report] * count}


def test_health_and_errors_are_taken_each_by_its_own_consent(asked: Asked) -> None:
    assert asked.post(health(), HEALTH_PATH).json()["count"] == 1
    assert asked.post(errors(3), ERRORS_PATH).json()["count"] == 3
    assert asked.refused(health(), ERRORS_PATH) == (422, "reports-unusable")
    assert asked.refused(health() | {"consent": errors()["consent"]}, HEALTH_PATH) == (403, "consent-unknown")
    assert asked.refused(errors() | {"consent": audit_batch()["consent"]}, ERRORS_PATH) == (403, "consent-unknown")


def test_the_hash_of_an_installation_is_a_hash_and_is_written_nowhere(asked: Asked) -> None:
    for typed in ("ada", "AB" * 32, "ab" * 31, "ab" * 33, "é" * 64):
        assert asked.refused(health(), f"/api/v1/nodes/{typed}/health")[0] == 404
    secret = secrets.token_hex(32)
    assert asked.post(health(), f"/api/v1/nodes/{secret}/health").status_code == 200
    held = b"".join(path.read_bytes() for path in asked.site.folder.rglob("*") if path.is_file())
    for spelled in (secret.encode(), bytes.fromhex(secret), base64(bytes.fromhex(secret)).encode()):
        assert spelled not in held


def test_no_text_of_anybody_fits_into_the_shape_of_an_error(asked: Asked) -> None:
    for name, value in (("error", "Ada's disk"), ("frames", [["os", "open"]]), ("frames", [["scmanager.x", "a b"]])):
        body = errors()
        body["reports"][0][name] = value
        assert asked.refused(body, ERRORS_PATH) == (422, "reports-unusable")


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.sampled_from(KINDS), st.binary(max_size=300) | st.text(max_size=100).map(str.encode))
def test_noise_is_no_batch(kind: Kind, noise: bytes) -> None:
    with pytest.raises(ReportsUnusable):
        kind.read(noise)


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(st.sampled_from(["id", "consent", "reports", "type", "at", "source", "payload", "version", "region"]), _json)
def test_a_batch_with_one_thing_replaced_is_read_or_refused_and_nothing_else(name: str, value: Any) -> None:
    body = audit_batch(2)
    target = body if name in body else body["reports"][1]
    target[name] = value
    with contextlib.suppress(ReportsUnusable):
        found = AUDIT.read(json.dumps(body).encode())
        assert len(found.reports.events) >= 1


def test_a_report_of_many_brackets_is_refused(asked: Asked) -> None:
    deep = b'{"id":' + b"[" * 50_000 + b"]" * 50_000 + b"}"
    answer = asked.client.post(AUDIT_PATH, content=deep, headers={"content-type": "application/json"})
    assert told(answer) == (422, "reports-unusable")


def test_what_is_offered_is_what_the_snapshot_says(asked: Asked) -> None:
    said = asked.client.get("/api/v1/intake/openapi.json").json()
    if os.environ.get("UPDATE"):
        SNAPSHOT.write_text(json.dumps(said, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    assert said == json.loads(SNAPSHOT.read_text(encoding="utf-8"))


# Limits


def test_a_sender_who_brings_too_much_hears_when_to_come_again(tmp_path: Path) -> None:
    site = Site(tmp_path).make()
    limits = Limits(address=Rate(10, 0.5))
    with site.serving(limits) as url, httpx.Client(base_url=url, trust_env=False) as client:
        asked = Asked(site, client)
        here = {"X-Forwarded-For": "198.51.100.1, 203.0.113.7"}
        assert asked.post(audit_batch(8), **here).status_code == 200
        answer = asked.post(audit_batch(8), **here)
        assert told(answer) == (429, "too-many-reports")
        assert 5 <= int(answer.headers["retry-after"]) <= 12
        assert asked.post(audit_batch(8), **{"X-Forwarded-For": "203.0.113.8"}).status_code == 200
        assert asked.post(audit_batch(2), **here).status_code == 200, "the refused ones cost nothing"
        assert asked.post(audit_batch(90)).status_code == 200, "who asks here directly has no address"


def test_a_bucket_fills_again_and_those_of_long_ago_are_forgotten() -> None:
    now = [0.0]
    held = Buckets(Rate(10, 2), lambda: now[0], names_max=2)
    held.take("a", 10)
    assert held.wait_s("a", 4) == 2.0
    now[0] = 2.0
    assert held.wait_s("a", 4) == 0
    held.take("a", 50)
    assert held.wait_s("a", 50) == 28.0, "more than the burst is waited for as the burst is"
    held.take("b", 1)
    held.take("c", 1)
    assert held.wait_s("a", 10) == 0
    assert held.wait_s("b", 10) == 0.5


def begun(opened: contextlib.ExitStack, asked: Asked, address: str, size: int) -> socket.socket:
    """A request whose body, of so many bytes, is to come."""
    url = asked.client.base_url
    raw = opened.enter_context(socket.create_connection((url.host, url.port or 0), timeout=20))
    head = (
        f"POST {AUDIT_PATH} HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {address}\r\nContent-Type: application/json\r\n"
    )
    raw.sendall(f"{head}Content-Length: {size}\r\n\r\n".encode())
    return raw


def drop(raw: socket.socket) -> bool:
    """One more byte of a body; False where the other side let go."""
    try:
        raw.sendall(b" ")
        raw.settimeout(0.001)
        return raw.recv(100) != b""
    except TimeoutError:
        return True
    except ConnectionError:
        return False


def test_who_sends_drop_by_drop_is_let_go_and_who_sends_10_kb_a_second_is_heard(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace, "PAUSE_S", 0.5)
    body = json.dumps(audit_batch(1)).encode().ljust(20_000)
    with contextlib.ExitStack() as opened:
        drops, slow = begun(opened, asked, "192.0.2.1", 999), begun(opened, asked, "192.0.2.2", len(body))
        began, gone_s = time.monotonic(), 0.0
        for at in range(0, len(body), 1_000):
            slow.sendall(body[at : at + 1_000])
            time.sleep(max(0.0, began + at / 10_000 - time.monotonic()))
            if not gone_s and not drop(drops):
                gone_s = time.monotonic() - began
        assert 0.4 < gone_s < 1.5
        assert slow.recv(100).startswith(b"HTTP/1.1 200 ")


def test_slow_bodies_of_many_addresses_keep_nobody_else_out(asked: Asked) -> None:
    """16 addresses, each with as many as one may have: more than there are places, and each sends on."""
    with contextlib.ExitStack() as opened:
        slow = []
        honest = begun(opened, asked, "198.51.100.1", 4_000)
        honest.sendall(b"{")
        for number in range(REQUESTS_MAX):
            slow.append(begun(opened, asked, f"203.0.113.{number % 16}", 1_000))
            time.sleep(0.005)
        for number in range(20):
            body = audit_batch(1)
            assert asked.post(body, **{"x-forwarded-for": f"198.51.100.{number}"}).status_code == 200
        assert sum(drop(raw) for raw in slow) <= BODIES_MAX
        assert drop(honest), "who has but one is none of those that leave"


def test_who_brings_little_comes_through_a_crowd_of_addresses_with_large_bodies(asked: Asked) -> None:
    """Twice as many addresses as there is room for bodies, one each, and each begins anew where he was let go."""
    body = json.dumps(audit_batch(1)).encode().ljust(10_000)
    with contextlib.ExitStack() as opened:
        crowd = [begun(opened, asked, f"203.0.113.{number}", 900_000) for number in range(BODIES_MAX * 2)]
        honest = begun(opened, asked, "198.51.100.1", len(body))
        for at in range(0, len(body), 1_000):
            honest.sendall(body[at : at + 1_000])
            for number, raw in enumerate(crowd[at // 100 : at // 100 + 10], at // 100):
                if not drop(raw):
                    crowd[number] = begun(opened, asked, f"203.0.113.{number}", 900_000)
            time.sleep(0.05)
        honest.settimeout(20)
        assert honest.recv(100).startswith(b"HTTP/1.1 200 ")


def test_slow_bodies_of_one_address_keep_nobody_else_out(asked: Asked) -> None:
    address, mine, other = asked.client.base_url, "203.0.113.9", "198.51.100.7"
    head = (
        f"POST /api/v1/audit HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {mine}\r\n"
        "Content-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"
    )
    with contextlib.ExitStack() as slow:
        for _ in range(REQUESTS_MAX + 20):
            with contextlib.suppress(ConnectionError):
                raw = slow.enter_context(socket.create_connection((address.host, address.port or 0), timeout=20))
                raw.sendall(head.encode())
                time.sleep(0.01)  # Its head is read before the next one comes: who has said nothing yet gives way.
        assert asked.post(audit_batch(1), **{"x-forwarded-for": other}).status_code == 200
        assert asked.refused(audit_batch(1), **{"x-forwarded-for": mine}) == (429, "too-many-open")
        answer = asked.post(audit_batch(1), **{"x-forwarded-for": mine})
        assert int(answer.headers["retry-after"]) >= 1
    deadline = time.monotonic() + 10
    while asked.post(audit_batch(1), **{"x-forwarded-for": mine}).status_code != 200:
        assert time.monotonic() < deadline, "who has nothing open any more is heard again"
        time.sleep(0.05)


def test_what_is_broken_on_the_server_is_told_by_its_code_and_not_by_where_it_lies(tmp_path: Path) -> None:
    site = Site(tmp_path).make()
    with site.serving() as url, httpx.Client(base_url=url, trust_env=False) as client:
        for path in (site.settings.data / "intake").rglob(record_store.FILE_NAME):
            path.write_bytes(b"noise" * 4_096)
        records = msgspec.to_builtins(day_of("ada"))
        consent = base64(consent_hash(Purpose.STATISTICS, 1))
        answer = client.post(PATH, json={"id": base64(bytes(16)), "consent": consent, "reports": records})
        assert told(answer) == (503, RecordsDamaged.code)
        assert str(tmp_path) not in answer.text
        assert record_store.FILE_NAME not in answer.text


def test_a_log_that_nobody_lists_takes_nothing_and_the_ledger_is_read_all_the_same(tmp_path: Path) -> None:
    site = Site(tmp_path).make()
    with site.open() as intake:
        log = intake.log()
    from scmanager.domain.ledger import Final

    site.list(log, Final(1, bytes(32)))
    with site.serving() as url, httpx.Client(base_url=url, trust_env=False) as client:
        answer = Asked(site, client).post(audit_batch(1))
        assert told(answer) == (503, "not-delegated")
        assert int(answer.headers["retry-after"]) >= 5
        assert client.get("/openapi.json").status_code == 200
    assert not (site.public / "intake").exists(), "nothing is published of it"


def test_a_large_report_costs_as_much_as_its_bytes(tmp_path: Path) -> None:
    site = Site(tmp_path).make()
    with site.serving(Limits(address=Rate(30, 0.01))) as url, httpx.Client(base_url=url, trust_env=False) as client:
        asked, large = Asked(site, client), health()
        large["reports"][0]["states"] = [base64(bytes([1, n]) * 16) for n in range(STATES_MAX)]
        here = {"X-Forwarded-For": "203.0.113.7"}
        assert asked.post(large, HEALTH_PATH, **here).status_code == 200
        assert asked.refused(large | {"id": health()["id"]}, HEALTH_PATH, **here) == (429, "too-many-reports")
        assert asked.post(health(), HEALTH_PATH, **here).status_code == 200


def test_all_together_bring_no_more_than_there_is_room_for(tmp_path: Path) -> None:
    site = Site(tmp_path).make()
    with site.serving(Limits(all=Rate(20, 0.01))) as url, httpx.Client(base_url=url, trust_env=False) as client:
        asked = Asked(site, client)
        answers = [asked.post(audit_batch(6), **{"X-Forwarded-For": f"203.0.113.{n}"}).status_code for n in range(5)]
        assert answers == [200, 200, 200, 429, 429]
        assert asked.post(audit_batch(6)).status_code == 200, "from this machine"


def test_on_a_disk_that_is_nearly_full_nothing_is_taken(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_intake, "FREE_BYTES_MIN", 1 << 60)
    monkeypatch.setattr(own_intake, "FREE_SHARE", 1)
    assert asked.refused(audit_batch(1)) == (503, "disk-nearly-full")
    monkeypatch.undo()
    assert asked.post(audit_batch(1)).status_code == 200


# Sessions

SERVER, REPORTER = key_of("report server"), key_of("reporter")


class InSession(NamedTuple):
    token: str
    channel: Channel


def greeted(identity: Identity, reporter: SigningKey = REPORTER) -> InSession:
    caller = Caller(bytes(32), reporter, lambda: secrets.token_bytes(32))
    hello = caller.hello
    welcome = identity.greeter.greet(hello, Delegation(bytes(32), b"", b""), identity.now_s())
    said = handshake._message(welcome.key, reporter.public, hello, welcome.nonce, welcome.version)
    token = identity.greeter.grant(Answer(welcome.nonce, reporter.sign(said)), identity.now_s()).token.hex()
    key = caller._once.agreed(reporter, welcome.key, welcome.nonce)
    return InSession(token, Channel(key, welcome.key, lambda: secrets.token_bytes(32)))


def sealed(asked: Asked, session: InSession, body: Any, path: str = AUDIT_PATH, **headers: str) -> tuple[int, str]:
    """Status and code of what is said in a session; no code: it was taken."""
    token, channel = session
    request = channel.seal_request(path, json.dumps(body).encode())
    more = {SESSION_HEADER: token, "content-type": MEDIA, **headers}
    answer = asked.client.post(path, content=request, headers=more)
    if answer.headers["content-type"] != MEDIA:
        return told(answer)
    said = json.loads(channel.open_answer(request, answer.status_code, answer.content))
    return answer.status_code, said["errors"][0]["extensions"]["code"] if "errors" in said else ""


@contextlib.contextmanager
def greeting(tmp_path: Path, limits: Limits) -> Iterator[tuple[Asked, Identity]]:
    site, identity = Site(tmp_path).make(), Identity(SERVER, lambda: 1_000, lambda: secrets.token_bytes(32))
    with site.taking() as taking, site.counting(taking) as counted:
        app = site.app(counted, limits)
        app._intake._session = identity.channel
        with served(app) as url, httpx.Client(base_url=url, trust_env=False) as client:
            yield Asked(site, client), identity


def test_within_a_session_an_installation_has_its_own_limit_wherever_it_is(tmp_path: Path) -> None:
    with greeting(tmp_path, Limits(reporter=Rate(20, 0.01), ungreeted=Rate(5, 0.01))) as (asked, identity):
        mine, other = greeted(identity), greeted(identity, key_of("another"))
        here, there = ({"X-Forwarded-For": f"203.0.113.{n}"} for n in (7, 8))
        assert sealed(asked, mine, audit_batch(12), **here) == (200, "")
        assert sealed(asked, mine, audit_batch(12), **there) == (429, "too-many-reports")
        again = greeted(identity)
        assert sealed(asked, again, audit_batch(12), **there) == (429, "too-many-reports")
        assert sealed(asked, other, audit_batch(12), **here) == (200, "")
        assert asked.post(audit_batch(3), **here).status_code == 200, "without one there is less"
        assert asked.refused(audit_batch(3), **here) == (429, "too-many-reports")


@pytest.mark.parametrize("token", ["", "ab" * 32, "AB" * 32, "x" * 64, "ab" * 31, "é"])
def test_a_session_that_is_not_known_is_refused_so_that_its_owner_greets_again(tmp_path: Path, token: str) -> None:
    with greeting(tmp_path, Limits()) as (asked, identity):
        assert greeted(identity)
        said = {SESSION_HEADER.encode(): token.encode(), b"content-type": MEDIA.encode()}
        answer = asked.client.post(AUDIT_PATH, content=b"sealed", headers=said)
        assert told(answer) == (401, "session-unknown")


def test_health_is_told_by_its_own_installation_only(tmp_path: Path) -> None:
    with greeting(tmp_path, Limits()) as (asked, identity):
        session, mine = greeted(identity), node_id_of(REPORTER.public).hex()
        assert sealed(asked, session, health(), f"/api/v1/nodes/{mine}/health") == (200, "")
        assert sealed(asked, session, health(), HEALTH_PATH) == (404, "node-mistyped")


def test_who_has_the_token_and_not_the_key_reports_nothing_in_its_owners_name(tmp_path: Path) -> None:
    with greeting(tmp_path, Limits()) as (asked, identity):
        session, thief = greeted(identity), greeted(identity, key_of("a thief")).channel
        token = session.token
        request = thief.seal_request(AUDIT_PATH, json.dumps(audit_batch(1)).encode())
        answer = asked.client.post(
            AUDIT_PATH, content=request, headers={SESSION_HEADER: token, "content-type": MEDIA}
        )
        said = session.channel.open_answer(request, 400, answer.content)
        assert (answer.status_code, b"seal-broken" in said) == (400, True)
        assert asked.refused(audit_batch(1), **{SESSION_HEADER: token}) == (415, "body-not-json")
        assert sealed(asked, session, errors(), AUDIT_PATH) == (422, "reports-unusable")
        assert sealed(asked, session, audit_batch(1)) == (200, "")


# Ids


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_whoever_sends_a_batch_cannot_choose_under_which_id_it_stands(kind: Kind) -> None:
    bodies = {"reportAudit": audit_batch, "reportHealth": health, "reportErrors": errors}
    body = bodies[kind.name]()
    number = b64decode(body["id"])
    assert kind.read(json.dumps(body).encode()).reports.id == batch_of(number) != number


def test_a_stranger_s_batch_keeps_no_bug_record_from_being_opened(tmp_path: Path) -> None:
    site, heard = Site(tmp_path).make(), list[BugOpened]()
    with (
        site.taking(heard.append) as taking,
        site.counting(taking) as counted,
        served(site.app(counted)) as url,
        httpx.Client(base_url=url, trust_env=False) as client,
    ):
        shape = ErrorCounted(bytes(32), "StoreBusy", FRAMES, "0.1.0", 8, 9, 4)
        taken = digest("scm/bug/1", vault.fingerprint(shape), b"0.1.0")[:16]
        asked = Asked(site, client)
        assert asked.post(audit_batch(1, taken)).status_code == 200
        assert asked.post(errors(RISING_REPORTS), ERRORS_PATH).status_code == 200
        end = time.monotonic() + 20
        while not heard:
            assert time.monotonic() < end, "it is never opened"
            time.sleep(0.1)
        size = taking.sequencer.head.size
        assert asked.post(errors(), ERRORS_PATH).json()["first"] == size == 1 + 1 + RISING_REPORTS + 1
        time.sleep(1.5)
        assert len(heard) == 1


# What is answered


def test_of_the_intake_log_there_are_hashes_and_proofs_and_no_place_is_told(asked: Asked) -> None:
    asked.receipt(audit_batch(3))
    time.sleep(1.5)
    for path in ("api/v1/updates", "api/v1/plugins", "api/v1/ledger/entries/0", "shared/000", "tile/entries/000"):
        answer = asked.client.get(f"/intake/{path}")
        assert told(answer) == (404, "ledger-file-unknown"), path
    for path in ("checkpoint", "manifests", "api/v1/ledger/inclusion/0", "api/v1/ledger/consistency/1"):
        assert asked.client.get(f"/intake/{path}").status_code == 200, path
    answers = [asked.client.get(path) for path in ("/api/v1/updates", "/api/v1/plugins", "/api/v1/statistics/1")]
    assert not any(str(asked.site.folder) in answer.text for answer in answers)


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
def test_the_description_is_only_read(asked: Asked, method: str) -> None:
    answer = asked.client.request(method, "/api/v1/intake/openapi.json")
    assert (*told(answer), answer.headers["allow"]) == (405, "method-not-offered", "GET, HEAD")


def test_one_network_is_one_sender_however_it_is_written(tmp_path: Path) -> None:
    site = Site(tmp_path).make()
    with (
        site.serving(Limits(address=Rate(4, 0.01))) as url,
        httpx.Client(base_url=url, trust_env=False) as client,
    ):
        asked = Asked(site, client)
        said = [f"2001:db8::{number}" for number in range(1, 6)]
        answers = [asked.post(audit_batch(1), **{"X-Forwarded-For": each}).status_code for each in said]
        assert answers == [200, 200, 200, 200, 429]
