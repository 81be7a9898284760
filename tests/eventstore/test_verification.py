"""Only what was verified passes for verified."""

import pytest

from scmanager.eventstore.own_log import OwnLog
from scmanager.eventstore.parts import WrongPart
from scmanager.eventstore.verification import (
    BrokenChain,
    NoteMismatch,
    PartMissing,
    SignedNote,
    VerifiedRun,
    start_of,
    verify,
)
from tests.eventstore.test_branches import EMPTY, FIRST, ONE, SIGNER, run_of
from tests.golden.logs import entropy_of, sealed


def test_nobody_but_verification_makes_a_verified_run() -> None:
    run = run_of(FIRST, EMPTY)
    with pytest.raises(TypeError, match=r"^only verification makes a VerifiedRun$"):
        VerifiedRun(object(), EMPTY, run.head, run.sealed, run.note)
    assert (run.after, run.head, run.sealed) == (EMPTY, FIRST.head, FIRST.sealed)
    assert run.note == SignedNote(1, FIRST.root, FIRST.signature)


def test_an_entry_comes_with_its_parts_or_not_at_all() -> None:
    run = run_of(FIRST, EMPTY)
    with pytest.raises(ValueError, match=r"^as many parts as entries$"):
        verify(EMPTY, [FIRST.sealed[0].entry.data], [], run.note)


def test_a_log_begins_with_its_entry_0() -> None:
    second = ONE.sealed[0].entry
    with pytest.raises(BrokenChain) as broken:
        start_of(second.data)
    assert broken.value.facts == {"log": second.log.hex(), "seq": 1}


def test_what_does_not_continue_or_is_not_signed_for_is_named() -> None:
    second = ONE.sealed[0]
    log = second.entry.log.hex()
    with pytest.raises(BrokenChain) as broken:
        verify(EMPTY, [second.entry.data], [dict(enumerate(second.parts))], run_of(FIRST, EMPTY).note)
    assert broken.value.facts == {"log": log, "seq": 0}
    with pytest.raises(NoteMismatch) as mismatch:
        verify(EMPTY, [FIRST.sealed[0].entry.data], [{}], SignedNote(1, FIRST.root, bytes(64)))
    assert mismatch.value.facts == {"log": log, "size": 1}


def test_an_erasable_part_may_lack_and_the_shared_one_may_not() -> None:
    log = OwnLog(FIRST.head, SIGNER, entropy_of("forked"))
    one = log.add(sealed("said", None, b"words", b"more"), log.hlc + 1)
    batch = log.commit()
    note = SignedNote(batch.head.size, batch.root, batch.signature)

    def stored(held: dict[int, bytes]) -> tuple[bytes, ...]:
        return verify(FIRST.head, [one.entry.data], [held], note).sealed[0].parts

    assert stored({0: one.parts[0], 2: one.parts[2]}) == (one.parts[0], b"", one.parts[2])
    with pytest.raises(PartMissing) as missing:
        stored({1: one.parts[1]})
    assert missing.value.facts == {"log": one.entry.log.hex(), "seq": 1}
    with pytest.raises(WrongPart) as wrong:
        stored({0: one.parts[0], 1: one.parts[2]})
    assert wrong.value.facts == {"number": 1}
