"""What an audit goes on from: kept for its owner, and nothing at all where it is not what was written."""

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.adapters import verified_file
from scmanager.adapters.verified_file import VerifiedFile
from scmanager.eventstore.audit_judge import Verified

REACHED = Verified(b"l" * 32, 0, 1 << 15, (b"h" * 32,), b"i" * 64, 5, 6)


def written(folder: Path, *, deep: bool = True) -> VerifiedFile:
    kept = VerifiedFile(folder / "state", folder / "events.db", deep=deep)
    kept.keep(REACHED)
    kept.write()
    return kept


def test_what_was_kept_is_read_again_by_who_asks_for_as_much(tmp_path: Path) -> None:
    kept = written(tmp_path)
    for deep in (False, True):
        assert VerifiedFile(tmp_path / "state", tmp_path / "events.db", deep=deep).read() == (REACHED,)
    assert stat.S_IMODE(kept.path.stat().st_mode) == 0o600
    assert VerifiedFile(tmp_path / "state", tmp_path / "other.db", deep=False).read() == ()
    kept.forget()
    assert VerifiedFile(tmp_path / "state", tmp_path / "events.db", deep=True).read() == ()


def test_a_fast_audit_is_no_ground_for_a_deep_one(tmp_path: Path) -> None:
    written(tmp_path, deep=False)
    assert VerifiedFile(tmp_path / "state", tmp_path / "events.db", deep=True).read() == ()
    assert VerifiedFile(tmp_path / "state", tmp_path / "events.db", deep=False).read() == (REACHED,)


def test_it_is_written_now_and_then_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = VerifiedFile(tmp_path / "state", tmp_path / "events.db", deep=True)
    kept.keep(REACHED)
    assert not kept.path.exists()
    monkeypatch.setattr(verified_file, "EVERY_S", 0)
    kept.keep(REACHED)
    assert kept.path.exists()


def test_noise_is_nothing(tmp_path: Path) -> None:
    kept = written(tmp_path)
    whole = kept.path.read_bytes()

    @given(st.binary(max_size=200))
    def of(noise: bytes) -> None:
        for each in (noise, whole[: len(noise)] + noise):
            kept.path.write_bytes(each)
            assert kept.read() == ()

    of()
