"""Pages: a mapping of which every version stays, and in which the next version costs little.

A mapping is some dicts, the oldest first; what a newer one says of a key holds. None is ever changed in place, so the
versions share them. Each has at least twice the size of the next: adding one of n keys copies some log n of them.
"""

from collections.abc import Iterator, Mapping
from typing import TypeVar

K = TypeVar("K")
V = TypeVar("V")

Pages = tuple[dict[K, V], ...]


def found(pages: Pages[K, V], key: K) -> V | None:
    """What is said of a key; None for nothing."""
    return next((page[key] for page in reversed(pages) if key in page), None)


def entered(pages: Pages[K, V], more: dict[K, V]) -> Pages[K, V]:
    """The next version, in which these keys have these values."""
    grown = [*pages, more]
    while len(grown) > 1 and len(grown[-2]) < 2 * len(grown[-1]):
        last = grown.pop()
        grown[-1] = {**grown[-1], **last}
    return tuple(grown)


def merged(pages: Pages[K, V]) -> dict[K, V]:
    """All in one, by the newest word on each key; a set without what is no longer in it."""
    whole: dict[K, V] = {}
    for page in pages:
        whole |= page
    return {key: value for key, value in whole.items() if value is not False}


def moved(pages: Pages[K, bool], came: Mapping[K, bool]) -> Pages[K, bool]:
    """The next version of a set: True is in it from now on, False no longer. In it comes only what never was."""
    grown = [*pages, dict(came)]
    while len(grown) > 1 and len(grown[-2]) < 2 * len(grown[-1]):
        last = grown.pop()
        grown[-1] = _without(grown[-1], last)
    return tuple(page for page in grown if page)


def members(pages: Pages[K, bool]) -> Iterator[K]:
    """What is in a set."""
    gone: set[K] = set()
    for page in reversed(pages):
        for key, there in page.items():
            if there and key not in gone:
                yield key
            elif not there:
                gone.add(key)


def _without(older: dict[K, bool], newer: dict[K, bool]) -> dict[K, bool]:
    """Both as one; what came in the older and went in the newer is in neither."""
    merged = dict(older)
    for key, there in newer.items():
        if there or merged.pop(key, None) is None:
            merged[key] = there
    return merged
