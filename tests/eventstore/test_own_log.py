"""The writing end of a log."""

import pytest

from scmanager.eventstore import parts
from scmanager.eventstore.entry import Dep
from scmanager.eventstore.own_log import Draft, OwnLog, Secret
from tests.golden.logs import SPACE_KEY, STARTED, SUBJECT_KEY, entropy_of, founding, key_of, sealed, shared, some


def new_log() -> OwnLog:
    signer = key_of("mine")
    return OwnLog.found(founding("mine", "org")(signer.public), signer, STARTED, entropy_of("mine"))


def test_nobody_signs_an_entry_that_no_reader_would_take() -> None:
    log = new_log()
    own = Dep(log.head.log, 0, some("head"))
    others = tuple(Dep(some(f"log {n}"), 0, some("head")) for n in range(65))
    bad = [
        sealed("x", None, deps=(own,)),
        sealed("x", None, deps=others),
        sealed("x", None, *([b"words"] * 16)),
        Draft(shared("x"), SPACE_KEY, ((SUBJECT_KEY, bytes(1024 * 1024 + 1)),)),
        Draft(b"", None),
        Draft(bytes(64 * 1024 + 1), SPACE_KEY),
    ]
    for draft in bad:
        with pytest.raises(ValueError, match="not well formed"):
            log.add(draft, log.hlc + 1)
    with pytest.raises(ValueError, match="no entry can carry"):
        log.add(sealed("x"), 2**53)
    assert log.added == 1


def test_time_rises_in_a_log() -> None:
    log = new_log()
    with pytest.raises(ValueError, match=r"^hlc strictly rises in a log$"):
        log.add(sealed("x"), STARTED)
    signer = key_of("mine")
    with pytest.raises(ValueError, match=r"^hlc strictly rises, from 0 on$"):
        OwnLog.found(founding("mine", "org")(signer.public), signer, 0)


def test_the_first_time_is_1() -> None:
    signer = key_of("mine")
    log = OwnLog.found(founding("mine", "org")(signer.public), signer, 1)
    assert (log.hlc, log.head.hlc, log.head.size, log.head.branch) == (1, 0, 0, 0)
    assert log.commit().head.hlc == 1


def test_a_log_goes_on_from_what_the_store_holds() -> None:
    log = new_log()
    first = log.commit()
    assert first.before == (0, bytes(64))
    log.committed(first)
    sealed_ = log.add(sealed("x"), log.hlc + 1)
    assert (sealed_.entry.seq, sealed_.entry.prev) == (1, first.head.id)
    assert log.commit().before == (1, first.head.id)


def test_a_secret_is_named_by_the_hash_of_its_key() -> None:
    assert Secret.of(b"k" * 32) == Secret(parts.key_id(b"k" * 32), b"k" * 32)


def test_a_log_is_written_by_the_key_it_names() -> None:
    genesis = founding("mine", "org")(key_of("mine").public)
    with pytest.raises(ValueError, match=r"^this key does not write this log$"):
        OwnLog.found(genesis, key_of("other"), STARTED)
    with pytest.raises(ValueError, match=r"^this key does not write this log$"):
        OwnLog(new_log().head, key_of("other"))


def test_fresh_salts_make_two_seals_of_one_text_differ() -> None:
    signer = key_of("mine")
    log = OwnLog.found(founding("mine", "org")(signer.public), signer, STARTED)
    one = log.add(sealed("x", None, b"words"), log.hlc + 1)
    log.undo_to(1)
    other = log.add(sealed("x", None, b"words"), log.hlc + 1)
    assert one.parts[0] != other.parts[0]
    assert one.parts[1] != other.parts[1]
