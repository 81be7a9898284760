"""A mirror behind its real server, and uploads written down from the page's own words, not by our encoder."""

import contextlib
import gzip
import struct
from collections.abc import Iterator
from pathlib import Path

import httpx

from scmanager.adapters import witness_folder
from scmanager.adapters.upload_mirror import LOG_BYTES_MAX, UploadMirror
from scmanager.adapters.witness_folder import Purpose
from scmanager.api.mirror_app import make_mirror_app
from scmanager.eventstore.merkle import leaf_hash, subtree_consistency_proof
from tests.support import app_server
from tests.support.ledger import NOW_S
from tests.support.witness import ShownLog

NAME = "mirror.example/m1"


def make_mirror(folder: Path, *logs: ShownLog, name: str = NAME) -> None:
    witness_folder.make(folder, name, Purpose.MIRROR)
    for each in logs:
        witness_folder.add_log(folder, each.vkey, each.origin)


def opened(folder: Path, now_s: int = NOW_S, log_bytes_max: int = LOG_BYTES_MAX) -> UploadMirror:
    return UploadMirror(folder, folder.with_name(f"{folder.name}.state"), lambda: now_s, log_bytes_max)


@contextlib.contextmanager
def mirroring(
    folder: Path, now_s: int = NOW_S, log_bytes_max: int = LOG_BYTES_MAX
) -> Iterator[tuple[httpx.Client, UploadMirror]]:
    """The real server over this folder."""
    held = opened(folder, now_s, log_bytes_max)
    try:
        with (
            app_server.served(make_mirror_app(held)) as url,
            httpx.Client(base_url=url, trust_env=False, timeout=20) as client,
        ):
            yield client, held
    finally:
        held.close()


def entries_of(log: ShownLog, size: int) -> list[bytes]:
    """What `ShownLog.leaves` are the hashes of."""
    entries = [b"%d" % n for n in range(size)]
    assert [leaf_hash(each) for each in entries] == log.leaves(size)
    return entries


def head(origin: str, start: int, end: int, ticket: bytes = b"") -> bytes:
    """log_origin_size (2 bytes), log_origin, upload_start (8), upload_end (8), ticket_size (2), ticket."""
    name = origin.encode()
    return (
        struct.pack(">H", len(name)) + name + struct.pack(">QQ", start, end)
        + struct.pack(">H", len(ticket)) + ticket
    )  # fmt: skip


def packages(entries: list[bytes], start: int, end: int) -> list[bytes]:
    """The canonical sequence: aligned at multiples of 256; entries with their lengths, num_hashes, hashes."""
    leaves = [leaf_hash(each) for each in entries[:end]]
    rounded_start, rounded_end = start // 256 * 256, -(-end // 256) * 256
    made = []
    for i in range((rounded_end - rounded_start) // 256 if end > start else 0):
        first, last = max(start, rounded_start + i * 256), min(end, rounded_start + (i + 1) * 256)
        proof = subtree_consistency_proof(rounded_start + i * 256, last, leaves)
        said = b"".join(struct.pack(">H", len(each)) + each for each in entries[first:last])
        made.append(said + struct.pack(">B", len(proof)) + b"".join(proof))
    return made


def upload(log: ShownLog, start: int, end: int, count: int | None = None) -> bytes:
    """A whole request, or one of its first `count` packages."""
    return head(log.origin, start, end) + b"".join(packages(entries_of(log, end), start, end)[:count])


class Uploading:
    """A log at the mirror, at both ends."""

    def __init__(self, client: httpx.Client, held: UploadMirror, log: ShownLog) -> None:
        self.client, self.held, self.log = client, held, log

    def show(self, old: int, size: int, left_at: int | None = None) -> int:
        return self.client.post("/add-checkpoint", content=self.log.asks(old, size, left_at)).status_code

    def send(self, body: bytes, packed: bool = False) -> httpx.Response:
        headers = {"content-type": "application/octet-stream"} | ({"content-encoding": "gzip"} if packed else {})
        return self.client.post("/add-entries", content=gzip.compress(body) if packed else body, headers=headers)

    def add(self, start: int, end: int, count: int | None = None) -> httpx.Response:
        return self.send(upload(self.log, start, end, count))

    def said(self, start: int, end: int, count: int | None = None) -> tuple[int, str]:
        """Status and lines."""
        answer = self.add(start, end, count)
        assert answer.headers["accept-encoding"] == "gzip"
        return answer.status_code, answer.text

    def get(self, path: str) -> httpx.Response:
        return self.client.get(f"{self.log.path}/{path}")

    def size(self) -> int:
        """The mirror checkpoint's, as it is served."""
        answer = self.get("checkpoint")
        return int(answer.text.split("\n")[1]) if answer.status_code == 200 else -1
