"""Reading personal words: opens the parts of entries for a use case, as far as keys and erasures allow."""

from collections.abc import Mapping

from scmanager.domain.event import Id32, Personal
from scmanager.eventstore.store import Store
from scmanager.spaces.opening import WordKeyOf
from scmanager.spaces.personal import Absence, open_part
from scmanager.spaces.space import Space
from scmanager.spaces.subjects import subjects


class Words:
    """Personal words by entry. Reads the store; the space's lock is the caller's business."""

    def __init__(self, store: Store, key_of: WordKeyOf) -> None:
        self._store, self._key_of = store, key_of

    def read(self, space: Space, wanted: Mapping[Id32, type[Personal]]) -> dict[Id32, Personal | Absence]:
        """What part 1 of each entry says, or why it says nothing. An entry unknown here is NOT_HERE."""
        entries = {id32: opened for id32 in wanted if (opened := space.opened(id32)) is not None}
        held = self._store.parts(opened.pos for opened in entries.values() if len(opened.entry.parts) > 1)
        gone = space.erased_keys()
        found: dict[Id32, Personal | Absence] = {}
        for id32, kind in wanted.items():
            opened = entries.get(id32)
            if opened is None:
                found[id32] = Absence.NOT_HERE
            elif len(opened.entry.parts) < 2:
                found[id32] = Absence.NONE
            else:
                public, stored = space.public(opened.entry.log), held.get((opened.pos, 1))
                found[id32] = open_part(
                    opened.entry, 1, kind, stored, public, self._key_of, subjects(space, opened), gone
                )
        return found
