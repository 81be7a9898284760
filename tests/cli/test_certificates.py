"""Certificates of an erasure: made once the keys are gone, and checked from the file alone."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from scmanager.application import certifying
from scmanager.errors import Untrusted
from scmanager.eventstore.erasure_certificate import BadCertificate, Certificate
from scmanager.eventstore.evidence import Bundle
from scmanager.eventstore.signing import SigningKey
from tests.cli.conftest import Scm
from tests.support.effort import examples

NAME = "Aýla 星"


@pytest.fixture
def erased(scm: Scm, tmp_path: Path) -> Path:
    """The certificate of what was erased in one's own space."""
    assert scm("init").code == 0
    assert scm("character", "make", NAME, "--background", "Born in a storm.").code == 0
    assert scm("erase", "--personal", "--at-once", "--yes").code == 0
    path = tmp_path / "erased.scm-certificate"
    made = scm("privacy", "certificate", "--personal", "-o", path)
    assert made.code == 0, made.err
    return path


def test_who_was_erased_gets_the_proof_and_anybody_checks_it(scm: Scm, erased: Path, tmp_path: Path) -> None:
    told = scm("verify", "erasure", erased, at="nowhere")
    assert told.code == 0, told.out
    assert "Good: 1 key destroyed" in told.out
    assert "at-once" in told.out
    assert "no other machine" in told.err
    found = scm("verify", "erasure", erased, "--json").json
    assert (found["ok"], found["problems"], found["entries"] >= 1) == (True, [], True)
    raw = erased.read_bytes()
    for clear in (NAME.encode(), b"Born in a storm", json.dumps(NAME).encode()):
        assert clear not in raw
    assert not (tmp_path / "nowhere").exists()


def test_nobody_is_certified_whose_keys_are_there_still(nova: Scm, tmp_path: Path) -> None:
    nova("member", "record", "Ayla")
    path = tmp_path / "c"
    assert nova("privacy", "certificate", "Ayla", "-o", path).error == "certificate-nothing-erased"
    nova("erase", "Ayla", "--yes")
    member = next(row["id"] for row in nova("member", "list", "--json").json if row["handle"] != "Vesper")
    assert nova("privacy", "certificate", member, "-o", path).error == "certificate-too-early"
    assert not path.exists()


def test_a_certificate_that_says_more_than_its_evidence_is_found_out(erased: Path) -> None:
    """By whoever holds the device's key too: he can sign what he likes, and not make the log say it."""
    said, key = Certificate.parse(erased.read_bytes()), SigningKey.generate()

    def wrong(**changed: object) -> tuple[str, ...]:
        other = replace(said, device=key.public, **changed)
        return certifying.check(replace(other, signature=key.sign(other.message)))

    assert wrong() == ()
    assert "The keys are not those that the erasure names." in wrong(keys=(*said.keys, b"k" * 32))
    assert "The keys are not those that the erasure names." in wrong(keys=())
    assert any("about somebody else" in each for each in wrong(subject=bytes(16)))
    assert any("about somebody else" in each for each in wrong(asked=()))
    moved = replace(said.gone[0], seq=0)
    assert any("was not sealed under those keys" in each for each in wrong(gone=(moved,)))
    assert "The evidence is of another space." in wrong(space=bytes(32))
    (asked,) = said.asked
    for other in ({"ground": "court-order"}, {"at_s": 0}, {"at_s": asked.at_s + 1}):
        assert any("on another day or ground" in each for each in wrong(asked=(replace(asked, **other),)))
    assert any("another order, or twice" in each for each in wrong(asked=said.asked * 5))
    assert any("another order, or twice" in each for each in wrong(gone=said.gone * 1000))
    assert any("not named" in each for each in wrong(gone=()))
    assert any("before it was asked for" in each for each in wrong(made_s=0))
    with pytest.raises(BadCertificate):
        Certificate.parse(replace(said, release="\x1b[2J").to_bytes())
    bundle = Bundle.parse(said.evidence.encode())
    (log,) = bundle.logs
    fewer = Bundle((replace(log, entries=log.entries[:-1]),)).to_bytes().decode()
    assert wrong(evidence=fewer)
    assert wrong(evidence="noise")


def test_a_device_that_the_evidence_does_not_name_is_told_as_that(scm: Scm, erased: Path, tmp_path: Path) -> None:
    said, key = Certificate.parse(erased.read_bytes()), SigningKey.generate()
    assert certifying.shows_device(said)
    assert "Nothing here shows" not in scm("verify", "erasure", erased).err
    other = replace(said, device=key.public)
    other = replace(other, signature=key.sign(other.message))
    path = tmp_path / "strangers"
    path.write_bytes(other.to_bytes())
    told = scm("verify", "erasure", path)
    assert "Nothing here shows that this device is one of the space's" in told.err
    assert "The device says" in told.out
    assert scm("verify", "erasure", path, "--json").json["device_shown"] is False
    assert scm("verify", "erasure", erased, "--json").json["device_shown"] is True


@pytest.mark.slow
def test_no_byte_can_be_changed(erased: Path) -> None:
    whole = erased.read_bytes()

    @settings(max_examples=examples(300))
    @given(at=st.integers(0, len(whole) - 1), by=st.integers(1, 255))
    def changed(at: int, by: int) -> None:
        raw = whole[:at] + bytes([whole[at] ^ by]) + whole[at + 1 :]
        try:
            assert certifying.check(Certificate.parse(raw))
        except Untrusted as error:
            assert type(error) is BadCertificate  # noqa: PT017 - and no other

    changed()


@given(st.binary(max_size=300))
@settings(max_examples=examples(200))
def test_whatever_bytes_come_they_are_a_certificate_or_none(raw: bytes) -> None:
    with pytest.raises(BadCertificate):
        Certificate.parse(raw)
