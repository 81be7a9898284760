"""The texts that people consent to, by purpose and version: what is sent, to whom, how long it is kept, how to stop.

A text that somebody may have read is never changed: what changes is a new version, at the end of its row, and then
everybody is asked again. A test holds the hash of each.
"""

import enum
import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

import msgspec


class Purpose(enum.StrEnum):
    """What something may be sent to the author for. Never renamed. Without consent nothing is (SPEC A5, A8)."""

    AUDIT_REPORTS = "audit-reports"
    STATISTICS = "statistics"
    ERROR_REPORTS = "error-reports"
    HEALTH = "health"


class ConsentText(msgspec.Struct, frozen=True):
    """What one is asked, in plain words. Each field is a few sentences."""

    title: str
    why: str
    sent: str
    never: str
    """What is not sent."""
    to_whom: str
    kept: str
    """For how long, and what cannot be taken back."""
    withdraw: str

    @property
    def hash(self) -> bytes:
        """Of every word of it, 32 bytes."""
        return hashlib.sha3_256(b"scm/consent-text/1\n" + msgspec.json.encode(self)).digest()


_NEVER = (
    "No name, no handle, no organisation, nothing that you or others wrote, no file, no path, no address of your "
    "machine. The server sees the address that you connect from, as every server does, and neither writes it down "
    "nor passes it on."
)
_TO_WHOM = (
    "To the server of the author's ledger that you name in SCM_REPORT_TO, and to nobody else. Without such an "
    "address nothing is sent at all."
)
_KEPT = (
    "In the author's intake log, which only grows: an entry is not deleted. It holds nothing that leads back to you. "
    "What waits on your machine is kept until the server has confirmed it, at most 30 days."
)
_WITHDRAW = (
    "Any time: scm privacy withdraw {purpose}. From that moment nothing more is sent for this, and what still waits "
    "is deleted at once. What was sent before stays: nobody can tell any more that it was yours. Nothing else in the "
    "program depends on it."
)

_GREETING = (
    "Before that, at most once an hour, your machine greets the server, which has to prove that it is the author's. "
    "It says whose ledger it looks for, which versions of this exchange it speaks, a random number, and a public key "
    "made for this purpose alone, and signs with it. That key is {lasting}: the server can tell that what comes by "
    "one key is of one machine."
)
NEW_SINCE_1: Final = "what your machine says when it greets the server, and more exactly what is sent"
"""What every second version says that the first did not."""


def _text(purpose: Purpose, title: str, why: str, sent: str, kept: str = _KEPT) -> ConsentText:
    return ConsentText(title, why, sent, _NEVER, _TO_WHOM, kept, _WITHDRAW.format(purpose=purpose.value))


_FIRST: Final[Mapping[Purpose, ConsentText]] = MappingProxyType(
    {
        Purpose.AUDIT_REPORTS: _text(
            Purpose.AUDIT_REPORTS,
            "Audit reports",
            "So that the author sees when installations are attacked, when updates or plugins fail, and when "
            "somebody hands out forged files.",
            "Of each audit event that scm audit list shows from then on: its type, when it happened, how often, "
            "a hash of where it came from (made with a secret of your machine, another one each day), a salted "
            "hash of what happened (the salt stays with you), the version of the program, and the country if you "
            "named one in SCM_REGION.",
        ),
        Purpose.STATISTICS: _text(
            Purpose.STATISTICS,
            "Statistics of use",
            "So that the author sees which features are used, how long the program runs and how fast it is.",
            "That a feature was used or a thing was done, of a fixed list of 31 categories; when; how long it "
            "took; the version; the country if you named one in SCM_REGION; a number for your session that "
            "changes every 24 hours; hashes that stand for you and your organisation and that nobody can turn "
            "back. Published are totals only, and none of a group so small that it could point to somebody.",
            "Single records until the totals of their day are published, at most 35 days; the totals for ever. "
            "What waits on your machine is kept until the server has confirmed it, at most 30 days.",
        ),
        Purpose.ERROR_REPORTS: _text(
            Purpose.ERROR_REPORTS,
            "Error reports",
            "So that the author learns of faults of the program and can mend them.",
            "When a part of the program fails: the names of the program's own functions that were at work, the "
            "kind of the error, the version, and how often it happened. Not the error's text.",
        ),
        Purpose.HEALTH: _text(
            Purpose.HEALTH,
            "Health of the installation",
            "So that the author sees how many installations run which version, and can prove later which state "
            "they had agreed on.",
            "Every five minutes while the node runs: a number for your installation made for this alone, the "
            "version, how many parts of the program run and how many fail, and hashes of the states of your "
            "spaces, blinded with a secret that changes every day, so that nobody can tell which spaces they "
            "are of.",
        ),
    }
)  # fmt: skip

_SENT_SINCE_2: Final[Mapping[Purpose, str]] = MappingProxyType(
    {
        Purpose.AUDIT_REPORTS: _FIRST[Purpose.AUDIT_REPORTS].sent,
        Purpose.STATISTICS: (
            "On one day of each 28, which your machine draws at random: that a feature was used or a thing was "
            "done, of a fixed list of 31 categories; that the program failed or ended hard; of what the companion "
            "tells, in which part of the program a page was opened, a button pressed or a form sent; the day; how "
            "long it took, in whole minutes; how fast the program answered, in a few steps; the version; the "
            "country if you named one in SCM_REGION; by which interface, in which mode and on which system it runs; "
            "a number for your session, which ends with the day at the latest; hashes that stand for you and your "
            "organisation, with a salt that is destroyed when the day is over. Published are totals only, and none "
            "of a group so small that it could point to somebody."
        ),
        Purpose.ERROR_REPORTS: (
            "When a part of the program fails, or a request that it answers: the names of the program's own "
            "functions that were at work, the kind of the error, the version, the first and the last time, and how "
            "often. Not the error's text."
        ),
        Purpose.HEALTH: (
            "About every five minutes while the node runs: a number for your installation made for this alone, the "
            "hour, the version, how many parts of the program run and how many fail, and hashes of the states of "
            "your spaces, blinded with a salt of that one report, so that nobody can tell which spaces they are of, "
            "nor which are as they were."
        ),
    }
)  # fmt: skip


def _second(purpose: Purpose) -> ConsentText:
    lasting = "the same for as long as your consent stands" if purpose is Purpose.HEALTH else "another one each day"
    sent = f"{_SENT_SINCE_2[purpose]} {_GREETING.format(lasting=lasting)}"
    return msgspec.structs.replace(_FIRST[purpose], sent=sent)


TEXTS: Final[Mapping[Purpose, tuple[ConsentText, ...]]] = MappingProxyType(
    {each: (first, _second(each)) for each, first in _FIRST.items()}
)
"""By purpose, the first version first."""


def current(purpose: Purpose) -> int:
    """The version that one is asked now; versions count from 1."""
    return len(TEXTS[purpose])


def text_of(purpose: Purpose, version: int) -> ConsentText | None:
    """None where this release knows no such version."""
    known = TEXTS[purpose]
    return known[version - 1] if 1 <= version <= len(known) else None
