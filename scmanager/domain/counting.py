"""Counting: downloads and ratings of plugins, as the author's server counts them (SPEC A4; ADR 21).

No release key signs it: who has the log key can say what he likes here, and nobody runs anything by it. What a log
counted last of a plugin holds. Counts that cannot be, or that go back in a log, are void.
"""

from collections.abc import MutableMapping
from typing import Annotated

from msgspec import Meta, Struct

from scmanager.domain.event import Event, Id32
from scmanager.domain.ledger import PluginKey
from scmanager.domain.payload import INT_MAX, Seconds

RATING_MAX = 5

Total = Annotated[int, Meta(ge=0, le=INT_MAX)]


class PluginCounted(Event, tag="plugin.counted/1"):
    """All that was counted of a plugin by then. Each of these numbers only grows."""

    plugin: PluginKey
    downloads: Total
    votes: Total
    """Never more than downloads."""
    rating_sum: Total
    """Of all votes, each of 0 to 5."""
    until: Seconds


class Counted(Struct, frozen=True):
    """Such an entry, and where it stands."""

    log: Id32
    index: int
    said: PluginCounted


def flaw_of(said: PluginCounted, before: PluginCounted | None) -> str:
    """Why it is void after what the same log counted before, in words; empty: it is not."""
    if said.votes > said.downloads:
        return "it has more votes than downloads"
    if said.rating_sum > RATING_MAX * said.votes:
        return f"its votes are above {RATING_MAX}"
    if before is not None and any(
        now < then
        for now, then in (
            (said.downloads, before.downloads), (said.votes, before.votes), (said.rating_sum, before.rating_sum),
            (said.until, before.until),
        )
    ):  # fmt: skip
        return "it goes back behind what was counted before"
    return ""


Place = tuple[Id32, str]
"""A log and a plugin."""


def place_of(one: Counted) -> Place:
    """Of what it counts, and where."""
    return one.log, one.said.plugin


def follows(one: Counted, before: Counted | None) -> bool:
    """Whether it holds after what the same log counted last of the same plugin. Logs are read in their order."""
    if before is None:
        return not flaw_of(one.said, None)
    return before.index < one.index and not flaw_of(one.said, before.said)


def enter(held: MutableMapping[Place, Counted], one: Counted) -> None:
    """Keep it as what its log counted last of its plugin, unless it is void."""
    if follows(one, held.get(place_of(one))):
        held[place_of(one)] = one


def rating_tenths(said: PluginCounted) -> int | None:
    """The average of all votes in tenths, 0 to 50, halves up; None without votes."""
    return (20 * said.rating_sum + said.votes) // (2 * said.votes) if said.votes else None
