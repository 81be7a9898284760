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


def _text(purpose: Purpose, title: str, why: str, sent: str, kept: str = _KEPT) -> ConsentText:
    return ConsentText(title, why, sent, _NEVER, _TO_WHOM, kept, _WITHDRAW.format(purpose=purpose.value))


TEXTS: Final[Mapping[Purpose, tuple[ConsentText, ...]]] = MappingProxyType(
    {
        Purpose.AUDIT_REPORTS: (
            _text(
                Purpose.AUDIT_REPORTS,
                "Audit reports",
                "So that the author sees when installations are attacked, when updates or plugins fail, and when "
                "somebody hands out forged files.",
                "Of each audit event that scm audit list shows from then on: its type, when it happened, how often, "
                "a hash of where it came from (made with a secret of your machine, another one each day), a salted "
                "hash of what happened (the salt stays with you), the version of the program, and the country if you "
                "named one in SCM_REGION.",
            ),
        ),
        Purpose.STATISTICS: (
            _text(
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
        ),
        Purpose.ERROR_REPORTS: (
            _text(
                Purpose.ERROR_REPORTS,
                "Error reports",
                "So that the author learns of faults of the program and can mend them.",
                "When a part of the program fails: the names of the program's own functions that were at work, the "
                "kind of the error, the version, and how often it happened. Not the error's text.",
            ),
        ),
        Purpose.HEALTH: (
            _text(
                Purpose.HEALTH,
                "Health of the installation",
                "So that the author sees how many installations run which version, and can prove later which state "
                "they had agreed on.",
                "Every five minutes while the node runs: a number for your installation made for this alone, the "
                "version, how many parts of the program run and how many fail, and hashes of the states of your "
                "spaces, blinded with a secret that changes every day, so that nobody can tell which spaces they "
                "are of.",
            ),
        ),
    }
)  # fmt: skip
"""By purpose, the first version first."""


def current(purpose: Purpose) -> int:
    """The version that one is asked now; versions count from 1."""
    return len(TEXTS[purpose])


def text_of(purpose: Purpose, version: int) -> ConsentText | None:
    """None where this release knows no such version."""
    known = TEXTS[purpose]
    return known[version - 1] if 1 <= version <= len(known) else None
