"""Fetching from servers that are slow, endless, broken or malicious: it ends soon, says why, and believes nothing."""

import gzip
import socket
import time
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.adapters import ledger_source
from scmanager.adapters.ledger_source import (
    AddressMistyped,
    Source,
    SourceFailed,
    SourceTooLarge,
    from_address,
    from_folder,
)
from scmanager.errors import Unavailable, Untrusted
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.merkle import leaf_hash
from scmanager.eventstore.tiles import BadTile, tiles_of
from scmanager.master_ledger import submission
from scmanager.master_ledger.content_hash import cid
from scmanager.master_ledger.fetching import SourceLacks, fetch_head, fetch_manifests
from scmanager.master_ledger.seen import LedgerRolledBack, LogForked, Outcome, Seen
from scmanager.master_ledger.statement import manifest_hash
from tests.support.ledger import CONTENT, NOW_S, RELEASE, WITHOUT_WITNESSES, Server, update
from tests.support.ledger_server import Answer, Ledger, answering, served, whole

MAX = 1000


def says(data: bytes) -> Answer:
    return lambda asking, _: asking.sendall(data)


def read(answer: Answer, bytes_max: int = MAX) -> bytes:
    with answering(answer) as url:
        return from_address(url)("checkpoint", bytes_max)


def test_what_it_gives_is_what_comes() -> None:
    assert read(says(whole(b"abc"))) == b"abc"
    assert read(says(whole(b"a" * MAX))) == b"a" * MAX
    assert read(says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n")) == b"abc"


def test_the_path_is_asked_for_below_the_address() -> None:
    asked: list[str] = []

    def answer(asking: socket.socket, path: str) -> None:
        asked.append(path)
        asking.sendall(whole(b""))

    with answering(answer) as url:
        from_address(f"{url}/ledger/")("tile/0/x001/000", MAX)
    assert asked == ["ledger/tile/0/x001/000"]


@pytest.mark.parametrize("status", ["404 Not Found", "410 Gone"])
def test_what_is_not_there_is_told_apart(status: str) -> None:
    with pytest.raises(SourceLacks, match="checkpoint"):
        read(says(whole(b"<html>", status)))


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (whole(b"", "301 Moved", "Location: http://127.0.0.1:1/\r\n"), "elsewhere"),
        (whole(b"", "307 Temporary", "Location: /other\r\n"), "elsewhere"),
        (whole(b"", "304 Not Modified"), "elsewhere"),
        (whole(b"", "500 Broken"), "answers 500"),
        (whole(b"", "206 Partial"), "answers 206"),
        (whole(gzip.compress(b"a" * 10), more="Content-Encoding: gzip\r\n"), "packs"),
        (b"noise\r\n\r\n", ""),
        (b"", ""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nless", ""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", ""),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", ""),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", ""),
        (b"HTTP/1.1 200 OK\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n", ""),
    ],
)
def test_what_is_no_plain_answer_is_none(answer: bytes, why: str) -> None:
    with pytest.raises(SourceFailed, match=why or "cannot be had"):
        read(says(answer))


def test_a_file_that_is_too_large_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SourceTooLarge, match="1000 bytes"):
        read(says(whole(b"a" * (MAX + 1))))

    def endless(asking: socket.socket, _: str) -> None:
        asking.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            asking.sendall(b"a" * 65_536)

    began = time.monotonic()
    with pytest.raises(SourceTooLarge):
        read(endless)
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("piece", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 900\r\n\r\n"])
def test_who_dribbles_is_left_in_time(piece: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    """A byte now and then, in the head or in the body: each piece is in time, all of it is not."""
    monkeypatch.setattr(ledger_source, "FILE_S", 0.6)

    def dribble(asking: socket.socket, _: str) -> None:
        asking.sendall(piece)
        for _number in range(100):
            asking.sendall(b"a")
            time.sleep(0.1)

    began = time.monotonic()
    with pytest.raises(SourceFailed, match="too long"):
        read(dribble)
    assert time.monotonic() - began < 5


def test_all_files_together_have_an_end() -> None:
    now = [0.0]
    with answering(says(whole(b"a"))) as url:
        get = from_address(url, clock=lambda: now[0])
        assert get("checkpoint", MAX) == b"a"
        now[0] = ledger_source.ALL_S + 0.5
        assert get("checkpoint", MAX) == b"a", "a long ledger has many files: each that comes brings its second"
        now[0] = ledger_source.ALL_S + 2.5
        with pytest.raises(SourceFailed, match="too long"):
            get("checkpoint", MAX)


def test_a_server_that_is_not_there_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with pytest.raises(SourceFailed, match="checkpoint"):
        from_address(f"http://127.0.0.1:{port}")("checkpoint", MAX)


@pytest.mark.parametrize(
    "typed",
    [
        "ftp://example.org", "http://", "http://:80", "http://user:word@example.org", "http://example.org/?a=b",
        "http://example.org/#a", "http://example.org:port/", "file:///etc/passwd", "http://[::1", "://x",
        "http://exa mple.org", "http://example.org/\n", "http://exämple.org", "http://example.org:99999",
    ],
)  # fmt: skip
def test_what_is_no_address_is_refused_before_anything_is_asked(typed: str) -> None:
    with pytest.raises(AddressMistyped):
        Source(typed)


@given(st.binary(max_size=200))
@settings(max_examples=40, deadline=None)
def test_noise_instead_of_an_answer_is_one_of_ours(noise: bytes) -> None:
    with answering(says(noise)) as url:
        try:
            from_address(url)("checkpoint", MAX)
        except (Unavailable, Untrusted):
            return
    assert noise.startswith(b"HTTP/1")


def test_a_folder_is_read_and_nothing_more_of_it_than_is_asked(tmp_path: Path) -> None:
    (tmp_path / "checkpoint").write_bytes(b"a" * MAX)
    get = from_folder(tmp_path)
    assert get("checkpoint", MAX) == b"a" * MAX
    with pytest.raises(SourceTooLarge):
        get("checkpoint", MAX - 1)
    with pytest.raises(SourceLacks):
        get("tile/0/000", MAX)
    with pytest.raises(SourceFailed):
        get(".", MAX)


# A whole ledger, by servers that lie about it.


class Lying:
    """A real ledger of 300 entries behind the real server, and what a client saw of it."""

    def __init__(self, tmp_path: Path) -> None:
        self.folder, self.store = tmp_path, MemoryStore()
        self.ledger = Ledger(self.store, tmp_path)
        self.ledger.fill(299)
        self.ledger.publish()
        self.seen = Seen(manifest_hash(self.ledger.first.statement))

    def fetch(self, url: str) -> Outcome:
        get = from_address(url)
        seen = fetch_manifests(self.seen, get).seen
        outcome = fetch_head(seen, get, WITHOUT_WITNESSES, NOW_S)
        self.seen = outcome.seen
        return outcome

    def sizes(self) -> list[int]:
        return [each.size for each in self.seen.heads_of(self.ledger.server.log.log)]


@pytest.fixture
def lying(tmp_path: Path) -> Lying:
    return Lying(tmp_path)


def test_a_ledger_that_grows_is_followed(lying: Lying) -> None:
    with served(lying.ledger.public) as url:
        assert lying.fetch(url).problem is None
        lying.ledger.fill(400)
        lying.ledger.publish()
        assert lying.fetch(url).problem is None
    assert lying.sizes() == [700]


def test_an_old_copy_is_refused(lying: Lying, tmp_path: Path) -> None:
    lying.ledger.publish(tmp_path / "old")
    lying.ledger.fill(5)
    lying.ledger.publish()
    with served(lying.ledger.public) as url:
        assert lying.fetch(url).problem is None
    with served(tmp_path / "old") as url:
        assert isinstance(lying.fetch(url).problem, LedgerRolledBack)
    assert lying.sizes() == [305]


def split_view(lying: Lying) -> Server:
    """The same log key, and another history from entry 1 on."""
    other = Server()
    other.leaves = [other.leaves[0], *(leaf_hash(b"%d" % n) for n in range(400))]
    return other


def test_a_split_view_is_convicted_by_what_the_server_itself_gives(lying: Lying, tmp_path: Path) -> None:
    with served(lying.ledger.public) as url:
        assert lying.fetch(url).problem is None
    other = split_view(lying)
    public = tmp_path / "split"
    for path, data in tiles_of(other.leaves):
        target = public.joinpath(*str(path).split("/"))
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(data)
    (public / "manifests").write_bytes(submission.encode([lying.ledger.first]))
    (public / "checkpoint").write_bytes(other.note())
    with served(public) as url:
        assert isinstance(lying.fetch(url).problem, LogForked)
        assert isinstance(lying.fetch(url).problem, LogForked)
    (proof,) = lying.seen.forks
    proof.verify(lying.ledger.server.key.public)
    assert lying.sizes() == [300]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: data[:-32],
        lambda data: data + bytes(32),
        lambda data: bytes(len(data)),
        lambda data: data[32:] + data[:32],
        lambda data: b"",
    ],
)
def test_tiles_of_another_size_or_content_convict_nobody(lying: Lying, change: Callable[[bytes], bytes]) -> None:
    with served(lying.ledger.public) as url:
        lying.fetch(url)
    lying.ledger.fill(60)
    lying.ledger.publish()
    tile = lying.ledger.public / "tile" / "0" / "001.p" / "104"
    tile.write_bytes(change(tile.read_bytes()))
    before = lying.seen
    with served(lying.ledger.public) as url, pytest.raises((BadTile, SourceFailed)):
        lying.fetch(url)
    assert lying.seen == before


@given(st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_changed_byte_of_what_is_served_changes_what_was_seen(lying: Lying, data: st.DataObject) -> None:
    lying.seen = Seen(lying.seen.ledger)
    with served(lying.ledger.public) as url:
        lying.fetch(url)
        good = lying.seen
        names = ["checkpoint", "manifests", "tile/0/001.p/44", "tile/1/000.p/1"]
        path = lying.ledger.public / data.draw(st.sampled_from(names))
        whole_, raw = path.read_bytes(), bytearray(path.read_bytes())
        raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
        path.write_bytes(raw)
        try:
            lying.fetch(url)
        except Untrusted:
            pass
        finally:
            path.write_bytes(whole_)
    assert lying.seen == good


def test_a_file_is_proved_by_server_and_by_folder_alike(lying: Lying) -> None:
    lying.ledger.say(submission.make(update(lying.seen.ledger), [RELEASE]))
    lying.ledger.publish()
    content_hash = cid(sha256(CONTENT).digest())
    by_folder = Source(str(lying.ledger.public)).proof_of(content_hash)
    with served(lying.ledger.public) as url:
        assert Source(url).proof_of(content_hash) == by_folder
        with pytest.raises(SourceLacks):
            Source(url).proof_of(cid(bytes(32)))
