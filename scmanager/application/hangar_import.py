"""Taking a hangar file in: `hangar.import` does what was confirmed on a preview, `hangar.undo-import` takes it back.

One import is one command: its events carry the command's id, are committed together, and are undone together. A
row's mark is keyed with the key of its owner's words: two devices that take in the same file without knowing of each
other give a ship the same id, so they agree on one ship; and once the key is destroyed by an erasure, no mark can be
told from a random one.
"""

from typing import Any

from scmanager.application.desk import Desk
from scmanager.application.hangar_preview import Confirmed, Fate, NewShip, state_digest
from scmanager.application.inverses import back, final
from scmanager.application.ships import still_shared_in
from scmanager.application.verbs import ImportId, verb
from scmanager.domain import hangar, hangar_import, ship_events
from scmanager.domain.catalogue import IMPORTS, SHIPS
from scmanager.domain.event import Id
from scmanager.domain.hangar_import import Applied, Deed, Import
from scmanager.domain.ship import Ship, Standing
from scmanager.domain.ship_events import Owner, OwnerKind, RemovalReason, Source
from scmanager.errors import Conflict, Refused
from scmanager.eventstore.entry import digest

Result = dict[str, Any]

REASONS = {Fate.WISH: RemovalReason.WISHED, Fate.REMOVE: RemovalReason.NOT_LISTED}


class PreviewStale(Conflict):
    """The hangar changed since this preview was made."""

    code = "preview-stale"
    hint = "Nothing was imported. Make the preview again and confirm it."


class ImportUnsettled(Conflict):
    """This import is still being recorded."""

    code = "import-unsettled"
    hint = "Nothing was changed. It is recorded within some seconds: then send the same again."


class OtherHangar(Refused):
    """This import is for ships of somebody else."""

    code = "import-other-hangar"
    hint = "Make the preview for your own ships in your personal space."


@verb(
    "hangar.import",
    "org",
    "personal",
    undo=back("hangar.undo-import", Applied, ship_events.Detailed, thing="import_id", aspect="import"),
)
def import_(desk: Desk, *, confirmed: Confirmed) -> Result:
    """Take in a hangar file as confirmed on its preview. Refused as stale if the hangar changed meanwhile."""
    owner = confirmed.owner
    if desk.space.kind == "personal" and owner != Owner(OwnerKind.MEMBER, desk.me):
        raise OtherHangar
    ships: dict[Id, Ship] = {id_: one for id_, one in desk.things(SHIPS) if one.owner == owner}
    if confirmed.state != state_digest(owner, ((id_, desk.tips(SHIPS, id_)) for id_ in ships), desk.space):
        raise PreviewStale
    added = [_add(desk, owner, new) for new in confirmed.added]
    for change in confirmed.changed:
        _check_theirs(ships, change.ship)
        if change.nickname is not None:
            desk.decide(SHIPS, change.ship, hangar.name, desk.me, change.nickname)
        if change.details is not None:
            desk.decide(SHIPS, change.ship, hangar.detail, desk.me, change.details)
    gone = [each for each in confirmed.missing if each.fate in REASONS]
    for each in gone:
        _check_theirs(ships, each.ship)
        desk.decide(SHIPS, each.ship, hangar.remove, desk.me, REASONS[each.fate])
    new = desk.new_id()
    counts = (len(added), len(confirmed.changed), len(gone), confirmed.skipped)
    desk.decide(IMPORTS, new, hangar_import.apply, Applied(confirmed.tool, owner, *counts))
    return {
        "import": new.hex(),
        "added": len(added),
        "changed": len(confirmed.changed),
        "removed": len(gone),
        "skipped": confirmed.skipped,
        "still_shared_in": still_shared_in(desk, [each.ship for each in gone]),
    }


@verb(
    "hangar.undo-import",
    "org",
    "personal",
    undo=final("import the file again: scm import FILE.", hangar_import.Undone, ship_events.WordsRestored),
)
def undo_import(desk: Desk, *, import_id: ImportId) -> Result:
    """Take one import back as a whole. Ships that anybody changed since stay as they are: `left` names them."""
    past: Import = desk.state(IMPORTS, import_id)
    if past.deed and desk.space.state(IMPORTS, import_id) != past:
        raise ImportUnsettled
    already = past.undone
    desk.decide(IMPORTS, import_id, hangar_import.undo, desk.me)
    undone, left = ([], []) if already or past.deed is None else _undo_ships(desk, past.deed)
    return {
        "import": import_id.hex(),
        "undone": len(undone),
        "left": [ship_id.hex() for ship_id in left],
        "still_shared_in": still_shared_in(desk, undone),
    }


def _undo_ships(desk: Desk, deed: Deed) -> tuple[list[Id], list[Id]]:
    """The ships that are as before now, and those left alone."""
    quiet = hangar_import.quiet([one for _, one in desk.space.things(IMPORTS) if isinstance(one, Import)])
    undone: list[Id] = []
    left: list[Id] = []
    for ship_id, _ in list(desk.space.things(SHIPS)):
        thing = desk.space.thing(SHIPS, ship_id)
        history: list[Any] = thing.events() if thing else []
        if not hangar_import.touched(history, deed):
            continue
        unsettled = desk.tips(SHIPS, ship_id) != desk.space.tips(SHIPS, ship_id)
        if unsettled or hangar_import.changed_since(history, deed, quiet):
            left.append(ship_id)
        else:
            desk.decide(SHIPS, ship_id, hangar_import.undo_ship, desk.me, history, deed, quiet)
            undone.append(ship_id)
    return undone, left


def _add(desk: Desk, owner: Owner, new: NewShip) -> Id:
    mark, ship_id = _marked(desk, owner, new.fingerprint)
    desk.decide(SHIPS, ship_id, hangar.add, desk.me, new.model, Source.FILE, mark, owner, new.details)
    if new.nickname:
        desk.decide(SHIPS, ship_id, hangar.name, desk.me, new.nickname)
    return ship_id


def _marked(desk: Desk, owner: Owner, fingerprint: str) -> tuple[Id, Id]:
    """A row's mark, and the id of the first ship it can be: a ship that was here and is gone keeps its own."""
    key = desk.subject_key(owner.subject).key
    mark = digest("scm/ship-mark/1", key, fingerprint.encode())[:16]
    generation = 0
    while True:
        ship_id = digest("scm/ship-id/1", key, mark, generation.to_bytes(4, "big"))[:16]
        if desk.state(SHIPS, ship_id).standing is Standing.UNKNOWN:
            return mark, ship_id
        generation += 1


def _check_theirs(ships: dict[Id, Ship], ship_id: Id) -> None:
    if ship_id not in ships:
        raise hangar.ShipUnknown
