"""Whose key seals an organisation's prose: a format, so its bytes are kept here."""

from scmanager.domain.prose import prose_of
from scmanager.domain.ship_events import Owner, OwnerKind

NOVA = bytes(range(16))


def test_the_subject_of_prose_keeps_its_bytes_and_is_not_the_founders() -> None:
    """Golden: two bytes that no member's id begins with, then 14 of SHA3-256(tag, the organisation's id)."""
    assert prose_of(NOVA).hex() == "ffff7c42e7e2c1bffaa1514f9ede4e14"


def test_words_about_a_ship_are_its_owners_and_those_about_the_organisations_own_are_prose() -> None:
    assert Owner(OwnerKind.MEMBER, NOVA).subject == NOVA
    assert Owner(OwnerKind.ORGANISATION, NOVA).subject == prose_of(NOVA)
