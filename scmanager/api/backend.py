"""What the API needs of the node it serves. The runtime fulfils it; tests run a small node of their own."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Protocol

import msgspec

from scmanager.application.audit_intake import Note
from scmanager.application.exchange import Fork
from scmanager.application.home_ledger import Judged
from scmanager.projections.rebuild import Rebuilt
from scmanager.spaces.documents import Documents
from scmanager.spaces.shelf import Shelf

Result = dict[str, Any]


class ActorHealth(msgspec.Struct, frozen=True):
    """One part of the node and how it is. Nothing about anybody's data."""

    name: str
    ok: bool
    detail: str = ""


class Wanted(msgspec.Struct, frozen=True):
    """A point of a space's history as it is asked for, by one of these; by none: now."""

    pos: int | None = None
    time_us: int | None = None
    entry: bytes | None = None
    """id32."""
    frontier: bytes | None = None


class Sealed(Protocol):
    """A backup on its way: to be read once, and closed. Both may wait."""

    size_bytes: int

    def pieces(self) -> Iterator[bytes]:
        """Its bytes."""

    def close(self) -> None:
        """Remove what was copied for it."""


class Exchange(Protocol):
    """What travels between machines as files. Every method may wait: never call one in the event loop."""

    def place_for_file(self) -> Path:
        """A free name for a file on its way, for the owner's eyes only."""

    def invitation(self, space: bytes, member: bytes) -> bytes:
        """The file for somebody who was invited."""

    def request(self, invitation: bytes) -> bytes:
        """Open a log in the space of an invitation; the request to hand back."""

    def admit(self, request: bytes, role: bytes, member: bytes | None = None, command: bytes | None = None) -> Result:
        """Let in the device of a request."""

    def enrol(self, request: bytes, command: bytes | None = None) -> Result:
        """Let another machine of the owner's act as him."""

    def export_space(self, space: bytes, path: Path, *, with_keys: bool = True) -> int:
        """Write a space to a file; its size in bytes."""

    def import_space(self, path: Path) -> Result:
        """Verify a space file and take in what is new: space, logs, entries, closed, acts, pending, dropped."""

    def backup(self, passphrase: str | None) -> Sealed:
        """The whole data folder as one sealed file; None: open, and without secrets."""

    def everything(
        self, conninfo: str, schema: str, spaces: Sequence[bytes], *, csv: bool, bom: bool, keys: bool
    ) -> Iterator[bytes]:
        """These spaces in open formats, as a ZIP archive that grows while it is read."""

    def forks(self, space: bytes) -> list[Fork]:
        """The logs that signed two histories, each with its proof."""

    def pending(self, space: bytes) -> Result:
        """The runs of a space whose beginning is missing: waiting, dropped."""

    def discard(self, space: bytes, number: int) -> int:
        """Let one of them go; how many wait still."""

    def offer(self, space: bytes, recovery_keys: int | None = None) -> bytes:
        """Ask the recovery keys for the founder's seat; None: as many new ones as stand now."""

    def sign(self, offer: bytes, pages: Sequence[str]) -> bytes:
        """The recovery keys' word on an offer."""

    def take(self, signed: bytes) -> Result:
        """Take the founder's seat: log, space."""


class Forensics(Protocol):
    """Earlier states, reasons, the digest of now (ADR 26). Every method may wait: never call one in the event loop.

    Answers are tables by name, as `scm audit ... --json` prints them.
    """

    def as_of(
        self, space: bytes, wanted: Wanted, kinds: frozenset[str], first: int, after: tuple[str, bytes] | None
    ) -> Result:
        """A space as of a point, with a page of its things by kind and id."""

    def explain_thing(
        self, space: bytes, wanted: Wanted, kind: str, entity: bytes, field: str | None, part: slice
    ) -> Result:
        """How a thing or one field of it came to be: these of the steps."""

    def explain_event(self, space: bytes, wanted: Wanted, entry: bytes) -> Result:
        """What one event said and changed."""

    def digest(self, space: bytes, kind: str | None, first: int, after: bytes) -> Result:
        """Of a space as the node holds it; of a `kind`, a page of its things."""


class Backend(Protocol):
    """A running node. Every method may be called from any thread and must not wait, but for `wait_projected`
    and `rebuild`."""

    @property
    def token(self) -> str:
        """What a client must know to be let in."""

    @property
    def shelf(self) -> Shelf:
        """The spaces held here."""

    @property
    def exchange(self) -> Exchange:
        """Files from and for other machines."""

    @property
    def forensics(self) -> Forensics:
        """What was so then, and why."""

    @property
    def documents(self) -> Documents:
        """Their texts, as they are and as they were. May wait: never call it in the event loop."""

    @property
    def note(self) -> Note:
        """Where it is said that something matters for security. Never waits, never fails."""

    def fault(self, error: BaseException) -> None:
        """A request failed by a fault of the program. Never waits, never fails."""

    @property
    def read_schema(self) -> str:
        """The schema in PostgreSQL where the live read models are."""

    def conninfo(self) -> str:
        """How to reach PostgreSQL at present. Raises Unavailable while it is down."""

    def my_spaces(self) -> frozenset[bytes]:
        """The spaces that this node's owner is in, 32 bytes each."""

    def registry(self) -> Judged:
        """What counts of the author's ledger, and is projected. Called by one thread; may read for long."""

    def do(self, verb: str, space: bytes, command_id: bytes, arguments: Mapping[str, Any]) -> Future[Result]:
        """Submit a command; the same id twice is the same command."""

    def found_organisation(self, command_id: bytes, arguments: Mapping[str, Any]) -> Future[Result]:
        """Found an organisation in a space of its own. Arguments of `organisations.found`."""

    def found_personal(self, command_id: bytes) -> Future[Result]:
        """Found the owner's own space."""

    def last_pos(self) -> int:
        """The newest position in the store."""

    def projected_pos(self) -> int:
        """How far the read models are."""

    def wait_projected(self, pos: int, timeout_s: float) -> bool:
        """Wait until the read models show this position; False when they did not in time."""

    def rebuild(self) -> Rebuilt:
        """Make the read models anew beside the live ones, and switch over."""

    def health(self) -> Sequence[ActorHealth]:
        """A line for each actor."""

    def metrics(self) -> Mapping[str, float]:
        """Numbers by name, such as `scm_writer_commits_total`."""
