"""A log that shows heads to witnesses, honest or not, and a witness in a folder behind its real server."""

import contextlib
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import httpx

from scmanager.adapters import witness_folder
from scmanager.adapters.witness_folder import WitnessFolder
from scmanager.api.serving import attend, listen, server
from scmanager.api.witness_app import make_witness_app
from scmanager.eventstore.checkpoint import parse_note
from scmanager.eventstore.merkle import (
    EMPTY_ROOT,
    consistency_proof,
    leaf_hash,
    root_of,
    subtree_consistency_proof,
)
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger import ml_dsa
from scmanager.master_ledger.cosignature import Witness, cosigned_at
from scmanager.master_ledger.policy import ED25519, Vkey
from tests.golden.logs import key_of
from tests.support.ledger import NOW_S

NAME = "witness.example/w1"


class ShownLog:
    """A log of anybody's. `history` tells apart what it shows from one leaf on."""

    def __init__(self, origin: str = "example.com/behind-the-sofa", name: str | None = None, more: str = "") -> None:
        self.origin, self.name, self.more = origin, name or origin, more
        self.key: SigningKey = key_of(f"log {self.name}")
        self.vkey = Vkey(self.name, ED25519, self.key.public)

    @property
    def path(self) -> str:
        return f"/{sha256(self.origin.encode()).hexdigest()}"

    def leaves(self, size: int, left_at: int | None = None) -> list[bytes]:
        kept = size if left_at is None else min(left_at, size)
        return [leaf_hash(b"%d%s" % (n, b"" if n < kept else b" otherwise")) for n in range(size)]

    def text(self, size: int, left_at: int | None = None, root: bytes | None = None) -> str:
        leaves = self.leaves(size, left_at)
        root = root or (root_of(leaves) if leaves else EMPTY_ROOT)
        return f"{self.origin}\n{size}\n{b64encode(root).decode()}\n{self.more}"

    def note(self, text: str, key: SigningKey | None = None) -> bytes:
        key = key or self.key
        key_id = sha256(self.name.encode() + b"\n\x01" + key.public).digest()[:4]
        line = b64encode(key_id + key.sign(text.encode())).decode()
        return f"{text}\n— {self.name} {line}\n".encode()

    def head(self, size: int, left_at: int | None = None) -> bytes:
        return self.note(self.text(size, left_at))

    def proof(self, old: int, size: int, left_at: int | None = None) -> list[bytes]:
        return consistency_proof(old, self.leaves(size, left_at)) if 0 < old < size else []

    def asks(self, old: int, size: int, left_at: int | None = None) -> bytes:
        """The whole request."""
        return request(old, self.proof(old, size, left_at), self.head(size, left_at))

    def asks_part(self, start: int, end: int, size: int, lines: bytes, left_at: int | None = None) -> bytes:
        """A request to sign-subtree, under the checkpoint of this size with these lines alone."""
        leaves = self.leaves(size, left_at)
        hashes = [root_of(leaves[start:end]), *subtree_consistency_proof(start, end, leaves)]
        return subtree_request(f"subtree {start} {end}", hashes, f"{self.text(size, left_at)}\n".encode() + lines)


def subtree_request(span: str, hashes: list[bytes], note: bytes) -> bytes:
    return "\n".join([span, *(b64encode(each).decode() for each in hashes), "", ""]).encode() + note


def check_part(
    log: ShownLog, start: int, end: int, leaves: list[bytes], answer: bytes, vkeys: tuple[str, ...]
) -> None:
    """One line of the ML-DSA-44 key over these leaves, of no time: by the words of C2SP tlog-cosignature."""
    (line,) = answer.decode().splitlines()
    dash, name, encoded = line.split(" ")
    data, witness = b64decode(encoded), witnesses_of(vkeys)[1]
    assert (dash, name, answer[-1:]) == ("—", witness.name, b"\n")
    assert (data[:4], data[4:12]) == (witness.key_id, bytes(8))
    named, origin = witness.name.encode(), log.origin.encode()
    said = b"subtree/v1\n\0" + bytes([len(named)]) + named + bytes(8) + bytes([len(origin)]) + origin
    said += start.to_bytes(8, "big") + end.to_bytes(8, "big") + root_of(leaves[start:end])
    assert ml_dsa.verify(witness.key, said, data[12:])


def request(old: int | str, proof: list[bytes], note: bytes) -> bytes:
    lines = [f"old {old}", *(b64encode(each).decode() for each in proof), "", ""]
    return "\n".join(lines).encode() + note


def make_witness(folder: Path, *logs: ShownLog, name: str = NAME) -> None:
    witness_folder.make(folder, name)
    for each in logs:
        witness_folder.add_log(folder, each.vkey, each.origin)


def opened(folder: Path, now_s: int = NOW_S) -> WitnessFolder:
    return WitnessFolder(folder, folder.with_name(f"{folder.name}.state"), lambda: now_s)


def witnesses_of(vkeys: tuple[str, ...]) -> list[Witness]:
    return [Witness(each.name, each.key, each.kind) for each in map(Vkey.parse, vkeys)]


def times(note: bytes, vkeys: tuple[str, ...]) -> list[int | None]:
    """When each key of a witness cosigned; raises where a line does not hold."""
    return [cosigned_at(parse_note(note), each) for each in witnesses_of(vkeys)]


@contextlib.contextmanager
def witnessing(folder: Path, now_s: int = NOW_S) -> Iterator[tuple[httpx.Client, WitnessFolder]]:
    """The real server over this folder."""
    held = opened(folder, now_s)
    with listen(0) as taken:
        serving, stop, ready = server(make_witness_app(held)), threading.Event(), threading.Event()
        threads = [
            threading.Thread(target=serving.run, kwargs={"sockets": [taken.dup()]}),
            threading.Thread(target=attend, args=(serving, stop, ready.set)),
        ]
        for each in threads:
            each.start()
        try:
            assert ready.wait(20)
            url = f"http://127.0.0.1:{taken.getsockname()[1]}"
            with httpx.Client(base_url=url, trust_env=False, timeout=20) as client:
                yield client, held
        finally:
            stop.set()
            for each in threads:
                each.join(20)
            held.close()
