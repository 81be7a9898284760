"""The graph of a document's changes: which of them count, each after what it builds on, whatever order they come in.

Of two changes with one actor and number the first in fold order counts. A hash alone is nobody's: several actors may
each say they brought it. The bytes are not looked at here.
"""

from collections.abc import Iterator
from typing import Final, TypeVar

from scmanager.domain.event import Id, Id32, State, replace
from scmanager.domain.pages import Pages, entered, found, members, moved
from scmanager.domain.payload import TUPLE_MAX

ROOT: Final = bytes.fromhex("d7776c7c30d635c598d653f66d70e450be4ef3cee792255b58e8a7e4cc0fe88f")
"""The hash of the change that every document begins with: an empty text. It is in no entry."""
WAITING_MAX: Final = 256
"""Changes of one document that are kept while something they depend on has not come."""


class Link(State):
    """A change that waits for what it depends on."""

    change: Id32
    actor: Id
    number: int
    deps: tuple[Id32, ...]
    entry: Id32
    member: Id
    known: int = 0
    """So many of the first `deps` count; the next one has not come."""


class ChangeGraph(State):
    """The changes that count, and how they end."""

    pages: Pages[Id32, Id32] = ()
    """The changes that count, in order, each with the entry that brought it.

    Whatever else has a hash that counts already stands under hash and entry.
    """
    ends: Pages[Id32, bool] = ({ROOT: True},)
    """The set of the changes on which no other depends."""
    end_count: int = 1
    tails: Pages[Id, int] = ()
    """How far each actor has come."""
    authors: tuple[Id, ...] = ()
    """The first 64 members who wrote it."""
    newest: Id32 = b""
    """The entry of the change that was counted last."""
    newest_by: Id = b""
    waiting: tuple[Link, ...] = ()

    @property
    def heads(self) -> tuple[Id32, ...]:
        """The changes on which no other depends, sorted."""
        return tuple(sorted(members(self.ends)))

    @property
    def count(self) -> int:
        """How many changes count."""
        return sum(map(len, self.pages))

    def knows(self, change: Id32) -> bool:
        """Whether this change counts."""
        return change == ROOT or any(change in page for page in self.pages)

    def claims(self, change: Id32) -> int:
        """How many entries that count say they brought it."""
        return sum(each == change for each, _ in self.changes())

    def number(self, actor: Id) -> int:
        """Of the actor's newest change that counts; 0 if there is none."""
        return found(self.tails, actor) or 0

    def changes(self) -> Iterator[tuple[Id32, Id32]]:
        """(change, entry) of all that count, each after what it depends on."""
        for page in self.pages:
            for change, entry in page.items():
                yield change[: len(entry)], entry


G = TypeVar("G", bound=ChangeGraph)


def counted(graph: G, link: Link) -> G:
    """The graph once this change has come, and whatever had waited for it."""
    if graph.number(link.actor) >= link.number:
        return graph
    link = _known(graph, link)
    if not _ready(graph, link):
        said = (link.change, link.actor, link.number)
        known = any((each.change, each.actor, each.number) == said for each in graph.waiting)
        full = len(graph.waiting) >= WAITING_MAX
        return graph if known or full else replace(graph, waiting=(*graph.waiting, link))
    graph = _with(graph, link)
    while (following := next((each for each in graph.waiting if _ready(graph, each)), None)) is not None:
        graph = _with(graph, following)
    return graph


def _known(graph: G, link: Link) -> Link:
    """With the count of what of its deps is known by now. What is known once stays so: no dep is looked up twice."""
    known = link.known
    while known < len(link.deps) and graph.knows(link.deps[known]):
        known += 1
    return link if known == link.known else replace(link, known=known)


def _ready(graph: G, link: Link) -> bool:
    return link.known == len(link.deps) and link.number == graph.number(link.actor) + 1


def _with(graph: G, link: Link) -> G:
    known = link.member in graph.authors or len(graph.authors) >= TUPLE_MAX
    again = graph.knows(link.change)
    gone = {each: False for each in link.deps if found(graph.ends, each)}
    left = graph.end_count - len(gone) + (not again)
    if not left:  # Somebody says that it builds on itself. An end there always is.
        gone, left = {}, graph.end_count
    grown = replace(
        graph,
        pages=entered(graph.pages, {link.change + link.entry if again else link.change: link.entry}),
        ends=moved(graph.ends, gone if again else gone | {link.change: True}),
        end_count=left,
        tails=entered(graph.tails, {link.actor: link.number}),
        authors=graph.authors if known else (*graph.authors, link.member),
        newest=link.entry,
        newest_by=link.member,
    )
    if not graph.waiting:
        return grown
    waiting = (each for each in graph.waiting if not _spent(each, link))
    return replace(grown, waiting=tuple(_known(grown, each) if _waits_for(each, link) else each for each in waiting))


def _spent(waiting: Link, counted: Link) -> bool:
    """Whether its actor has used its number by now: it never counts."""
    return waiting.actor == counted.actor and waiting.number <= counted.number


def _waits_for(waiting: Link, counted: Link) -> bool:
    return waiting.known < len(waiting.deps) and waiting.deps[waiting.known] == counted.change
