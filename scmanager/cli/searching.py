"""Search out of the folder itself: everything with a name, then documents; in every space or in one organisation."""

from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from scmanager.adapters.document_guard import DocumentGuard
from scmanager.application.words import Words
from scmanager.cli import names
from scmanager.cli.output import JsonFlag, counted, progress, remark
from scmanager.cli.people import Row, show_rows
from scmanager.cli.session import Place, session_of
from scmanager.cli.verbs import OrgOption
from scmanager.domain import document
from scmanager.domain.catalogue import DOCUMENTS, ORGANISATIONS
from scmanager.domain.event import Id
from scmanager.projections.documents import THINGS
from scmanager.projections.matching import excerpt, key_of_search, match, matching_keys, text_key
from scmanager.projections.search import SEARCHED, Kind, Searched
from scmanager.spaces.documents import Documents
from scmanager.spaces.documents import Place as Where
from scmanager.spaces.personal import Absence
from scmanager.spaces.scribe import ScribeAway
from scmanager.spaces.space import Space

SHOWN = 50
MATCHES = ("exact", "prefix", "word", "substring", "text")
IN_TEXT = MATCHES.index("text")
NOTHING = (
    "Nothing has a name like that, and no document says it. A part is enough, in any case and without accents."
    " Lists of everything: scm member list, scm ship list, scm operation list --all"
)

KindOption = Annotated[list[Kind] | None, typer.Option("--kind", help="Only these; may be given several times.")]
Ranked = tuple[tuple[Any, ...], Row]
"""What orders a row among those found, and the row."""


def search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A name, or a part of it; or words of a document.")],
    kind: KindOption = None,
    most: Annotated[int, typer.Option("--first", metavar="N", help="How many to show.")] = SHOWN,
    org: OrgOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Find whatever has this text in its name, the best match first, and documents that say it."""
    key = key_of_search(text)
    wanted = [each for each in SEARCHED if not kind or each.kind in kind]
    with session_of(context).open() as place:
        spaces = [names.organisation(place, org)] if org else place.shelf.spaces()
        found = [ranked for space in spaces for each in wanted for ranked in _matching(place, space, each, key)]
        if len(found) < most and (
            not kind or Kind.DOCUMENT in kind
        ):  # They come last, and reading them takes a while.
            found += _saying(place, spaces, key)
    found.sort(key=lambda ranked: ranked[0])
    show_rows([row for _, row in found[: max(most, 0)]], as_json, NOTHING)


def _matching(place: Place, space: Space, searched: Searched, key: str) -> Iterable[Ranked]:
    things = list(space.things(searched.fold))
    entries = {entry: searched.words for _, state in things for entry in searched.entries(state) if entry}
    words = Words(place.store, place.vault.held).read(space, entries)
    for entity, state in things:
        called = searched.names(state, map(words.get, searched.entries(state)))
        keys = matching_keys(called)
        if (how := match(key, keys)) is not None:
            yield _ranked(space, searched.kind, entity, called, how, gone=searched.gone(state))


def _saying(place: Place, spaces: Iterable[Space], key: str) -> list[Ranked]:
    """Documents whose text holds it. What cannot be read is counted and said."""
    wheres = [(space, Where(space.id, *each)) for space in spaces for each in _texts(space)]
    if not wheres:
        return []
    found, unread, guard = [], 0, DocumentGuard()
    try:
        documents = Documents(place.store, place.shelf, place.vault.held, guard)
        with progress("Reading documents", len(wheres)) as advance:
            for space, where in wheres:
                shown = documents.show(where)
                unread += shown.text is None and shown.absence not in (Absence.NONE, Absence.ERASED)
                said = excerpt(shown.text or "", text_key(shown.text or ""), key)
                if said is not None:
                    found.append(_document(place, space, where, said))
                advance(1)
    except ScribeAway as error:
        remark(f"Documents were not searched: {error} {error.hint}")
    finally:
        guard.close()
    if unread:
        cannot = counted(unread, "document cannot be read and was", "documents cannot be read and were")
        remark(f"{cannot} not searched.")
    return found


def _texts(space: Space) -> Iterator[tuple[Id, document.Kind, Id]]:
    """The documents of a space. A sheet is one in its player's own space; elsewhere it is nobody's."""
    for entity, state in space.things(DOCUMENTS):
        for text in state.texts if isinstance(state, document.Document) else ():
            if text.count and (text.kind is not document.Kind.SHEET or space.kind == "personal"):
                yield entity, text.kind, text.owner


def _document(place: Place, space: Space, where: Where, said: str) -> Ranked:
    searched = next(each for each in SEARCHED if each.kind == THINGS[where.kind])
    state = space.state(searched.fold, where.entity)
    entries = [entry for entry in searched.entries(state) if entry]
    words = Words(place.store, place.vault.held).read(space, dict.fromkeys(entries, searched.words))
    called = searched.names(state, words.values()) or [""]
    gone = searched.gone(state)
    return _ranked(
        space, Kind.DOCUMENT, where.entity, called, IN_TEXT, gone=gone, document=where.kind.value, text=said
    )


def _ranked(
    space: Space,
    kind: Kind,
    entity: Id,
    called: list[str],
    how: int,
    *,
    gone: bool,
    document: str = "",
    text: str = "",
) -> Ranked:
    owner: Any = space.state(ORGANISATIONS, space.id[:16])
    row = {
        "name": called[0], "kind": kind.value, "document": document, "match": MATCHES[how], "text": text,
        "gone": "gone" if gone else "", "in": owner.title or space.kind, "id": entity,
    }  # fmt: skip
    return (how, gone, matching_keys(called), entity, document), row
