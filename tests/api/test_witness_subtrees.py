"""Parts of a cosigned tree over HTTP: every status of C2SP tlog-witness `sign-subtree`, at a witness and a mirror."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.adapters.witness_folder import add_log
from scmanager.api import readers
from scmanager.api.witness_app import SUBMIT_COST
from scmanager.eventstore.merkle import is_subtree
from scmanager.master_ledger.witnessing import REQUEST_BYTES_MAX
from tests.support.effort import examples
from tests.support.mirror import Uploading, make_mirror, mirroring
from tests.support.witness import ShownLog, check_part, make_witness, subtree_request, witnessing

LOG = ShownLog("example.com/extended", more="a line that others do not know\n")
SIZE = 14


class Setting:
    """A witness that cosigned a log, and the line of its ML-DSA-44 key."""

    def __init__(self, client: httpx.Client, vkeys: tuple[str, ...], folder: Path) -> None:
        self.client, self.vkeys, self.folder = client, vkeys, folder
        lines = client.post("/add-checkpoint", content=LOG.asks(0, SIZE)).content.splitlines(keepends=True)
        self.old, self.new = lines

    def post(self, body: bytes, **given: object) -> httpx.Response:
        return self.client.post("/sign-subtree", content=body, **given)  # type: ignore[arg-type] # httpx's own


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Setting]:
    folder = tmp_path_factory.mktemp("witnesses") / "w"
    make_witness(folder, LOG)
    with witnessing(folder) as (client, held):
        yield Setting(client, held.vkeys, folder)


def test_every_part_of_what_it_cosigned_is_signed_without_a_time(at: Setting) -> None:
    for start in range(SIZE):
        for end in range(start + 1, SIZE + 1):
            if is_subtree(start, end):
                answer = at.post(LOG.asks_part(start, end, SIZE, at.old + at.new))
                assert answer.status_code == 200, answer.text
                check_part(LOG, start, end, LOG.leaves(SIZE), answer.content, at.vkeys)


def test_older_trees_and_what_was_passed_on_are_as_good(at: Setting) -> None:
    grown = at.client.post("/add-checkpoint", content=LOG.asks(SIZE, 20)).content
    assert at.post(LOG.asks_part(8, 12, SIZE, at.new)).status_code == 200
    assert at.post(LOG.asks_part(16, 20, 20, grown)).status_code == 200
    passed = at.post(LOG.asks_part(0, 12, SIZE, at.new)).content
    assert at.post(LOG.asks_part(8, 12, 12, passed)).status_code == 200


def test_what_it_does_not_sign_has_the_status_of_the_page(at: Setting) -> None:
    good = LOG.asks_part(8, 13, SIZE, at.new)
    for body, status, code in (
        (b"", 400, "subtree-request-bad"),
        (good.replace(b"subtree 8", b"subtree 9", 1), 400, "subtree-request-bad"),
        (subtree_request("subtree 8 13", [bytes(32)], good.partition(b"\n\n")[2]), 422, "subtree-unproved"),
        (ShownLog("example.com/another").asks_part(8, 13, SIZE, at.new), 404, "log-not-witnessed"),
        (LOG.asks_part(8, 13, SIZE, at.old), 403, "subtree-not-cosigned-here"),
        (LOG.asks_part(8, 13, SIZE, LOG.head(SIZE).rpartition(b"\n\n")[2]), 403, "subtree-not-cosigned-here"),
        (LOG.asks_part(8, 13, SIZE, at.new, left_at=9), 403, "subtree-not-cosigned-here"),
        (b"x" * (REQUEST_BYTES_MAX + 1), 413, "body-too-large"),
    ):
        answer = at.post(body)
        assert (answer.status_code, answer.text.partition(":")[0]) == (status, code)
    assert at.client.get("/sign-subtree").status_code == 405


@settings(max_examples=examples(30))
@given(st.integers(0, 10_000), st.integers(0, 4), st.binary(max_size=40))
def test_whatever_is_sent_is_signed_or_refused(at: Setting, place: int, cut: int, noise: bytes) -> None:
    good = LOG.asks_part(8, 13, SIZE, at.new)
    place %= len(good)
    for body in (noise, good[:place] + noise + good[place + cut :]):
        answer = at.post(body)
        assert answer.status_code in (200, 400, 403, 404, 422), (answer.status_code, body)
        if answer.status_code == 200:
            check_part(LOG, 8, 13, LOG.leaves(SIZE), answer.content, at.vkeys)


def test_requests_of_one_address_are_counted(at: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(readers, "ROOM", 20 * SUBMIT_COST)
    monkeypatch.setattr(readers, "FILL_S", 0.01)
    found = [at.post(b"", headers={"x-forwarded-for": "203.0.113.7"}).status_code for _ in range(25)]
    assert found == [400] * 20 + [429] * 5


def test_of_a_log_that_showed_two_histories_nothing_more_is_said(at: Setting) -> None:
    liar = ShownLog("example.com/liar")
    add_log(at.folder, liar.vkey, None)
    lines = at.client.post("/add-checkpoint", content=liar.asks(0, 9)).content
    assert at.post(liar.asks_part(0, 5, 9, lines)).status_code == 200
    assert at.client.post("/add-checkpoint", content=liar.asks(9, 9, left_at=3)).status_code == 422
    answer = at.post(liar.asks_part(0, 5, 9, lines))
    assert (answer.status_code, answer.text.partition(":")[0]) == (403, "witness-log-frozen")


def test_a_mirror_signs_parts_of_what_it_holds_and_of_nothing_that_waits(tmp_path: Path, at: Setting) -> None:
    make_mirror(tmp_path / "m", LOG)
    with mirroring(tmp_path / "m") as (client, held):
        mirror = Uploading(client, held, LOG)
        assert mirror.show(0, SIZE) == 200
        waiting = client.post("/sign-subtree", content=LOG.asks_part(8, 13, SIZE, at.new))
        assert waiting.status_code == 403, "a witness's word is none of the mirror's"
        lines = mirror.add(0, SIZE).content
        answer = client.post("/sign-subtree", content=LOG.asks_part(8, 13, SIZE, lines))
        assert answer.status_code == 200
        check_part(LOG, 8, 13, LOG.leaves(SIZE), answer.content, held.vkeys)
        assert at.post(LOG.asks_part(8, 13, SIZE, lines)).status_code == 403, "and the other way round"
