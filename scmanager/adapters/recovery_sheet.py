"""Recovery keys on paper: what an organisation founds itself anew with when every founder's device is gone.

Each key is one page that stands for itself, made to be typed back by hand: fourteen groups of five characters in
Crockford's alphabet. Thirteen hold the 32-byte seed, four characters each, the fourteenth a checksum of all. A
group's fifth character checks the group and its number: one wrong character, two neighbours swapped or two groups
swapped are always noticed, and the message names the group.
"""

import hashlib
import re
import secrets
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from nacl.signing import SigningKey

from scmanager.adapters.private_files import SIZE_BYTES_MAX, write_private
from scmanager.errors import Refused, Untrusted

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
GROUPS = 14
GROUP_CHARACTERS = 5
SEED_BYTES = 32
KEYS_MAX = 15
LOOKALIKES = str.maketrans("OILU", "011V")
STATEMENT_PREFIX = b"scm/recovery/1\n"

INSTRUCTIONS = """\
Keep this page where you keep what must not be lost, away from any computer. Print it, then delete the file. Whoever \
holds {needed} of the {count} keys of this organisation can take it over; whoever holds none can recover nothing. \
The letters O, I, L and U do not occur: read zero, one, one and V. To use it, run "scm recovery offer", \
then "scm recovery sign", and type the fourteen groups below. A page that was used, or that a newer one replaces, \
is to be destroyed."""


class RecoveryNumbersWrong(Refused):
    """{needed} of {count} recovery keys is not possible."""

    code = "recovery-numbers-wrong"
    hint = "At most 15 keys, and more than half of them must be needed: 1 of 1, 2 of 3, 3 of 5."


class RecoveryGroupMistyped(Untrusted):
    """Key {key}: group {group} is not as it was printed."""

    code = "recovery-group-mistyped"
    hint = "Compare that group with the sheet, character by character."


class RecoveryKeyMistyped(Untrusted):
    """Key {key} is not as it was printed, though each group could be."""

    code = "recovery-key-mistyped"
    hint = "Compare all groups with the sheet; two characters of one group are wrong."


class RecoverySheetUnreadable(Untrusted):
    """No recovery key of {groups} groups can be found in this text."""

    code = "recovery-sheet-unreadable"
    hint = "Type the fourteen groups of five characters, or give the whole page."


class RecoveryKeys:
    """The recovery keys of one organisation, fresh or typed back; `needed` of them sign together."""

    def __init__(self, seeds: Sequence[bytes], needed: int) -> None:
        """Raises RecoveryNumbersWrong unless needed <= count < 2 * needed and count <= 15 (DESIGN 3, rule 11)."""
        if not (1 <= len(seeds) <= KEYS_MAX and needed <= len(seeds) < 2 * needed):
            raise RecoveryNumbersWrong(needed=needed, count=len(seeds))
        self.seeds = tuple(seeds)
        self.needed = needed
        self.public_keys = tuple(bytes(SigningKey(seed).verify_key) for seed in seeds)

    def __repr__(self) -> str:
        return f"RecoveryKeys({self.needed} of {len(self.seeds)})"

    def write(self, path: Path, organisation: str, space: bytes) -> None:
        """Write all pages into one new text file for its owner only. Raises PrivateFileExists, PrivateFileFailed."""
        pages = (self.page(number, organisation, space) for number in range(1, len(self.seeds) + 1))
        write_private(path, "\f".join(pages).encode(), replace=False)

    def page(self, number: int, organisation: str, space: bytes) -> str:
        """The page of key `number` (from 1): give each to another person."""
        count, groups = len(self.seeds), encode_seed(self.seeds[number - 1])
        return "\n".join(
            (
                f"SC MANAGER RECOVERY KEY {number} OF {count}",
                "",
                f"Organisation: {_one_line(organisation)}",
                f"Space:        {space.hex()}",
                f"Public key:   {self.public_keys[number - 1].hex()}",
                f"Needed:       {self.needed} of {count}",
                "",
                *textwrap.wrap(INSTRUCTIONS.format(needed=self.needed, count=count), 78),
                "",
                f"Groups 1 to 7:   {' '.join(groups[:7])}",
                f"Groups 8 to 14:  {' '.join(groups[7:])}",
                "",
            )
        )


class Signature(NamedTuple):
    """One recovery key's word."""

    key: bytes
    signature: bytes


def make_recovery_keys(count: int = 1, needed: int | None = None) -> RecoveryKeys:
    """Fresh keys; by default just over half of them are needed. Raises RecoveryNumbersWrong."""
    needed = count // 2 + 1 if needed is None else needed
    if not 1 <= count <= KEYS_MAX:
        raise RecoveryNumbersWrong(needed=needed, count=count)
    return RecoveryKeys([secrets.token_bytes(SEED_BYTES) for _ in range(count)], needed)


def sign_statement(seeds: Sequence[bytes], statement: bytes) -> tuple[Signature, ...]:
    """Sign `scm/recovery/1`, a newline and the statement's bytes with each key, sorted by public key."""
    keys = [SigningKey(seed) for seed in seeds]
    signed = (Signature(bytes(key.verify_key), key.sign(STATEMENT_PREFIX + statement).signature) for key in keys)
    return tuple(sorted(signed))


def encode_seed(seed: bytes) -> tuple[str, ...]:
    """A 32-byte seed as its fourteen groups."""
    bits = int.from_bytes(seed) << 4  # 256 bits and four of padding make 52 characters.
    total = (bits << 20) | _checksum(seed)
    values = [(total >> shift) & 31 for shift in range(55 * 5, -1, -5)]
    return tuple(_group(number, values[4 * number : 4 * number + 4]) for number in range(GROUPS))


def parse(text: str) -> tuple[bytes, ...]:
    """The seeds in a text: whole pages, or only typed groups; in the order found.

    Raises RecoverySheetUnreadable, RecoveryGroupMistyped, RecoveryKeyMistyped and nothing else.
    """
    if len(text) > SIZE_BYTES_MAX:
        raise RecoverySheetUnreadable(groups=GROUPS)
    pages = [typed for page in re.split(r"\f|(?=SC MANAGER RECOVERY KEY)", text) if (typed := _labelled(page))]
    pages = [_squeezed(typed) for typed in pages or [text]]
    if any(len(typed) != GROUPS * GROUP_CHARACTERS for typed in pages):
        raise RecoverySheetUnreadable(groups=GROUPS)
    return tuple(_decode(number, typed) for number, typed in enumerate(pages, 1))


def _labelled(page: str) -> str:
    """What stands in a page's lines that begin with `Groups 1 to 7:` and the like."""
    return "".join(re.findall(r"^[ \t]*Groups\s+\d[^:\n]*:(.*)$", page, re.MULTILINE | re.IGNORECASE))


def _squeezed(typed: str) -> str:
    return re.sub(r"[\s\-]+", "", typed)


def _decode(key: int, typed: str) -> bytes:
    clean = typed.upper().translate(LOOKALIKES)
    total = 0
    for number in range(GROUPS):
        group = clean[GROUP_CHARACTERS * number : GROUP_CHARACTERS * (number + 1)]
        values = [ALPHABET.find(character) for character in group]
        if min(values) < 0 or _group(number, values[:4]) != group:
            raise RecoveryGroupMistyped(key=key, group=number + 1)
        for value in values[:4]:
            total = total << 5 | value
    padded, check = total >> 20, total & 0xFFFFF
    seed = (padded >> 4).to_bytes(SEED_BYTES)
    if padded & 15 or _checksum(seed) != check:
        raise RecoveryKeyMistyped(key=key)
    return seed


def _checksum(seed: bytes) -> int:
    return int.from_bytes(hashlib.sha3_256(b"scm/recovery-check/1\n" + seed).digest()[:3]) >> 4


def _group(number: int, values: Sequence[int]) -> str:
    """Four characters and their check: a sum in GF(32) with another weight at each place, and the group's number."""
    check = number
    for place, value in enumerate(values, 1):
        check ^= _times(place + 1, value)
    return "".join(ALPHABET[value] for value in (*values, check))


def _times(a: int, b: int) -> int:
    """Multiplication in GF(32) modulo x^5 + x^2 + 1."""
    product = 0
    for bit in range(5):
        if b >> bit & 1:
            product ^= a << bit
    for bit in range(9, 4, -1):
        if product >> bit & 1:
            product ^= 0b100101 << (bit - 5)
    return product


def _one_line(text: str) -> str:
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())[:120]
