"""Writers: books whose documents can be written, and their read models."""

import secrets
from typing import Any

import psycopg
from psycopg.rows import dict_row

from scmanager.adapters.document_guard import DocumentGuard
from scmanager.application.drafting import Drafts
from scmanager.application.every_verb import VERBS
from scmanager.domain.document import Kind
from scmanager.projections.generation import LIVE
from scmanager.projections.runner import Projector
from scmanager.spaces.documents import Documents
from tests.support.books import Books, dump, plan

OPERATION, OTHER = b"o" * 16, b"p" * 16


class Writers:
    """Books whose documents can be written, and their read models."""

    def __init__(self, books: Books, database: str) -> None:
        self.books, self.database = books, database
        self.guard = DocumentGuard()
        self.documents = Documents(books.store, books.shelf, books.keys.held, self.guard)
        self.drafts = Drafts(books.writer, books.shelf, self.documents)
        self.projector = Projector(books.shelf, books.store, books.keys.held, database, documents=self.documents)
        for operation in (OPERATION, OTHER):
            books.do(plan(operation, "Jumptown", 4_000_000_000, 4_000_000_001))

    def edit(self, text: str, thing: bytes = OPERATION, kind: Kind = Kind.BRIEFING) -> None:
        given = {"thing_id": thing, "kind": kind, "text": text}
        self.drafts.submit(VERBS["document.edit"], self.books.space, given, secrets.token_bytes(16)).result()

    def rows(self) -> list[dict[str, Any]]:
        self.projector.catch_up()
        with psycopg.connect(self.database, row_factory=dict_row) as connection:
            return connection.execute("select * from scm_read.document order by id").fetchall()

    def same_when_rebuilt(self) -> None:
        self.projector.catch_up()
        kept = dump(self.database, LIVE)
        assert self.projector.rebuild().differing == ()
        assert dump(self.database, LIVE) == kept

    def close(self) -> None:
        self.projector.close()
        self.drafts.stop(self.guard.close)
        self.guard.close()
