"""What the API needs of the node it serves. The runtime fulfils it; tests run a small node of their own."""

from collections.abc import Mapping, Sequence
from concurrent.futures import Future
from typing import Any, Protocol

import msgspec

from scmanager.spaces.shelf import Shelf

Result = dict[str, Any]


class ActorHealth(msgspec.Struct, frozen=True):
    """One part of the node and how it is. Nothing about anybody's data."""

    name: str
    ok: bool
    detail: str = ""


class Backend(Protocol):
    """A running node. Every method may be called from any thread and must not wait, but for `wait_projected`."""

    @property
    def token(self) -> str:
        """What a client must know to be let in."""

    @property
    def shelf(self) -> Shelf:
        """The spaces held here."""

    @property
    def read_schema(self) -> str:
        """The schema in PostgreSQL where the live read models are."""

    def conninfo(self) -> str:
        """How to reach PostgreSQL at present. Raises Unavailable while it is down."""

    def my_spaces(self) -> frozenset[bytes]:
        """The spaces that this node's owner is in, 32 bytes each."""

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

    def health(self) -> Sequence[ActorHealth]:
        """A line for each actor."""

    def metrics(self) -> Mapping[str, float]:
        """Numbers by name, such as `scm_writer_commits_total`."""
