"""A witness over HTTP: every status and header that C2SP tlog-witness names, and requests that others published."""

import contextlib
import json
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from scmanager.adapters.witness_folder import WitnessFolder, add_log
from scmanager.api import readers, witness_app
from scmanager.api.witness_app import AGAIN_BURST, SUBMIT_COST, Patience, WitnessAskedTooOften
from scmanager.eventstore.checkpoint import parse_note
from scmanager.eventstore.head_fork import HeadFork
from scmanager.master_ledger.policy import Vkey
from scmanager.master_ledger.witnessing import REQUEST_BYTES_MAX
from tests.golden.logs import key_of
from tests.support.ledger import NOW_S
from tests.support.witness import NAME, ShownLog, make_witness, request, times, witnessing

VECTORS = json.loads((Path(__file__).parent.parent / "vectors" / "torchwood" / "add-checkpoint.json").read_text())
SOFA = ShownLog()
GO = ShownLog("go.sum database tree", "sum.example.org")
EXTENDED = ShownLog("example.com/extended", more="a line that others do not know\nand another\n")


class Asked:
    """The witness, at both ends."""

    def __init__(self, client: httpx.Client, held: WitnessFolder) -> None:
        self.client, self.held = client, held

    def post(self, body: bytes, **given: Any) -> httpx.Response:
        return self.client.post("/add-checkpoint", content=body, **given)

    def status(self, body: bytes) -> int:
        return self.post(body).status_code

    def size(self, log: ShownLog) -> int:
        """Where it is with a log."""
        answer = self.post(log.asks(0, 1))
        return int(answer.text) if answer.status_code == 409 else 0


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Asked]:
    make_witness(tmp_path / "w", SOFA, GO, EXTENDED)
    with witnessing(tmp_path / "w") as (client, held):
        yield Asked(client, held)


@pytest.mark.parametrize("log", [SOFA, GO, EXTENDED], ids=lambda log: log.origin)
def test_a_log_that_grows_is_cosigned_by_both_keys(asked: Asked, log: ShownLog) -> None:
    for old, size in [(0, 3), (3, 8), (8, 8), (8, 13), (13, 600)]:
        answer = asked.post(log.asks(old, size))
        assert answer.status_code == 200
        assert [line.split(" ")[:2] for line in answer.text.splitlines()] == [["—", NAME]] * 2
        assert answer.content.endswith(b"\n")
        assert times(log.head(size) + answer.content, asked.held.vkeys) == [NOW_S, NOW_S]


def test_what_was_cosigned_is_served_with_the_lines_that_were_answered(asked: Asked) -> None:
    assert asked.client.get(f"{SOFA.path}/checkpoint").status_code == 404
    lines = asked.post(SOFA.asks(0, 5)).content
    answer = asked.client.get(f"{SOFA.path}/checkpoint")
    assert (answer.status_code, answer.content) == (200, SOFA.head(5) + lines)
    assert asked.client.head(f"{SOFA.path}/checkpoint").status_code == 200
    assert asked.client.get(f"{SOFA.path.upper()}/checkpoint").status_code == 404
    assert asked.client.get(f"{GO.path}/checkpoint").status_code == 404
    assert asked.client.get(f"{SOFA.path}/fork").status_code == 404


def test_lines_of_others_are_neither_needed_nor_kept(asked: Asked) -> None:
    others = "— example.com/behind-the-sofa AAAAAAAAAA==\n— somebody.else/x AAAAAAAAAA==\n".encode()
    lines = asked.post(request(0, [], SOFA.head(5) + others)).content
    assert asked.client.get(f"{SOFA.path}/checkpoint").content == SOFA.head(5) + lines


def test_an_old_size_that_is_not_the_last_is_told_the_last(asked: Asked) -> None:
    assert asked.status(SOFA.asks(0, 5)) == 200
    for old, size in [(0, 9), (4, 9), (6, 9), (0, 5), (3, 3)]:
        answer = asked.post(SOFA.asks(old, size))
        assert (answer.status_code, answer.content) == (409, b"5\n")
        assert answer.headers["content-type"] == "text/x.tlog.size"
    other = asked.post(GO.asks(4, 9))
    assert (other.status_code, other.content) == (409, b"0\n")  # Nothing was cosigned of it.


def test_an_unknown_log_is_not_found(asked: Asked) -> None:
    assert asked.status(ShownLog("example.com/another").asks(0, 5)) == 404


def test_what_the_log_did_not_sign_is_forbidden(asked: Asked) -> None:
    text = SOFA.text(5)
    stranger = ShownLog("example.com/behind-the-sofa", "example.com/stranger")
    assert asked.status(request(0, [], stranger.note(text))) == 403
    assert asked.status(request(0, [], SOFA.note(text, key_of("another key")))) == 403
    good, wrong = SOFA.note(text), SOFA.note(SOFA.text(6)).rpartition(b"\n\n")[2]
    assert asked.status(request(0, [], good + wrong)) == 403  # A line of a known key that does not hold.
    assert asked.status(request(0, [], good)) == 200


def test_a_proof_that_proves_nothing_is_unprocessable(asked: Asked) -> None:
    assert asked.status(request(0, SOFA.proof(3, 5), SOFA.head(5))) == 422  # None is needed from nothing.
    assert asked.status(SOFA.asks(0, 5)) == 200
    proof = SOFA.proof(5, 9)
    for wrong in ([], proof[:-1], [*proof, proof[0]], proof[::-1], [bytes(32), *proof[1:]], SOFA.proof(4, 9)):
        assert asked.status(request(5, wrong, SOFA.head(9))) == 422
    assert asked.status(request(5, proof, SOFA.head(5))) == 422
    assert asked.status(request(5, [], SOFA.head(9))) == 422
    assert asked.status(request(5, proof, SOFA.head(9))) == 200


def test_the_empty_tree_has_the_empty_root(asked: Asked) -> None:
    assert asked.status(request(0, [], SOFA.note(SOFA.text(0, root=bytes(range(32)))))) == 422
    assert asked.status(SOFA.asks(0, 0)) == 200
    assert asked.status(SOFA.asks(0, 0)) == 200
    assert asked.client.get(f"{SOFA.path}/checkpoint").status_code == 200
    assert asked.status(SOFA.asks(0, 4)) == 200


def test_what_is_no_request_is_bad(asked: Asked) -> None:
    for body in (
        b"",
        b"old 0\n",
        b"old 0\n\n",
        SOFA.head(5),
        b"old 0\n" + SOFA.head(5),
        b"old\n\n" + SOFA.head(5),
        b"old 00\n\n" + SOFA.head(5),
        b"old +0\n\n" + SOFA.head(5),
        b"old -1\n\n" + SOFA.head(5),
        b"old 0 \n\n" + SOFA.head(5),
        b"old  0\n\n" + SOFA.head(5),
        b"old 0\r\n\r\n" + SOFA.head(5),
        "old ٣\n\n".encode() + SOFA.head(5),
        b"old 9223372036854775808\n\n" + SOFA.head(5),
        b"old 0\n\n" + SOFA.head(5)[:-1],
        b"old 0\n\n" + SOFA.text(5).encode(),
        b"old 0\n\n" + SOFA.head(5).replace(b"\n5\n", b"\n05\n"),
        b"old 0\n\n" + SOFA.head(5).replace(b"=\n", b"\n", 1),
        b"old 0\nnot base64\n\n" + SOFA.head(5),
        b"old 0\nAAAA\n\n" + SOFA.head(5),
        request(0, [bytes(32)] * 64, SOFA.head(5)),
        SOFA.asks(6, 5),
        b"\xff\xfe\x00" * 20,
    ):
        answer = asked.post(body)
        assert answer.status_code == 400, body
        assert answer.text.startswith("witness-request-bad: ")


def test_the_requests_of_another_witness_get_the_answers_of_the_page(tmp_path: Path) -> None:
    make_witness(tmp_path / "w")
    for log in VECTORS["logs"]:
        add_log(tmp_path / "w", Vkey.parse(log["vkey"]), log["origin"])
    with witnessing(tmp_path / "w") as (client, held):
        for each in VECTORS["requests"]:
            note = each["request"].partition("\n\n")[2].encode()
            unknown = note.partition(b"\n")[0].decode() not in {log["origin"] for log in VECTORS["logs"]}
            answer = client.post("/add-checkpoint", content=each["request"].encode())
            assert answer.status_code == (404 if unknown else each["status"]), each["request"]
            if answer.status_code == 200:
                assert times(note + answer.content, held.vkeys) == [NOW_S, NOW_S]


@pytest.mark.parametrize(("old", "size", "left_at"), [(7, 7, 4), (7, 12, 4), (13, 700, 0)])
def test_a_log_that_shows_two_histories_is_convicted_and_cosigned_no_more(
    asked: Asked, old: int, size: int, left_at: int
) -> None:
    assert asked.status(SOFA.asks(0, old)) == 200
    kept = asked.client.get(f"{SOFA.path}/checkpoint").content
    assert asked.status(SOFA.asks(old, size, left_at)) == 422
    evidence = HeadFork.parse(asked.client.get(f"{SOFA.path}/fork").content)
    evidence.verify(SOFA.key.public)
    assert evidence.origin == SOFA.origin
    assert asked.status(SOFA.asks(old, old + 3)) == 403
    assert asked.client.get(f"{SOFA.path}/checkpoint").content == kept  # Old proofs stay good.
    assert asked.status(GO.asks(0, 5)) == 200


def test_another_root_of_any_size_that_was_cosigned_convicts(asked: Asked) -> None:
    for old, size in [(0, 4), (4, 9), (9, 20)]:
        assert asked.status(EXTENDED.asks(old, size)) == 200
    answer = asked.post(EXTENDED.asks(0, 9, left_at=3))
    assert (answer.status_code, answer.content) == (409, b"20\n")
    HeadFork.parse(asked.client.get(f"{EXTENDED.path}/fork").content).verify(EXTENDED.key.public)
    assert asked.status(EXTENDED.asks(20, 21)) == 403


def test_a_bad_proof_alone_convicts_nobody(asked: Asked) -> None:
    assert asked.status(SOFA.asks(0, 7)) == 200
    assert asked.status(request(7, [bytes(32)] * len(SOFA.proof(7, 12)), SOFA.head(12))) == 422
    assert asked.client.get(f"{SOFA.path}/fork").status_code == 404
    assert asked.status(SOFA.asks(7, 12)) == 200


def test_a_log_that_is_listed_meanwhile_is_witnessed(asked: Asked, tmp_path: Path) -> None:
    fresh = ShownLog("example.com/fresh")
    assert asked.status(fresh.asks(0, 5)) == 404
    add_log(tmp_path / "w", fresh.vkey, None)
    assert asked.status(fresh.asks(0, 5)) == 200


def test_a_list_that_broke_is_a_fault_of_the_witness(asked: Asked, tmp_path: Path) -> None:
    (tmp_path / "w" / "logs").write_text("no list at all")
    answer = asked.post(SOFA.asks(0, 5))
    assert (answer.status_code, "retry-after" in answer.headers) == (503, True)
    assert str(tmp_path) not in answer.text


def test_other_paths_and_methods_are_not_there(asked: Asked) -> None:
    for method, path, status in (
        ("GET", "/add-checkpoint", 405), ("PUT", "/add-checkpoint", 405), ("POST", f"{SOFA.path}/checkpoint", 405),
        ("GET", "/", 404), ("POST", "/", 404), ("GET", "/checkpoint", 404), ("POST", "/add-checkpoint/", 404),
        ("GET", "/..%2fwitness.json", 404), ("GET", f"{SOFA.path}/checkpoint%0a", 404),
    ):  # fmt: skip
        answer = asked.client.request(method, path)
        assert (answer.status_code, path) == (status, path)
        assert ("allow" in answer.headers) == (status == 405)
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_a_body_has_a_largest_size_told_or_not(asked: Asked) -> None:
    assert asked.status(b"x" * (REQUEST_BYTES_MAX + 1)) == 413
    pieces = iter([b"x" * 65_536] * 64)
    try:
        assert asked.client.post("/add-checkpoint", content=pieces).status_code == 413
    except httpx.TransportError:  # Let go while it still sends.
        assert next(pieces, None) is not None
    assert asked.status(SOFA.asks(0, 5)) == 200


def test_a_request_in_absolute_form_is_answered(asked: Asked) -> None:
    assert asked.status(SOFA.asks(0, 5)) == 200
    url = asked.client.base_url
    with socket.create_connection((url.host, url.port or 0), timeout=10) as raw:
        raw.sendall(f"GET http://w.example{SOFA.path}/checkpoint HTTP/1.1\r\nHost: w.example\r\n\r\n".encode())
        assert raw.recv(100).startswith(b"HTTP/1.1 200 ")


def test_who_sends_slowly_loses_his_place(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness_app, "BODY_S", 0.3)
    url = asked.client.base_url
    with socket.create_connection((url.host, url.port or 0), timeout=10) as slow:
        slow.sendall(b"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nContent-Length: 500\r\n\r\nold 0\n")
        began = time.monotonic()
        with contextlib.suppress(ConnectionError):
            assert not slow.recv(1)
    assert time.monotonic() - began < 8
    assert asked.status(SOFA.asks(0, 5)) == 200


def test_the_same_head_is_cosigned_only_so_often_and_further_ones_always(asked: Asked) -> None:
    assert asked.status(SOFA.asks(0, 5)) == 200
    found = [asked.status(SOFA.asks(5, 5)) for _ in range(int(AGAIN_BURST) + 8)]
    assert found[:10] == [200] * 10
    assert found[-1] == 429
    assert asked.status(SOFA.asks(5, 6)) == 200
    assert asked.status(GO.asks(0, 5)) == 200


def test_who_lacks_the_logs_key_spends_nothing_of_the_logs_patience(asked: Asked) -> None:
    assert asked.status(SOFA.asks(0, 5)) == 200
    forged = request(5, [], SOFA.note(SOFA.text(5), key_of("thief")))
    assert {asked.status(forged) for _ in range(int(AGAIN_BURST) + 8)} == {403}
    assert asked.status(SOFA.asks(5, 5)) == 200


def test_logs_that_nobody_listed_do_not_bring_patience_back(asked: Asked, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness_app, "LOGS_COUNTED", 4)
    monkeypatch.setattr(witness_app, "AGAIN_PER_S", 0.0)
    assert asked.status(SOFA.asks(0, 5)) == 200
    while asked.status(SOFA.asks(5, 5)) == 200:
        pass
    assert {asked.status(ShownLog(f"made-up-{n}").asks(5, 5)) for n in range(8)} == {404}
    assert asked.status(SOFA.asks(5, 5)) == 429


def test_one_address_has_room_for_many_requests_and_leaves_room_for_others(
    asked: Asked, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of whom a web server in front tells; it does not matter what they send."""
    monkeypatch.setattr(readers, "ROOM", 100 * SUBMIT_COST)
    monkeypatch.setattr(readers, "FILL_S", 0.01)
    found = [asked.post(b"", headers={"x-forwarded-for": "2001:db8::7"}).status_code for _ in range(110)]
    assert found == [400] * 100 + [429] * 10
    last = asked.post(b"", headers={"x-forwarded-for": "2001:db8::8"})
    assert (last.status_code, last.headers["retry-after"]) == (429, "5"), "the same network"
    assert asked.post(SOFA.asks(0, 5), headers={"x-forwarded-for": "2001:db8:0:1::7"}).status_code == 200
    assert asked.status(SOFA.asks(5, 6)) == 200


def test_patience_comes_back() -> None:
    now = [0.0]
    patience = Patience(lambda: now[0])
    for _ in range(int(AGAIN_BURST)):
        patience.spend("log")
    with pytest.raises(WitnessAskedTooOften):
        patience.spend("log")
    patience.spend("another")
    now[0] += 1
    patience.spend("log")


def test_one_connection_serves_many_requests(asked: Asked) -> None:
    for old in range(40):
        answer = asked.post(SOFA.asks(old, old + 1))
        assert answer.status_code == 200
        assert answer.headers.get("connection") != "close"
    assert len(parse_note(asked.client.get(f"{SOFA.path}/checkpoint").content).signatures) == 3


def test_slow_bodies_of_one_address_are_counted_before_they_are_read(asked: Asked) -> None:
    url, mine = asked.client.base_url, "203.0.113.9"
    head = f"POST /add-checkpoint HTTP/1.1\r\nHost: w\r\nX-Forwarded-For: {mine}\r\nContent-Length: 9\r\n\r\nold 0\n"
    with contextlib.ExitStack() as slow:
        for _ in range(readers.OPEN_MAX):
            raw = slow.enter_context(socket.create_connection((url.host, url.port or 0), timeout=10))
            raw.sendall(head.encode())
            time.sleep(0.02)
        refused = asked.post(b"", headers={"x-forwarded-for": mine})
        assert (refused.status_code, refused.text.partition(":")[0]) == (429, "too-many-open")
        assert asked.post(SOFA.asks(0, 5), headers={"x-forwarded-for": "198.51.100.7"}).status_code == 200
