"""Where a verified run goes: on a branch, or on a new one."""

from scmanager.eventstore.branches import Branch, Placement, pieces, place
from scmanager.eventstore.own_log import Batch, Head, OwnLog
from scmanager.eventstore.verification import SignedNote, VerifiedRun, start_of, verify
from tests.golden.logs import STARTED, clear, entropy_of, founding, key_of

SIGNER = key_of("forked")


def run_of(batch: Batch, after: Head) -> VerifiedRun:
    note = SignedNote(batch.head.size, batch.root, batch.signature)
    held = [dict(enumerate(one.parts)) for one in batch.sealed]
    return verify(after, [one.entry.data for one in batch.sealed], held, note)


def grown(head: Head, *words: str) -> Batch:
    """The log goes on from this head with one entry a word."""
    log = OwnLog(head, SIGNER, entropy_of("forked"))
    for word in words:
        log.add(clear("said", {"word": word}), log.hlc + 1)
    return log.commit()


FIRST = OwnLog.found(founding("forked", "author")(SIGNER.public), SIGNER, STARTED, entropy_of("forked")).commit()
EMPTY = start_of(FIRST.sealed[0].entry.data)
ONE, TWO, THREE = grown(FIRST.head, "one", "more"), grown(FIRST.head, "two"), grown(FIRST.head, "three")
BRANCHES = {0: Branch(0, 0, 0, 3), 1: Branch(1, 0, 1, 2)}
"""Branch 0 holds the first entry and ONE, branch 1 left it after the first entry and holds TWO."""
IDS = {
    0: [each.entry.id for each in (*FIRST.sealed, *ONE.sealed)],
    1: [each.entry.id for each in (*FIRST.sealed, *TWO.sealed)],
}


def id_at(branch: int, seq: int) -> bytes | None:
    return IDS[branch][seq] if seq < len(IDS[branch]) else None


def nothing_at(branch: int, seq: int) -> bytes | None:
    return None


def test_a_log_begins_on_branch_0() -> None:
    run = run_of(FIRST, EMPTY)
    assert place(run, {}, nothing_at) == Placement(0, FIRST.sealed, Branch(0, 0, 0, 0))


def test_what_continues_nothing_that_is_held_goes_nowhere() -> None:
    assert place(run_of(ONE, FIRST.head), {}, nothing_at) is None
    later = grown(THREE.head, "later")
    assert place(run_of(later, THREE.head), BRANCHES, id_at) is None


def test_a_run_goes_on_where_it_belongs() -> None:
    for branch, batch in ((0, ONE), (1, TWO)):
        later = grown(batch.head, "later")
        assert place(run_of(later, batch.head), BRANCHES, id_at) == Placement(branch, later.sealed)


def test_what_is_held_is_not_stored_again() -> None:
    assert place(run_of(FIRST, EMPTY), BRANCHES, id_at) == Placement(0, ())
    assert place(run_of(ONE, FIRST.head), BRANCHES, id_at) == Placement(0, ())
    assert place(run_of(TWO, FIRST.head), BRANCHES, id_at) == Placement(1, ())


def test_a_fork_gets_a_branch_from_where_it_left_the_lowest_one_it_shares_most_with() -> None:
    third = Branch(2, 0, 1, 1)
    assert place(run_of(THREE, FIRST.head), BRANCHES, id_at) == Placement(2, THREE.sealed, third)
    away = grown(OwnLog(FIRST.head, SIGNER).head, "one", "else")
    assert away.sealed[0].entry.id == ONE.sealed[0].entry.id
    assert place(run_of(away, FIRST.head), BRANCHES, id_at) == Placement(2, away.sealed[1:], Branch(2, 0, 2, 2))


def test_a_branch_is_read_in_pieces_from_the_oldest_on() -> None:
    deep = BRANCHES | {2: Branch(2, 1, 5, 9)}
    end = 2**53 - 1
    assert pieces(deep, 0) == [(0, 0, end)]
    assert pieces(deep, 2) == [(0, 0, 1), (1, 1, 5), (2, 5, end)]
    assert pieces(deep, 3) == []
