"""Passphrase locks that open quickly: a strong one is made to take a second, each time. For conftest to import."""

import pytest
from nacl.pwhash import argon2id

from scmanager.adapters.wrapping import PassphraseProtection


@pytest.fixture(autouse=True)
def quick_locks(monkeypatch: pytest.MonkeyPatch) -> None:
    """New ones are weak here."""
    weak = {"passes": argon2id.OPSLIMIT_MIN, "memory_bytes": argon2id.MEMLIMIT_MIN}
    monkeypatch.setattr(PassphraseProtection.__init__, "__kwdefaults__", weak)
