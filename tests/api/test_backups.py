"""POST /backup: the running node backs itself up while it writes; whoever asks wrongly gets nothing."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.adapters.backup_restore import restore, verify
from scmanager.api.backups import BackupAskedWrongly, parse_asked
from scmanager.config import Settings
from scmanager.domain.catalogue import MEMBERS
from scmanager.runtime import Node
from tests.support.api_node import Api
from tests.support.backups import PASSPHRASE, opened


def _asked(api: Api, **more: Any) -> Any:
    return api.client.post("/backup", **({"json": {"passphrase": PASSPHRASE}} | more))


def _code(answer: Any) -> str:
    return str(answer.json()["errors"][0]["extensions"]["code"])


@pytest.fixture(scope="module")
def space(api: Api) -> str:
    found: str = api.do("organisationFound", 'title: "Kept", handle: "keeper"')["space"]
    return found


def test_a_node_that_writes_meanwhile_backs_itself_up_whole(api: Api, space: str, tmp_path: Path) -> None:
    over, written = threading.Event(), []

    def write() -> None:
        while not over.is_set():
            done = api.node.node.do("member.record", bytes.fromhex(space), {"handle": f"pilot-{len(written)}"})
            written.append((done["member"], time.monotonic()))

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for number in range(3):
            before = [member for member, _ in written]
            answer = _asked(api)
            assert answer.status_code == 200, answer.text
            assert len(answer.content) == int(answer.headers["content-length"])
            assert verify(opened(answer.content)).ok
            place = Settings(tmp_path / f"{number}" / "data", tmp_path / f"{number}" / "state", port=0)
            assert place.state is not None
            restore(opened(answer.content), place.data, place.state)
            with Node(place) as node:
                held = node.shelf.space(bytes.fromhex(space))
                assert set(before) <= {member.hex() for member, _ in held.things(MEMBERS)}
                assert not held.waiting[1]
    finally:
        over.set()
        writer.join()
    assert len(written) > 3
    assert not list(api.node.node.settings.data.glob(".backup*"))


def test_an_open_one_has_to_be_asked_for_by_name(api: Api, space: str) -> None:
    assert not opened(_asked(api, json={"passphrase": None}).content).is_sealed
    assert _code(_asked(api, json={})) == "backup-request-malformed"
    assert _code(_asked(api, json={"passphrase": "short"})) == "passphrase-too-short"
    assert _code(_asked(api, json={"passphrase": PASSPHRASE, "path": "/etc/x"})) == "backup-request-malformed"


def test_the_guard_stands_before_backups_too(api: Api) -> None:
    assert _code(_asked(api, headers={"authorization": "Bearer no"})) == "token-wrong"
    assert _code(_asked(api, headers={"origin": "http://evil.example"})) == "origin-foreign"
    assert _code(_asked(api, headers={"content-type": "text/plain"})) == "media-type-unknown"
    assert _code(api.client.get("/backup")) == "method-not-offered"


def test_a_client_that_hangs_up_leaves_nothing_behind(api: Api, space: str) -> None:
    with api.client.stream("POST", "/backup", json={"passphrase": None}) as answer:
        next(answer.iter_raw(64))
    deadline = time.monotonic() + 20
    while list(api.node.node.settings.data.glob(".backup*")):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_noise_asks_for_nothing(noise: bytes) -> None:
    with pytest.raises(BackupAskedWrongly):
        parse_asked(noise)
    with pytest.raises(BackupAskedWrongly):
        parse_asked(b'{"passphrase":' + noise.hex().encode() + b"x}")
