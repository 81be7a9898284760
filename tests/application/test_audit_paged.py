"""A log judged page by page: as a whole reading judges it, or left to that."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec import Raw, structs
from msgspec.json import encode as encode_json

from scmanager.application import audit_full, audit_paged
from scmanager.application.audit_paged import of_spaces
from scmanager.domain.catalogue import FOLDS
from scmanager.domain.event import Event
from scmanager.domain.governance import Erased
from scmanager.eventstore import content
from scmanager.eventstore.audit_source import SqliteSource
from scmanager.eventstore.content import Shared
from scmanager.eventstore.entry import Genesis, RecoveryKeys
from scmanager.eventstore.own_log import Draft, OwnLog, Secret
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.eventstore.store import StoreDamaged
from scmanager.spaces.replay import PastShelf
from scmanager.spaces.space import AHEAD_US_MAX
from tests.cli.test_log import flip
from tests.support.intake import ROOT, reported
from tests.support.ledger import first_manifest

NOW_US = 1_800_000_000_000_000
REPORT, MANIFEST = reported()[0], first_manifest()


class Kept:
    """A store with one log in it."""

    def __init__(self, folder: Path, space: bytes = b"") -> None:
        self.path = folder / "events.db"
        self.store = SqliteStore(self.path)
        self.begin(space)
        self.at_us = NOW_US

    def begin(self, space: bytes = b"") -> None:
        key, root = SigningKey.generate(), None if space else RecoveryKeys(ROOT.m, ROOT.keys)
        genesis = Genesis((), (), space, "author", "ed25519", key.public, secrets.token_bytes(32), recovery=root,
            device=b"" if space else bytes(32), box=b"" if space else bytes(32))  # fmt: skip
        self.log = OwnLog.found(genesis, key, NOW_US)
        self.grant = self.log.first.entry.id32
        self.commit()

    def commit(self) -> None:
        batch = self.log.commit()
        self.store.append(batch)
        self.log.committed(batch)

    def add(
        self, event: Event = REPORT, *, at_us: int | None = None, personal: bool = False, **changed: object
    ) -> None:
        self.at_us = at_us or self.at_us + 1
        said = Shared(event.tag, self.grant, bytes(16), b"", bytes(16), (), Raw(encode_json(event)))
        beside = ((Secret.of(bytes(32)), b"words"),) if personal else ()
        self.log.add(Draft(content.encode(structs.replace(said, **changed)), None, beside), self.at_us)
        self.commit()

    def paged(self) -> tuple[list[audit_paged.Judged], list[bytes]]:
        sizes = {(head.log, head.branch): head.size for head in self.store.heads()}
        with SqliteSource(str(self.path)).opened() as tables:
            return of_spaces(tables, sizes, NOW_US)

    def whole(self) -> audit_full.SpaceFound:
        shelf = PastShelf(self.store, FOLDS, lambda _: None, lambda: NOW_US)
        shelf.follow()
        (space,) = shelf.spaces()
        return audit_full.of_space(space, self.store)


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kept]:
    monkeypatch.setattr(audit_paged, "PAGE", 3)
    made = Kept(tmp_path)
    yield made
    made.store.close()


def test_each_entry_is_judged_as_the_whole_would_be(kept: Kept) -> None:
    for _ in range(7):
        kept.add()
    kept.add(by=bytes(31) + b"1")
    kept.add(type="report.of-a-later-release/1")
    kept.add(payload=Raw(b'{"other":1}'))
    kept.log.add(Draft(b"of no spelling", None), kept.at_us + 1)
    kept.commit()
    kept.add(at_us=NOW_US + AHEAD_US_MAX + 1)
    kept.add()
    (((found, statements),), left) = kept.paged()
    assert (found, left) == (kept.whole(), [])
    assert (found.valid, sum(found.void.values())) == (9, 3)
    assert statements == [audit_full.of_statements(kept.log.head.log, [])]


@pytest.mark.parametrize(
    "act",
    [
        lambda kept: kept.add(Erased(bytes(16), (bytes(32),), "request")),
        lambda kept: kept.add(MANIFEST),
        lambda kept: kept.add(personal=True),
        lambda kept: kept.begin(kept.log.head.space),
    ],
    ids=["what governs", "statements", "parts of their own", "a second log"],
)
def test_what_needs_more_than_a_page_is_left_to_the_whole(kept: Kept, act: Callable[[Kept], None]) -> None:
    kept.add()
    act(kept)
    assert kept.paged() == ([], [kept.log.head.space])


def test_only_what_was_verified_is_read_and_a_page_at_a_time(kept: Kept) -> None:
    for _ in range(7):
        kept.add()
    told: list[int] = []
    with SqliteSource(str(kept.path)).opened() as tables:
        (((found, _),), _) = of_spaces(tables, {(kept.log.head.log, 0): 5}, NOW_US, told.append)
    assert (found.valid, told) == (5, [3, 2])


def test_a_row_that_is_not_what_was_signed_is_told(kept: Kept) -> None:
    for _ in range(4):
        kept.add()
    kept.store.close()
    flip(kept.path, 3, column="data", place=60)
    with SqliteSource(str(kept.path)).opened() as tables, pytest.raises(StoreDamaged):
        of_spaces(tables, {(kept.log.head.log, 0): 5}, NOW_US)
