"""Drafting: what takes long is made before a command is decided, outside of the writer and without the shelf's lock.

A drafted verb gets a `Drafting` in place of a desk, and returns what to do at the desk. There it is checked that
nothing it was made from has changed; if something has, it is made again.
"""

import secrets
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Any, Final

from scmanager.application.desk import Desk
from scmanager.application.verbs import Verb
from scmanager.application.writer import Command, NodeStopping, Result, Writer
from scmanager.domain.document import DocumentMoved
from scmanager.domain.event import Id, Id32
from scmanager.domain.records import Grant
from scmanager.spaces.documents import Documents
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space

TRIES: Final = 5
GRACE_S: Final = 5.0

AtDesk = Callable[[Desk], Result]


class Drafting:
    """One command on its way: where it will be said, as whom, and the documents."""

    def __init__(
        self,
        documents: Documents,
        space: Space,
        log: Id32,
        grant: Grant,
        command: Id,
        shelf: Shelf,
        own_spaces: Callable[[], list[Space]],
    ) -> None:
        """`own_spaces`: those that this installation writes in; called and looked at under the shelf's lock."""
        self.documents, self.shelf, self.own_spaces = documents, shelf, own_spaces
        self.space, self.log, self.grant, self.command = space, log, grant, command

    @property
    def me(self) -> Id:
        """The member who acts."""
        return self.grant.member


class Drafts:
    """Submits verbs: drafted ones by way of a thread of its own, all others to the writer at once."""

    def __init__(self, writer: Writer, shelf: Shelf, documents: Documents) -> None:
        self._writer, self._shelf, self._documents = writer, shelf, documents
        self._worker = ThreadPoolExecutor(1, "drafts")
        self._pending: set[Future[Result]] = set()

    def submit(
        self, known: Verb, space: bytes, arguments: Mapping[str, Any], command_id: bytes | None = None
    ) -> Future[Result]:
        """One verb in one space. The future ends after the commit, or with what refused it."""
        command = command_id or secrets.token_bytes(16)
        if known.drafted:
            return self._queued(known, space, arguments, command)
        return self._writer.submit(Command(command, space, lambda desk: known.act(desk, **arguments)))

    def stop(self, give_up: Callable[[], None]) -> None:
        """Finish what was taken; after some seconds `give_up` is called, which ends what takes too long."""
        self._worker.shutdown(wait=False)
        if wait(tuple(self._pending), GRACE_S).not_done:
            give_up()
        self._worker.shutdown()

    def _queued(self, known: Verb, space: bytes, arguments: Mapping[str, Any], command: Id) -> Future[Result]:
        try:
            answer = self._worker.submit(self._drafted, known, space, arguments, command)
        except RuntimeError:  # It takes no more.
            answer = Future()
            answer.set_exception(NodeStopping())
            return answer
        self._pending.add(answer)
        answer.add_done_callback(self._pending.discard)
        return answer

    def _drafted(self, known: Verb, space: bytes, arguments: Mapping[str, Any], command: Id) -> Result:
        for left in reversed(range(TRIES)):
            grant, log = self._writer.grant(space), self._writer.seat_log(space)
            drafting = Drafting(
                self._documents, self._shelf.space(space), log or b"", grant, command,
                self._shelf, self._writer.own_spaces,
            )  # fmt: skip
            try:
                at_desk: AtDesk = known.act(drafting, **arguments)
                return self._writer.do(Command(command, space, at_desk))
            except DocumentMoved:
                if not left:
                    raise
        raise DocumentMoved
