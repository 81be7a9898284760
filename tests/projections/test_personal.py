"""Personal words from anywhere: shown as they are, or said why not; nothing they hold stops the rest."""

from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scmanager.domain.catalogue import MEMBERS
from scmanager.domain.character import CharacterSheet
from scmanager.domain.contact import ContactNote
from scmanager.domain.event import About, Personal
from scmanager.domain.member import Note, Profile, Recorded
from scmanager.domain.operation_events import Cancellation, Objective
from scmanager.domain.organisation import Description
from scmanager.domain.ship_events import Nickname
from scmanager.domain.treaty_events import TreatyEvidence, TreatyTerms
from scmanager.domain.words import NAME_LENGTH_MAX, PROSE_LENGTH_MAX, WordsUnusable, check_name
from scmanager.eventstore import parts
from scmanager.eventstore.entry import Entry, PartRef
from scmanager.spaces.personal import Absence, open_part
from tests.support.books import Books, form_fleet, one

NEW, ADA = b"n" * 16, b"a" * 16
KEY, PUBLIC, SALT = b"k" * 32, b"p" * 32, b"s" * 32
KEY_ID = parts.key_id(KEY)


def carrying(stored: bytes, key: bytes = KEY_ID) -> Entry:
    """An entry whose part 1 are these stored bytes."""
    return Entry(b"", b"l" * 32, 7, 1, b"", (), (PartRef(b"", 0, b""), parts.refer(stored, key)))


def sealed(plain: bytes) -> bytes:
    return parts.seal(KEY, PUBLIC, 7, 1, SALT, plain)


def opened(
    stored: bytes | None, entry: Entry, erased: tuple[bytes, ...] = (), key: bytes | None = KEY, subject: bytes = ADA
) -> object:
    return open_part(entry, 1, Profile, stored, PUBLIC, lambda _: key and (subject, key), {ADA}, erased)


def test_words_are_opened() -> None:
    stored = sealed(b'{"handle":"ada"}')
    assert opened(stored, carrying(stored)) == Profile("ada")


def test_words_that_an_erasure_would_not_reach_are_read_by_nobody() -> None:
    plain = b'{"handle":"ada"}'
    assert opened(plain, carrying(plain, key=b"")) is Absence.UNREADABLE
    stored = sealed(plain)
    assert opened(stored, carrying(stored), subject=b"") is Absence.UNREADABLE, "the space's own key"
    assert opened(stored, carrying(stored), subject=b"g" * 16) is Absence.UNREADABLE


def test_a_missing_part_or_key_is_not_here_and_never_tampering() -> None:
    stored = sealed(b'{"handle":"ada"}')
    assert opened(None, carrying(stored)) is Absence.NOT_HERE
    assert opened(stored, carrying(stored), key=None) is Absence.NOT_HERE


def test_what_an_erasure_named_is_erased_held_or_not() -> None:
    stored = sealed(b'{"handle":"ada"}')
    assert opened(stored, carrying(stored), (KEY_ID,)) is Absence.ERASED
    assert opened(None, carrying(stored), (KEY_ID,)) is Absence.ERASED


@pytest.mark.parametrize(
    "plain", [b'{"text":"ada"}', b"[]", b'{"handle":"a\\u0000b"}', b'{"handle":"\\ud800"}', b"\xff"]
)
def test_what_is_no_such_words_is_unreadable(plain: bytes) -> None:
    stored = sealed(plain)
    assert opened(stored, carrying(stored)) is Absence.UNREADABLE


def test_bytes_that_the_entry_does_not_name_are_unreadable() -> None:
    assert opened(sealed(b'{"handle":"eve"}'), carrying(sealed(b'{"handle":"ada"}'))) is Absence.UNREADABLE


def test_an_entry_without_such_a_part_is_unreadable() -> None:
    bare = Entry(b"", b"l" * 32, 7, 1, b"", (), (PartRef(b"", 0, b""),))
    assert opened(None, bare) is Absence.UNREADABLE


WRITTEN = st.one_of(st.text(max_size=90), st.text("aé \u00a0\t\n\x1b\x7f\x85\u200c\u2028\u202e\u2069", max_size=90))


@given(WRITTEN)
def test_words_are_read_where_they_may_be_written_and_nowhere_else(text: str) -> None:
    told = sealed(msgspec.json.encode({"handle": text}))
    assert (opened(told, carrying(told)) == Profile(text)) is _may_be(check_name, text)
    called = sealed(msgspec.json.encode({"handle": "ada", "display_name": text}))
    assert (opened(called, carrying(called)) == Profile("ada", text)) is _may_be(check_name, text, may_be_empty=True)


def _may_be(check: Callable[..., str], text: str, **how: bool) -> bool:
    try:
        return check(text, **how) == text
    except WordsUnusable:
        return False


@pytest.mark.parametrize(
    "name",
    ["Aýla 星", "نوري الطيّار", "می\u200cخواهم", "👨\u200d🚀 Tevarin", "D'Arc <i>", "é" * NAME_LENGTH_MAX],
)
def test_names_of_any_script_are_read(name: str) -> None:
    told = sealed(msgspec.json.encode(Profile(name, name)))
    assert opened(told, carrying(told)) == Profile(name, name)


@pytest.mark.parametrize("unseen", ["\u2800", "\u034f", "\ufe0f", "\u200b"])
def test_what_nobody_sees_in_a_name_is_shown_and_the_rest_is_read(unseen: str) -> None:
    told = sealed(msgspec.json.encode({"handle": f"ada{unseen}", "display_name": "Ada ❤️"}))
    assert opened(told, carrying(told)) == Profile("ada\ufffd", "Ada ❤️")


PROSE = "Meet at Everus.\n\tFly \x1b[31m\u202elow.\r\n" + "x" * 19_000


@pytest.mark.parametrize(
    ("kind", "names", "prose"),
    [
        (Profile, ("handle", "display_name"), ()),
        (CharacterSheet, ("name", "occupation", "origin"), ("background",)),
        (Objective, ("place",), ("objective",)),
        (Nickname, ("text",), ()),
        *(
            (each, (), ("text",))
            for each in (Note, ContactNote, TreatyTerms, TreatyEvidence, Cancellation, Description)
        ),
    ],
)
def test_every_kind_of_words_is_held_to_what_its_verb_takes(
    kind: type[Personal], names: tuple[str, ...], prose: tuple[str, ...]
) -> None:
    def read(**more: str) -> object:
        told = sealed(msgspec.json.encode(dict.fromkeys(names, "Ada") | dict.fromkeys(prose, PROSE) | more))
        return open_part(carrying(told), 1, kind, told, PUBLIC, lambda _: (ADA, KEY), {ADA})

    assert isinstance(read(), kind)
    for name in names:
        for bad in ("a\x1b[2J", "a\nb", "\u202eeva", "a" * (NAME_LENGTH_MAX + 1)):
            assert read(**{name: bad}) is Absence.UNREADABLE
    for name in prose:
        for bad in ("a\0", "a" * (PROSE_LENGTH_MAX + 1)):
            assert read(**{name: bad}) is Absence.UNREADABLE


@given(st.binary(max_size=200), st.booleans())
def test_noise_never_raises(noise: bytes, within: bool) -> None:
    stored = sealed(noise) if within else noise
    assert isinstance(opened(stored, carrying(stored)), Profile | Absence)


@pytest.mark.services
def test_a_handle_as_long_as_a_book_stops_nothing(nova: Books, database: str) -> None:
    long = "".join(chr(0x4E00 + number % 20_000) for number in range(60_000))
    nova.do(lambda desk: desk.record(MEMBERS, NEW, About(Recorded(), NEW, Profile(long))) and None)
    nova.do(form_fleet(b"F" * 16, "First"))
    projector = nova.projector(database)
    projector.catch_up()
    row = "select handle, profile_words from scm_read.member where id = %s"
    assert one(database, row, NEW) == (None, "unreadable")  # A page of such would be hundreds of megabytes.
    longest = long[:NAME_LENGTH_MAX]
    nova.do(lambda desk: desk.record(MEMBERS, NEW, About(Recorded(), NEW, Profile(longest))) and None)
    projector.catch_up()
    assert one(database, row, NEW) == (longest, "open")
    assert projector.status().poison == []
    projector.close()


@pytest.mark.services
def test_words_of_another_kind_are_unreadable(nova: Books, database: str) -> None:
    nova.do(lambda desk: desk.record(MEMBERS, NEW, About(Recorded(), NEW, Note("not a profile"))) and None)
    projector = nova.projector(database)
    projector.catch_up()
    row = one(database, "select handle, profile_words from scm_read.member where id = %s", NEW)
    assert row == (None, "unreadable")
    projector.close()
