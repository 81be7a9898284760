"""A mirror over HTTP: every status, line and path that C2SP tlog-mirror names, asked with requests made by hand."""

import contextlib
import gzip
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from scmanager.adapters import upload_mirror
from scmanager.adapters.upload_mirror import UploadMirror
from scmanager.adapters.witness_folder import add_log
from scmanager.api import mirror_app, upload_places
from scmanager.api.mirror_app import TAKEN_MAX, UPLOADS_OF_ONE
from scmanager.api.witness_app import AGAIN_BURST
from scmanager.eventstore.checkpoint import parse_note
from scmanager.eventstore.merkle import leaf_hash
from scmanager.eventstore.tiles import bundle, tiles_of
from scmanager.master_ledger.uploading import INFO_MEDIA
from tests.golden.logs import key_of
from tests.support.ledger import NOW_S
from tests.support.mirror import NAME, Uploading, entries_of, head, make_mirror, mirroring, packages, upload
from tests.support.witness import ShownLog, request, times

OTHER = ShownLog("go.sum database tree", "sum.example.org", "a line that others do not know\n")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mirrors") / "m"
    make_mirror(folder, OTHER)
    return folder


@pytest.fixture(scope="module")
def running(folder: Path) -> Iterator[tuple[httpx.Client, UploadMirror]]:
    with mirroring(folder) as both:
        yield both


@pytest.fixture
def sofa(running: tuple[httpx.Client, UploadMirror], folder: Path, request: pytest.FixtureRequest) -> Uploading:
    """A fresh log at the one mirror."""
    log = ShownLog(f"example.com/{request.node.name}")
    add_log(folder, log.vkey, None)
    return Uploading(*running, log)


def info(size: int, following: int) -> str:
    return f"{size}\n{following}\n\n"


def check_copy(log: Uploading, size: int) -> None:
    """Checkpoint, every tile and every bundle of this size, as the page of tiles has them."""
    entries = entries_of(log.log, size)
    note = log.get("checkpoint").content
    assert note.startswith(log.log.head(size))
    assert times(note, log.held.vkeys) == [NOW_S, NOW_S]
    for path, data in tiles_of([leaf_hash(each) for each in entries]):
        assert log.get(str(path)).content == data, path
    for low in range(0, size, 256):
        part = entries[low : low + 256]
        path = f"tile/entries/{low // 256:03}" + ("" if len(part) == 256 else f".p/{len(part)}")
        assert log.get(path).content == bundle(part), path


def test_a_log_that_is_uploaded_is_kept_signed_and_served(sofa: Uploading) -> None:
    following = 0
    for size in (5, 5 + 300, 512, 700, 701):
        shown = sofa.client.post("/add-checkpoint", content=sofa.log.asks(following, size))
        assert (shown.status_code, shown.content) == (200, b""), "the mirror's key says nothing yet"
        assert sofa.size() == (following or -1)
        answer = sofa.add(following, size)
        assert answer.status_code == 200, answer.text
        assert [line.split(" ")[:2] for line in answer.text.splitlines()] == [["—", NAME]] * 2
        assert times(sofa.log.head(size) + answer.content, sofa.held.vkeys) == [NOW_S, NOW_S]
        check_copy(sofa, size)
        following = size


def test_a_log_with_lines_after_its_root_keeps_them(sofa: Uploading) -> None:
    other = Uploading(sofa.client, sofa.held, OTHER)
    assert (other.show(0, 3), other.add(0, 3).status_code) == (200, 200)
    check_copy(other, 3)
    assert sofa.size() == -1, "each log is kept by itself"


def test_packages_come_a_few_at_a_time_and_are_told_how_far_they_brought_it(sofa: Uploading) -> None:
    assert sofa.show(0, 1000) == 200
    first = sofa.add(0, 1000, count=1)
    assert (first.status_code, first.text) == (202, info(1000, 256))
    assert first.headers["content-type"] == INFO_MEDIA
    assert (sofa.size(), sofa.get("tile/entries/000").status_code) == (-1, 200)
    assert sofa.said(256, 1000, 2) == (202, info(1000, 768))
    for again in (0, 512):
        assert sofa.said(again, 1000, 1) == (202, info(1000, 768)), "what lies there is skipped"
    assert sofa.add(768, 1000).status_code == 200
    check_copy(sofa, 1000)


def test_where_an_upload_may_start_and_end(sofa: Uploading) -> None:
    assert sofa.said(0, 5)[0] == 422, "no checkpoint of it was shown yet"
    assert sofa.show(0, 300) == 200
    for start, end in [(0, 299), (0, 301), (1, 300), (300, 300), (257, 300)]:
        answer = sofa.add(start, end)
        assert (answer.status_code, answer.text) == (409, info(300, 0)), (start, end)
        assert answer.headers["content-type"] == INFO_MEDIA
    assert sofa.show(300, 600) == 200
    assert sofa.said(1, 300) == (409, info(300, 0)), "a size that was pending is told again"
    assert sofa.said(0, 300)[0] == 200, "the last checkpoints count, too"
    check_copy(sofa, 300)
    assert sofa.said(300, 600)[0] == 200
    assert sofa.said(300, 300) == (409, info(600, 600)), "what is behind the mirror's checkpoint"
    assert sofa.said(600, 600)[0] == 200, "its newest is signed again"
    assert sofa.send(head(sofa.log.origin, 6, 5)).status_code == 400
    assert sofa.send(upload(ShownLog("example.com/unknown"), 0, 5)).status_code == 404


def test_only_so_much_is_sent_again(sofa: Uploading, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upload_mirror, "EXCESS_MAX", 512)
    assert (sofa.show(0, 600), sofa.add(0, 600).status_code) == (200, 200)
    assert sofa.show(600, 601) == 200
    assert sofa.said(87, 601, 0) == (409, info(601, 600))
    assert sofa.add(88, 601, 0).status_code == 400, "that would do, and nothing came"
    monkeypatch.setattr(mirror_app, "TAKEN_MAX", 2)
    assert sofa.show(601, 1200) == 200
    assert sofa.said(600, 1200) == (202, info(1200, 1024)), "a piece at a time"
    assert TAKEN_MAX >= 32


def test_what_is_not_proved_is_not_kept(sofa: Uploading) -> None:
    assert sofa.show(0, 600) == 200
    entries = entries_of(sofa.log, 600)
    start = head(sofa.log.origin, 0, 600)
    good = packages(entries, 0, 600)
    for wrong in (
        packages([b"other", *entries[1:]], 0, 600)[0],
        good[0][:-1] + bytes((good[0][-1] ^ 1,)),
        packages(entries[:512], 0, 512)[0],
        packages(entries, 0, 255)[0],
    ):
        answer = sofa.send(start + wrong + good[1])
        assert answer.status_code in (400, 422), answer.text
        assert sofa.get("tile/entries/000").status_code == 404
    assert sofa.send(start + packages([b"other", *entries[1:]], 0, 600)[0]).status_code == 422
    later = packages([*entries[:300], b"other", *entries[301:]], 0, 600)[1]
    assert sofa.send(start + good[0] + later).status_code == 422, "the second fails; the first is kept"
    assert sofa.said(600, 600) == (409, info(600, 256))
    assert sofa.add(256, 600).status_code == 200
    check_copy(sofa, 600)


def test_what_breaks_off_is_bad_or_goes_on_from_what_was_whole(sofa: Uploading) -> None:
    assert sofa.show(0, 600) == 200
    whole = upload(sofa.log, 0, 600)
    ends = len(head(sofa.log.origin, 0, 600)) + len(packages(entries_of(sofa.log, 600), 0, 600)[0])
    for cut in (0, 1, 30, 43, 60, ends - 1):
        assert sofa.send(whole[:cut]).status_code == 400, cut
    for cut in (ends, ends + 1, ends + 700):
        assert (sofa.send(whole[:cut]).status_code, sofa.send(whole[:cut]).text) == (202, info(600, 256)), cut
    for bad in (b"\0\0" + whole, b"\xff\xff" + whole, b"\0\1\xff" + bytes(18), whole[:43] + b"\xff" * 9):
        assert sofa.send(bad).status_code in (400, 404), bad[:40]
    assert sofa.send(whole + b"more than was asked for").status_code == 200


def test_an_upload_may_be_packed(sofa: Uploading) -> None:
    assert sofa.show(0, 900) == 200
    body = upload(sofa.log, 0, 900)
    packed = gzip.compress(body)
    answer = sofa.client.post("/add-entries", content=packed[:-400], headers={"content-encoding": "gzip"})
    assert answer.status_code in (202, 400)
    answer = sofa.client.post("/add-entries", content=body, headers={"content-encoding": "gzip"})
    assert answer.status_code == 400
    assert sofa.client.post("/add-entries", content=body, headers={"content-encoding": "br"}).status_code == 415
    members = gzip.compress(body[:50]) + gzip.compress(body[50:])
    assert sofa.client.post("/add-entries", content=members, headers={"content-encoding": "gzip"}).status_code == 200
    assert sofa.show(900, 1300) == 200
    assert sofa.send(upload(sofa.log, 900, 1300), packed=True).status_code == 200
    check_copy(sofa, 1300)


def test_a_bomb_is_unpacked_a_piece_at_a_time_and_not_kept(sofa: Uploading) -> None:
    assert sofa.show(0, 600) == 200
    bomb = head(sofa.log.origin, 0, 600) + b"\xff\xff" * (9 << 20)
    assert sofa.send(bomb, packed=True).status_code == 400
    assert sofa.get("tile/entries/000").status_code == 404


def test_entries_of_any_length_are_kept(running: tuple[httpx.Client, UploadMirror], folder: Path) -> None:
    class Long(ShownLog):
        def leaves(self, size: int, left_at: int | None = None) -> list[bytes]:
            return [leaf_hash(each) for each in long[:size]]

    long = [b"", b"x" * 65_535, *(bytes((n,)) * n * 250 for n in range(256))]
    log = Long("example.com/long")
    add_log(folder, log.vkey, None)
    at = Uploading(*running, log)
    assert at.show(0, len(long)) == 200
    body = head(log.origin, 0, len(long)) + b"".join(packages(long, 0, len(long)))
    assert at.send(body, packed=True).status_code == 200
    assert at.get("tile/entries/000").content == bundle(long[:256])


def test_a_log_that_showed_two_histories_is_signed_no_more(sofa: Uploading) -> None:
    assert (sofa.show(0, 300), sofa.add(0, 300).status_code) == (200, 200)
    assert sofa.show(300, 400) == 200
    assert sofa.show(400, 500, left_at=200) == 422
    assert sofa.add(300, 400).status_code == 403
    assert sofa.client.get(f"{sofa.log.path}/fork").status_code == 200
    check_copy(sofa, 300)


def test_the_log_signs_or_nothing_is_pending(sofa: Uploading) -> None:
    forged = request(0, [], sofa.log.note(sofa.log.text(5), key_of("thief")))
    assert sofa.client.post("/add-checkpoint", content=forged).status_code == 403
    assert sofa.add(0, 5).status_code == 422


def test_an_empty_log_is_mirrored_at_once(sofa: Uploading) -> None:
    assert (sofa.show(0, 0), sofa.add(0, 0).status_code, sofa.size()) == (200, 200, 0)


def test_what_is_wrong_with_the_disk_is_told_by_its_code_alone(sofa: Uploading, folder: Path) -> None:
    assert (sofa.show(0, 5), sofa.add(0, 5).status_code) == (200, 200)
    (folder / "public" / sofa.log.path.lstrip("/") / "checkpoint").write_bytes(b"noise")
    answer = sofa.add(5, 5)
    assert (answer.status_code, answer.text.partition(":")[0]) == (503, "mirror-copy-damaged")
    assert str(folder) not in answer.text


def test_a_log_has_so_much_room(tmp_path: Path) -> None:
    sofa = ShownLog()
    make_mirror(tmp_path / "m", sofa, OTHER)
    with mirroring(tmp_path / "m", log_bytes_max=15_000) as (client, held):
        log = Uploading(client, held, sofa)
        assert log.show(0, 1000) == 200
        answer = log.add(0, 1000)
        assert (answer.status_code, answer.text.partition(":")[0]) == (503, "mirror-log-full")
        assert "retry-after" in answer.headers
        other = Uploading(client, held, OTHER)
        assert (other.show(0, 3), other.add(0, 3).status_code) == (200, 200)


def test_the_same_checkpoint_is_signed_only_so_often(sofa: Uploading) -> None:
    assert (sofa.show(0, 5), sofa.add(0, 5).status_code) == (200, 200)
    found = [sofa.add(start, 5).status_code for start in [5, 4, 0] * (int(AGAIN_BURST) // 3 + 3)]
    assert (found[:10], found[-3:]) == ([200] * 10, [429] * 3)
    assert (sofa.show(5, 6), sofa.add(5, 6).status_code) == (200, 200)


def test_one_address_has_few_uploads_open_and_others_go_on(sofa: Uploading) -> None:
    url = sofa.client.base_url
    start = "POST /add-entries HTTP/1.1\r\nHost: m\r\nX-Forwarded-For: 203.0.113.9\r\nContent-Length: 99\r\n\r\n"
    assert sofa.show(0, 5) == 200
    with contextlib.ExitStack() as slow:
        for _ in range(UPLOADS_OF_ONE):
            raw = slow.enter_context(socket.create_connection((url.host, url.port or 0), timeout=10))
            raw.sendall(start.encode())
            time.sleep(0.05)
        mine = sofa.client.post("/add-entries", content=b"", headers={"x-forwarded-for": "203.0.113.9"})
        assert (mine.status_code, mine.text.partition(":")[0]) == (429, "too-many-open")
        assert sofa.add(0, 5).status_code == 200


def test_bytes_that_prove_nothing_keep_no_upload_out(
    sofa: Uploading, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(upload_places, "UPLOADS_MAX", 2)
    loud = Uploading(sofa.client, sofa.held, ShownLog("example.com/loud"))
    add_log(folder, loud.log.vkey, None)
    assert (sofa.show(0, 600), loud.show(0, 900)) == (200, 200)
    url, whole = sofa.client.base_url, upload(sofa.log, 0, 600)

    def begun(address: str, body: bytes, length: int) -> socket.socket:
        raw = slow.enter_context(socket.create_connection((url.host, url.port or 0), timeout=10))
        lines = ("POST /add-entries HTTP/1.1", "Host: m", f"X-Forwarded-For: {address}", f"Content-Length: {length}")
        raw.sendall("\r\n".join((*lines, "", "")).encode() + body)
        time.sleep(0.05)
        return raw

    with contextlib.ExitStack() as slow:
        junk = head(loud.log.origin, 0, 900, b"t" * 65_535) + b"\xff\xff" * 5_000
        first, second = (begun(f"198.51.100.{n}", junk, 10**7) for n in range(2))
        honest = begun("203.0.113.1", whole[:100], len(whole))
        assert first.recv(4096).startswith(b"HTTP/1.1 503 "), "of a log with two places"
        late = [begun(f"192.0.2.{n}", junk, 10**7) for n in range(3)]
        assert [each.recv(4096)[:13] for each in late] == [b"HTTP/1.1 503 "] * 3
        again = begun("198.51.100.1", junk, 10**7)
        assert second.recv(4096).startswith(b"HTTP/1.1 503 "), "the same network takes its own"
        honest.sendall(whole[100:])
        assert honest.recv(4096).startswith(b"HTTP/1.1 200 ")
        again.close()


def test_older_partial_tiles_are_cut_from_what_took_their_place(sofa: Uploading) -> None:
    assert (sofa.show(0, 300), sofa.add(0, 300).status_code) == (200, 200)
    before = {path: sofa.get(path).content for path in ("tile/entries/001.p/44", "tile/0/001.p/44", "tile/1/000.p/1")}
    assert (sofa.show(300, 310), sofa.add(300, 310).status_code) == (200, 200)
    assert {path: sofa.get(path).content for path in before} == before
    assert (sofa.show(310, 600), sofa.add(310, 600).status_code) == (200, 200)
    assert {path: sofa.get(path).content for path in before} == before
    assert sofa.get("tile/entries/002.p/89").status_code == 404


def test_other_paths_and_methods_are_not_there(sofa: Uploading) -> None:
    assert (sofa.show(0, 5), sofa.add(0, 5).status_code) == (200, 200)
    for method, path, status in (
        ("GET", "/add-entries", 405), ("PUT", "/add-entries", 405), ("GET", "/add-checkpoint", 405),
        ("POST", f"{sofa.log.path}/tile/0/000.p/5", 405), ("GET", f"{sofa.log.path}/tile/0/000", 404),
        ("GET", f"{sofa.log.path}/tile/0/000.p/6", 404), ("GET", f"{sofa.log.path}/tile/0/00", 404),
        ("GET", f"{ShownLog().path}/tile/0/000.p/5", 404), ("GET", f"/{'0' * 64}/checkpoint", 404),
        ("GET", f"{sofa.log.path}/tile/../../mirror.json", 404), ("GET", "/mirror.json", 404), ("GET", "/", 404),
        ("HEAD", f"{sofa.log.path}/tile/0/000.p/5", 200),
    ):  # fmt: skip
        answer = sofa.client.request(method, path)
        assert (answer.status_code, path) == (status, path)
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert len(parse_note(sofa.get("checkpoint").content).signatures) == 3


def test_a_log_that_is_listed_meanwhile_is_taken(sofa: Uploading, folder: Path) -> None:
    fresh = ShownLog("example.com/fresh")
    log = Uploading(sofa.client, sofa.held, fresh)
    assert (log.show(0, 5), log.add(0, 5).status_code) == (404, 404)
    add_log(folder, fresh.vkey, None)
    assert (log.show(0, 5), log.add(0, 5).status_code) == (200, 200)


def test_a_body_that_a_client_takes_back_keeps_what_came(sofa: Uploading) -> None:
    assert sofa.show(0, 600) == 200
    whole = upload(sofa.log, 0, 600)
    url = sofa.client.base_url
    with socket.create_connection((url.host, url.port or 0), timeout=10) as raw:
        raw.sendall(b"POST /add-entries HTTP/1.1\r\nHost: m\r\nContent-Length: %d\r\n\r\n" % len(whole) + whole[:-20])
    deadline = time.monotonic() + 10
    while sofa.said(600, 600) != (409, info(600, 512)):
        assert time.monotonic() < deadline
        time.sleep(0.02)
