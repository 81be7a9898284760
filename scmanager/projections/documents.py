"""Documents as they are now: the text, how it ends, who wrote it, and why it cannot be shown if it cannot.

The text is asked of the node's documents, which read what is new only. A row may thus show a change that was taken in
a moment after the others of its batch: the batch that brings it writes the same row once more.

Beside it, in `document_text`, stands what of its text can be searched (matching.TEXT_INDEXED says how much).
"""

from collections.abc import Iterator
from typing import Final

from scmanager.domain.catalogue import DOCUMENTS
from scmanager.domain.document import Document, Kind
from scmanager.domain.event import Id, Id32, State
from scmanager.projections.copy_text import NULL, ident, idents, line, number, numbers, text
from scmanager.projections.matching import grams, text_key
from scmanager.projections.read_model import Look, ReadModel, Row, Table
from scmanager.spaces.documents import Place
from scmanager.spaces.scribe import ScribeAway

NUMBERS: Final = {Kind.CHARTER: 1, Kind.BRIEFING: 2, Kind.REPORT: 3, Kind.TREATY: 4, Kind.SHEET: 5}
"""What a document's id ends with. A new kind has a new number."""
THINGS: Final = {
    Kind.CHARTER: "organisation",
    Kind.BRIEFING: "operation",
    Kind.REPORT: "operation",
    Kind.TREATY: "treaty",
    Kind.SHEET: "character",
}
"""What kind of thing has which document, as search calls it: there it has its name."""


class TextAway(Exception):
    """A text cannot be read just now. Unlike what is `Unavailable`, it holds up its own thing's rows only."""


def rows(look: Look, entity: Id) -> Iterator[Row]:
    """A row for each document of a thing. A sheet is one in its player's own space; elsewhere it is nobody's."""
    document: Document = look.state(DOCUMENTS, entity)
    for each in document.texts:
        if not each.count or (each.kind is Kind.SHEET and look.kind != "personal"):
            continue
        try:
            shown = look.document(Place(look.space, entity, each.kind, each.owner))
        except ScribeAway as error:
            raise TextAway from error
        words = "unreadable" if shown.trouble else shown.absence.value if shown.absence else "open"
        place = ident(look.space), ident(entity + bytes((NUMBERS[each.kind],))), ident(entity)
        yield (
            "document",
            line(
                *place,
                each.kind.value,
                text(shown.text),
                words,
                text(shown.trouble) if shown.trouble else NULL,
                idents(shown.heads or each.heads),
                number(each.count),
                number(shown.omitted),
                idents(each.authors),
                ident(each.newest_by),
                look.moment(each.newest),
            ),
        )
        if (found := text_key(shown.text or "")).key:
            places = numbers(found.starts), numbers(found.cuts)
            searchable = text(found.key), numbers(grams(found.key)), *places
            yield "document_text", line(*place, THINGS[each.kind], *searchable)


def _words(state: State) -> Iterator[Id32]:
    if isinstance(state, Document):
        yield from (each.newest for each in state.texts if each.newest)


MODEL = ReadModel(
    "documents",
    (Table("document", "thing", ("body",)), Table("document_text", "thing", ("key", "grams"))),
    (DOCUMENTS,),
    rows,
    _words,
)
