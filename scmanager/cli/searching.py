"""Search out of the folder itself: everything with a name, in every space or in one organisation."""

from collections.abc import Iterable
from typing import Annotated, Any

import typer

from scmanager.application.words import Words
from scmanager.cli import names
from scmanager.cli.output import JsonFlag
from scmanager.cli.people import Row, show_rows
from scmanager.cli.session import Place, session_of
from scmanager.cli.verbs import OrgOption
from scmanager.domain.catalogue import ORGANISATIONS
from scmanager.projections.matching import key_of_search, match, matching_keys
from scmanager.projections.search import SEARCHED, Kind, Searched
from scmanager.spaces.space import Space

SHOWN = 50
MATCHES = ("exact", "prefix", "word", "substring")
NOTHING = (
    "Nothing has a name like that. A part of the name is enough, in any case and without accents."
    " Lists of everything: scm member list, scm ship list, scm operation list --all"
)

KindOption = Annotated[list[Kind] | None, typer.Option("--kind", help="Only these; may be given several times.")]


def search(
    context: typer.Context,
    text: Annotated[str, typer.Argument(metavar="TEXT", help="A name, or a part of it.")],
    kind: KindOption = None,
    most: Annotated[int, typer.Option("--first", metavar="N", help="How many to show.")] = SHOWN,
    org: OrgOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Find whatever has this text in its name: exact matches first, then beginnings."""
    key = key_of_search(text)
    wanted = [each for each in SEARCHED if not kind or each.kind in kind]
    with session_of(context).open() as place:
        spaces = [names.organisation(place, org)] if org else place.shelf.spaces()
        found = [row for space in spaces for each in wanted for row in _matching(place, space, each, key)]
    found.sort(key=lambda ranked: ranked[0])
    show_rows([row for _, row in found[: max(most, 0)]], as_json, NOTHING)


def _matching(place: Place, space: Space, searched: Searched, key: str) -> Iterable[tuple[tuple[Any, ...], Row]]:
    things = list(space.things(searched.fold))
    entries = {entry: searched.words for _, state in things if (entry := searched.entry(state))}
    words = Words(place.store, place.vault.held).read(space, entries)
    owner: Any = space.state(ORGANISATIONS, space.id[:16])
    for entity, state in things:
        called = searched.names(state, words.get(searched.entry(state)))
        keys = matching_keys(called)
        if (how := match(key, keys)) is not None:
            gone = searched.gone(state)
            yield (how, gone, keys, entity), {
                "name": called[0], "kind": searched.kind.value, "match": MATCHES[how], "gone": "gone" if gone else "",
                "in": owner.title or space.kind, "id": entity,
            }  # fmt: skip
