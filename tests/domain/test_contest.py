"""A contested value: who ends whose claim."""

from hypothesis import given
from hypothesis import strategies as st

from scmanager.domain.contest import Claim, beside, drop, entries, holder, rivals, stake
from scmanager.domain.event import Envelope
from tests.support.scenario import THING, entry

Claims = tuple[Claim[str], ...]


def by(number: int, *saw: int) -> Envelope:
    return Envelope(entry(number), b"", 1, 1, b"", b"", 0, THING, saw=tuple(entry(each) for each in saw))


ONE: Claims = (Claim("a", entry(1)),)
TWO: Claims = (*ONE, Claim("b", entry(2)))


def test_a_claim_ends_those_its_author_named_or_saw_and_no_other() -> None:
    assert stake(TWO, "c", (entry(1),), by(3)) == (Claim("b", entry(2)), Claim("c", entry(3)))
    assert stake(TWO, "c", (), by(3, 2)) == (Claim("a", entry(1)), Claim("c", entry(3)))
    assert stake(TWO, "c", (entry(1),), by(3, 2)) == (Claim("c", entry(3)),)
    assert stake(TWO, "c", (), by(3)) == (*TWO, Claim("c", entry(3)))


def test_a_claim_beside_others_ends_none_even_if_seen() -> None:
    assert beside(TWO, "c", by(3, 1, 2)) == (*TWO, Claim("c", entry(3)))


def test_dropping_ends_what_was_known_and_leaves_what_was_set_meanwhile() -> None:
    assert drop(TWO, (entry(1),), by(3)) == (Claim("b", entry(2)),)
    assert drop(TWO, (), by(3, 2)) == ONE


def test_the_first_holds_and_the_others_are_rivals_unless_they_say_the_same() -> None:
    assert (holder(()), rivals(())) == (None, ())
    assert (holder(TWO), rivals(TWO)) == ("a", ("b",))
    assert rivals((*TWO, Claim("a", entry(3)), Claim("b", entry(4)))) == ("b",)
    assert entries(TWO) == (entry(1), entry(2))


def test_sixty_four_claims_stand_and_no_more() -> None:
    full: Claims = tuple(Claim(str(number), entry(number), bytes([number])) for number in range(64))
    assert stake(full, "x", (), by(99)) == full
    assert beside(full, "x", by(99)) == full
    assert len(stake(full[:63], "x", (), by(99))) == len(beside(full[:63], "x", by(99))) == 64
    assert stake(full, "x", entries(full), by(99)) == (Claim("x", entry(99)),)


def test_nobody_fills_the_place_of_the_others() -> None:
    claims: Claims = ()
    for number in range(1, 70):
        claims = beside(stake(claims, str(number), (), by(number)), f"beside {number}", by(100 + number))
    assert len(claims) == 4
    of_another = Envelope(entry(99), b"", 1, 1, b"", b"another", 0, THING)
    assert stake(claims, "x", (), of_another) == beside(claims, "x", of_another)
    assert rivals(stake(claims, "x", (), of_another))[-1] == "x"


@given(st.permutations((3, 4, 5)))
def test_claims_that_did_not_know_of_each_other_all_stand_whatever_their_order(order: list[int]) -> None:
    claims = TWO
    for number in order:
        claims = stake(claims, str(number), entries(TWO), by(number))
    assert {claim.value for claim in claims} == {"3", "4", "5"}
    assert holder(claims) == str(order[0])
