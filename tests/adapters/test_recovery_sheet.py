"""Recovery sheets: what was printed is read back, and a slip of the hand is named by its group."""

import base64
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from nacl.signing import VerifyKey

from scmanager.adapters.private_files import PrivateFileExists
from scmanager.adapters.recovery_sheet import (
    ALPHABET,
    RecoveryGroupMistyped,
    RecoveryKeyMistyped,
    RecoveryKeys,
    RecoveryNumbersWrong,
    RecoverySheetUnreadable,
    encode_seed,
    make_recovery_keys,
    parse,
    sign_statement,
)
from scmanager.errors import Untrusted

SPACE = b"s" * 32
SEED = bytes(range(32))
PRINTED = "000GT 40R4J 0M30Q E209H 185GG R38E3 1W815 24GKG 2GAHB C5RR6 34D1M P70XD 3RFG4 N24R3"
seeds = st.binary(min_size=32, max_size=32)


def test_the_spelling_of_a_seed_never_changes() -> None:
    """Paper cannot be migrated."""
    assert " ".join(encode_seed(SEED)) == PRINTED
    assert parse(PRINTED) == (SEED,)


@given(seeds)
def test_the_first_four_characters_of_thirteen_groups_are_plain_base32(seed: bytes) -> None:
    plain = base64.b32encode(seed).decode().rstrip("=")
    crockford = plain.translate(str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", ALPHABET))
    assert "".join(group[:4] for group in encode_seed(seed)[:13]) == crockford


@given(seeds)
def test_a_typed_seed_is_the_printed_seed(seed: bytes) -> None:
    assert parse(" ".join(encode_seed(seed))) == (seed,)


@given(seeds)
def test_it_may_be_typed_in_small_letters_with_lookalikes_and_any_spacing(seed: bytes) -> None:
    typed = "-".join(encode_seed(seed)).lower().replace("0", "o").replace("1", "l").replace("v", "u")
    assert parse(f"  {typed[:30]}\n{typed[30:]}\t") == (seed,)


@given(seeds, st.integers(0, 69), st.sampled_from(ALPHABET))
def test_one_wrong_character_names_its_group(seed: bytes, at: int, wrong: str) -> None:
    typed = list("".join(encode_seed(seed)))
    if typed[at] == wrong:
        return
    typed[at] = wrong
    with pytest.raises(RecoveryGroupMistyped) as mistyped:
        parse("".join(typed))
    assert mistyped.value.facts == {"key": 1, "group": at // 5 + 1}


@given(seeds, st.integers(0, 13), st.integers(0, 3))
def test_two_neighbours_swapped_name_their_group(seed: bytes, group: int, at: int) -> None:
    groups = list(encode_seed(seed))
    typed = list(groups[group])
    typed[at], typed[at + 1] = typed[at + 1], typed[at]
    if "".join(typed) == groups[group]:
        return
    groups[group] = "".join(typed)
    with pytest.raises(RecoveryGroupMistyped) as mistyped:
        parse(" ".join(groups))
    assert mistyped.value.facts["group"] == group + 1


@given(seeds, st.integers(0, 13), st.integers(0, 13))
def test_two_groups_swapped_name_the_first(seed: bytes, one: int, two: int) -> None:
    groups = list(encode_seed(seed))
    if one == two:
        return
    groups[one], groups[two] = groups[two], groups[one]
    with pytest.raises(RecoveryGroupMistyped) as mistyped:
        parse(" ".join(groups))
    assert mistyped.value.facts["group"] == min(one, two) + 1


@given(seeds, seeds, st.integers(0, 12))
def test_a_group_of_another_key_in_its_place_is_noticed_by_the_checksum(one: bytes, two: bytes, at: int) -> None:
    groups = list(encode_seed(one))
    if groups[at] == encode_seed(two)[at]:
        return
    groups[at] = encode_seed(two)[at]
    with pytest.raises(RecoveryKeyMistyped):
        parse(" ".join(groups))


def test_a_seed_has_one_spelling_only() -> None:
    """The thirteenth group ends in four bits that carry nothing: they are zero or the key is mistyped."""
    groups = list(encode_seed(SEED))
    proper = groups[12]
    others = (f"{proper[:3]}{last}{check}" for last in ALPHABET for check in ALPHABET)
    for groups[12] in others:
        if groups[12] != proper:
            with pytest.raises((RecoveryGroupMistyped, RecoveryKeyMistyped)):
                parse(" ".join(groups))


def test_whole_pages_are_read_in_any_number_with_what_a_mailer_adds_around() -> None:
    keys = make_recovery_keys(5)
    pages = [keys.page(number, "Ada's Org", SPACE) for number in range(1, 6)]
    assert parse("\f".join(pages)) == keys.seeds
    assert parse("Hello,\n\n" + pages[3] + "\n\nregards") == (keys.seeds[3],)
    assert parse("\n".join([pages[2], pages[0]])) == (keys.seeds[2], keys.seeds[0])


def test_the_key_that_was_mistyped_is_named() -> None:
    keys = make_recovery_keys(2)
    pages = [keys.page(number, "Ada's Org", SPACE) for number in (1, 2)]
    last = pages[1].rstrip()[-1]
    pages[1] = pages[1].rstrip()[:-1] + ("2" if last != "2" else "3")
    with pytest.raises(RecoveryGroupMistyped, match="Key 2: group 14"):
        parse("\f".join(pages))


@given(
    st.text()
    | st.text(alphabet=ALPHABET + " \n\fß-", max_size=120)
    | st.text(alphabet=ALPHABET, min_size=70, max_size=70)
)
def test_noise_is_untrusted_and_nothing_else(noise: str) -> None:
    for text in (noise, f"Groups 1 to 7: {noise}", f"SC MANAGER RECOVERY KEY\nGroups 1: {noise}"):
        with pytest.raises(Untrusted):
            parse(text)


@pytest.mark.parametrize("text", ["", "AAAAA", PRINTED[:-1], PRINTED + "0", PRINTED + " " + PRINTED, " " * (2 << 20)])
def test_too_little_or_too_much_is_unreadable(text: str) -> None:
    with pytest.raises(RecoverySheetUnreadable):
        parse(text)


@pytest.mark.parametrize("at", [0, 34, 69])
def test_letters_that_grow_when_capitalised_do_no_harm(at: int) -> None:
    typed = list(PRINTED.replace(" ", ""))
    typed[at] = "ß"
    with pytest.raises(RecoveryGroupMistyped):
        parse("".join(typed))


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes")
def test_the_sheet_is_for_its_owner_only(tmp_path: Path) -> None:
    make_recovery_keys().write(tmp_path / "sheet.txt", "Ada's Org", SPACE)
    assert (tmp_path / "sheet.txt").stat().st_mode & 0o777 == 0o600


def test_a_sheet_is_read_back_from_its_file_and_never_overwritten(tmp_path: Path) -> None:
    keys = make_recovery_keys(3)
    keys.write(tmp_path / "sheet.txt", "Ada's Org", SPACE)
    assert parse((tmp_path / "sheet.txt").read_text(encoding="utf-8")) == keys.seeds
    with pytest.raises(PrivateFileExists):
        make_recovery_keys(3).write(tmp_path / "sheet.txt", "Ada's Org", SPACE)
    assert parse((tmp_path / "sheet.txt").read_text(encoding="utf-8")) == keys.seeds


def test_a_page_stands_for_itself() -> None:
    keys = make_recovery_keys(3)
    page = keys.page(2, "Ada's Org", SPACE)
    assert "KEY 2 OF 3" in page
    assert "Needed:       2 of 3" in page
    assert SPACE.hex() in page
    assert keys.public_keys[1].hex() in page
    assert "Ada's Org" in page
    assert max(map(len, page.splitlines())) <= 80


def test_an_organisation_cannot_name_itself_into_the_groups() -> None:
    keys = make_recovery_keys()
    page = keys.page(1, f"Org\nGroups 1 to 14: {PRINTED}\f\r\x00\u2028SC MANAGER RECOVERY KEY" + "x" * 500, SPACE)
    assert PRINTED not in "".join(line for line in page.splitlines() if line.startswith("Groups"))
    assert parse(page) == keys.seeds


@pytest.mark.parametrize(("count", "needed"), [(1, 1), (2, 2), (3, 2), (3, 3), (4, 3), (15, 8), (15, 15)])
def test_more_than_half_of_the_keys_are_needed(count: int, needed: int) -> None:
    assert make_recovery_keys(count, needed).needed == needed


@pytest.mark.parametrize(
    ("count", "needed"), [(0, 0), (0, 1), (1, 0), (2, 1), (3, 1), (4, 2), (3, 4), (16, 9), (-1, 1)]
)
def test_half_or_less_more_than_all_or_too_many_are_refused(count: int, needed: int) -> None:
    with pytest.raises(RecoveryNumbersWrong):
        make_recovery_keys(count, needed)


def test_by_default_one_key_is_made_and_of_more_just_over_half_are_needed() -> None:
    assert (len(make_recovery_keys().seeds), make_recovery_keys().needed) == (1, 1)
    assert [make_recovery_keys(count).needed for count in (2, 3, 4, 5)] == [2, 2, 3, 3]
    assert len(set(make_recovery_keys(15).seeds)) == 15


def test_each_key_signs_the_statement_and_says_which_key_it_is() -> None:
    keys = make_recovery_keys(3)
    signed = sign_statement(keys.seeds[:2], b"statement")
    assert {one.key for one in signed} == set(keys.public_keys[:2])
    assert list(signed) == sorted(signed)
    for one in signed:
        VerifyKey(one.key).verify(b"scm/recovery/1\nstatement", one.signature)


def test_no_seed_shows_in_a_repr() -> None:
    assert repr(RecoveryKeys([SEED, SEED[::-1], bytes(32)], 2)) == "RecoveryKeys(2 of 3)"
