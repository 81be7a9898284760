"""The intake: where whatever goes wrong leaves a word in passing. It never waits, never fails, never grows.

Like causes become one with a count before anybody looks at them. When there are too many kinds at once, the rest is
counted by type; the last places are for types and codes that are not among them yet.
"""

import re
import threading
from collections.abc import Callable
from typing import Protocol

import msgspec

from scmanager.application.audit_tally import Beyond, Cause, joined
from scmanager.domain.audit_types import KINDS, AuditType
from scmanager.domain.event import Id

KINDS_MAX, COMMON_MAX = 256, 192
TEXT_MAX, SOURCE_MAX = 1_000, 200
UNNAMED = "unnamed"

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}", re.ASCII)


class Note(Protocol):
    """How a part of the program says that something happened."""

    def __call__(self, type_: AuditType, code: str, source: str = "", text: str = "", command: Id = b"") -> None:
        """`code`: what exactly; `source`: where from; `text`: for the owner. `command` (16 bytes): say it once."""


def unheard(type_: AuditType, code: str, source: str = "", text: str = "", command: Id = b"") -> None:
    """A Note that nobody hears: where there is no node."""


class Intake:
    """A Note for any thread."""

    def __init__(
        self, clock_us: Callable[[], int], entropy: Callable[[int], bytes], wake: Callable[[], None]
    ) -> None:
        """`wake` is called after each cause and must return at once."""
        self._clock_us, self._entropy, self._wake = clock_us, entropy, wake
        self._lock = threading.Lock()
        self._causes: dict[tuple[AuditType, str, str], Cause] = {}
        self._codes: set[tuple[AuditType, str]] = set()
        self._beyond: dict[AuditType, Beyond] = {}
        self.statistics = False
        """Whether the owner consents to statistics: without, types that need it are not heard."""

    def __call__(self, type_: AuditType, code: str, source: str = "", text: str = "", command: Id = b"") -> None:
        """See Note. What needs a consent that does not stand is not heard."""
        if self.statistics or not KINDS[type_].consent:
            now = max(self._clock_us(), 0) // 1_000_000
            name = code if _KEY.fullmatch(code) else UNNAMED
            self._add(
                Cause(
                    command or self._entropy(16),
                    type_,
                    name,
                    clean(source, SOURCE_MAX),
                    clean(text, TEXT_MAX),
                    now,
                    now,
                )
            )
            self._wake()

    def give_back(self, cause: Cause) -> None:
        """It could not be kept anywhere yet. Wakes nobody."""
        self._add(cause)

    def take(self) -> tuple[list[Cause], list[Beyond]]:
        """All that came since."""
        with self._lock:
            causes, beyond = list(self._causes.values()), list(self._beyond.values())
            self._causes.clear()
            self._codes.clear()
            self._beyond.clear()
        return causes, beyond

    @property
    def size(self) -> int:
        """How many things it keeps in memory; for measurements."""
        return len(self._causes) + len(self._beyond)

    def _add(self, cause: Cause) -> None:
        name = (cause.type, cause.code, cause.source)
        with self._lock:
            held = self._causes.get(name)
            if held is not None:
                self._causes[name] = joined(held, cause)
            elif len(self._causes) < (COMMON_MAX if name[:2] in self._codes else KINDS_MAX):
                self._causes[name] = cause
                self._codes.add(name[:2])
            else:
                more = self._beyond.get(cause.type, Beyond(cause.type, 0, cause.first_s, cause.last_s))
                self._beyond[cause.type] = msgspec.structs.replace(
                    more, count=more.count + cause.count, last_s=max(more.last_s, cause.last_s)
                )


def clean(text: str, length_max: int) -> str:
    """As much of a text as can be kept: no half characters, nothing that steers."""
    whole = text[:length_max].encode("utf-8", "replace").decode()
    return whole if whole.isprintable() else "".join(each if each.isprintable() else "\ufffd" for each in whole)
