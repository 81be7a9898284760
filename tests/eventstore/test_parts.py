"""Parts: sealed for one place and one key, and said which one when they do not fit."""

import pytest

from scmanager.eventstore import parts
from scmanager.eventstore.parts import WrongPart, check, refer, seal, unseal

KEY, PUBLIC, SALT = b"k" * 32, b"p" * 32, b"s" * 32


def test_what_was_sealed_opens_in_its_place_only() -> None:
    stored = seal(KEY, PUBLIC, 7, 3, SALT, b"words")
    assert unseal(KEY, PUBLIC, 7, 3, stored) == b"words"
    for place in ((b"x" * 32, PUBLIC, 7, 3), (KEY, b"x" * 32, 7, 3), (KEY, PUBLIC, 8, 3), (KEY, PUBLIC, 7, 4)):
        with pytest.raises(WrongPart) as wrong:
            unseal(*place, stored)
        assert wrong.value.facts == {"number": place[3]}


@pytest.mark.parametrize("stored", [b"", b"s" * 31, b"s" * 32, b"s" * 47], ids=len)
def test_what_is_too_short_to_be_sealed_is_wrong(stored: bytes) -> None:
    with pytest.raises(WrongPart):
        unseal(KEY, PUBLIC, 7, 3, stored)


def test_an_entry_names_length_and_hash_of_a_part() -> None:
    ref = refer(b"stored", b"i" * 32)
    assert (ref.key, ref.length, ref.hash) == (b"i" * 32, 6, parts.part_hash(b"stored"))
    check(ref, b"stored", 2)
    for other in (b"Stored", b"stored!", b""):
        with pytest.raises(WrongPart) as wrong:
            check(ref, other, 2)
        assert wrong.value.facts == {"number": 2}
