"""Importing ships: a file of a hangar tool, a preview of what it would change, and then, confirmed, the change."""

import shlex
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from scmanager.adapters.hangar_files import read_hangar
from scmanager.adapters.space_file import FileUnreadable, read_bytes
from scmanager.application.desk import NotAMember
from scmanager.application.every_verb import VERBS
from scmanager.application.hangar_import import REASONS
from scmanager.application.hangar_preview import Choice, Confirmed, Fate, Preview, confirm, preview
from scmanager.application.hangar_ships import HangarFile
from scmanager.application.verbs import ImportId, MemberId
from scmanager.application.words import Words
from scmanager.cli import exports, names, people, results
from scmanager.cli.asides import asides
from scmanager.cli.output import JsonFlag, ask, remark, say, say_json, say_result, say_table
from scmanager.cli.session import Place, session_of
from scmanager.cli.ships import owner_of
from scmanager.cli.verbs import CommandIdOption, OrgOption, PersonalFlag, read_command_id, space_for
from scmanager.domain.catalogue import IMPORTS, SHIPS
from scmanager.domain.hangar_import import Import
from scmanager.domain.ship import Ship, Standing
from scmanager.domain.ship_events import Owner, OwnerKind, RemovalReason
from scmanager.errors import Refused
from scmanager.spaces.space import Space

OwnerOption = Annotated[
    str | None, typer.Option("--owner", metavar="MEMBER", help="With --org: whose ships these are. Else your own.")
]
MissingOption = Annotated[Fate, typer.Option("--missing", help="What becomes of ships that the file does not list.")]


NOT_LISTED = {
    Fate.KEEP: "What the file does not list stays as it is. If it is gone: --missing remove, or --missing wish-list.",
    Fate.WISH: "What the file does not list is put on the wish list.",
    Fate.REMOVE: "What the file does not list is removed.",
}
HANGAR_BYTES_MAX = 64 << 20
"""No tool writes a list of ships half as large."""


class AnswerUnusable(Refused):
    """An answer reads NAME=MODEL, not {text}."""

    code = "import-answer-unusable"
    hint = "Such as: --answer 'Zeus=RSI_Zeus_CL'. The preview lists the models that a name may mean."


def import_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="HangarXPLOR, SC Bridge, FleetYards, FleetView ...")],
    preview_only: Annotated[bool, typer.Option("--preview", help="Only show what would change.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    missing: MissingOption = Fate.KEEP,
    answer: Annotated[
        list[str] | None, typer.Option("--answer", metavar="NAME=MODEL", help="What a name means.")
    ] = None,
    org: OrgOption = None,
    owner: OwnerOption = None,
    command_id: CommandIdOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Import a list of ships: shows what would change, asks, then does it as one command that can be undone.

    Without --org it is your own hangar. What scm export made is taken in whole: its spaces, entry by entry.
    """
    if exports.is_export(file):
        exports.take_in(context, file, as_json=as_json)
        return
    data = read_bytes(file, HANGAR_BYTES_MAX)
    if len(data) > HANGAR_BYTES_MAX:
        raise FileUnreadable(path=str(file), reason=f"it is larger than {HANGAR_BYTES_MAX >> 20} MiB")
    read = read_hangar(data)
    with session_of(context).open() as place:
        space, whose = _target(place, org, owner)
        made = look(place, space, whose, read, _answers(answer or ()))
        if not as_json:
            show(made, missing)
        if preview_only:
            if as_json:
                say_json(counts(made))
            return
        confirmed = settle(made, missing)
        if not (confirmed.added or confirmed.changed or any(each.fate in REASONS for each in confirmed.missing)):
            if as_json:
                say_json(counts(made))
            else:
                remark("Nothing to import: the hangar is as the file says.")
            return
        if not yes:
            ask("Import this?")
        result = place.do("hangar.import", space.id, {"confirmed": confirmed}, read_command_id(command_id))
        shown = result if as_json else _told(place, space, result)
    say_result(shown, as_json=as_json)
    if not as_json:
        remark(
            f"To take it back: scm hangar undo-import {result['import']}" + ("" if org or owner else " --personal")
        )
        if not (org or owner):
            remark("It is your own hangar: scm ship list --personal. An organisation sees it after: scm hangar share")


def undo_import(
    context: typer.Context,
    past: Annotated[str, typer.Argument(metavar="IMPORT", help="The first digits of its id (scm hangar imports).")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    org: OrgOption = None,
    personal: PersonalFlag = False,
    command_id: CommandIdOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Take one import back as a whole. Ships that anybody changed since stay as they are: `left` names them."""
    verb = VERBS["hangar.undo-import"]
    with session_of(context).open() as place:
        space = space_for(place, verb, org, personal=personal)
        given = {"import_id": names.resolve(ImportId, past, place, space, verb.name)}
        already = asides(verb.name, place, space, given, int(time.time()))
        one: Any = space.state(IMPORTS, given["import_id"])
        if not yes and not already:
            ask(f"Take this import back: {one.added} added, {one.changed} changed, {one.removed} removed?")
        result = place.do(verb.name, space.id, given, read_command_id(command_id))
        shown = result if as_json else _told(place, space, result)
    say_result(shown, as_json=as_json)
    for sentence in already:
        remark(sentence)


def _told(place: Place, space: Space, result: dict[str, Any]) -> dict[str, Any]:
    """For people. Where ships are shown that are here no longer, with how that is told there."""
    for sentence in results.elsewhere(place, result):
        remark(sentence)
    return results.told(place, space, result)


def list_imports(
    context: typer.Context, org: OrgOption = None, personal: PersonalFlag = False, as_json: JsonFlag = False
) -> None:
    """Which lists of ships were imported, when, from which tool, and whether that was taken back."""
    empty = "Nothing was imported here yet. Import your list: scm import FILE"
    empty += "" if personal else ". What you imported for yourself: scm hangar imports --personal"
    people.list_rows_of(context, org, _imports, as_json, empty, personal=personal)


def list_wishes(
    context: typer.Context, org: OrgOption = None, personal: PersonalFlag = False, as_json: JsonFlag = False
) -> None:
    """The wish list: ships that are not owned any more, or not yet, but wanted."""
    empty = "No ship is wished for. Put one on the list: scm ship remove SHIP wished"
    people.list_rows_of(context, org, _wishes, as_json, empty, personal=personal)


def _imports(place: Place, space: Space) -> Iterator[people.Row]:
    members = names.register(MemberId, place, space)
    past = [(entity, each) for entity, each in space.things(IMPORTS) if isinstance(each, Import) and each.deed]
    for entity, each in sorted(past, key=lambda pair: _hlc(space, pair[1].entry)):
        yield {
            "when": f"{datetime.fromtimestamp(_hlc(space, each.entry) / 1_000_000, UTC):%Y-%m-%d %H:%M}",
            "tool": each.tool,
            "owner": owner_of(space, each.owner, members),
            "added": each.added, "changed": each.changed, "removed": each.removed, "skipped": each.skipped,
            "undone": "yes" if each.undone else "",
            "id": entity,
        }  # fmt: skip


def _hlc(space: Space, entry: bytes) -> int:
    opened = space.opened(entry)
    return opened.entry.hlc if opened else 0


def _wishes(place: Place, space: Space) -> Iterator[people.Row]:
    members = names.register(MemberId, place, space)
    for entity, each in space.things(SHIPS):
        if isinstance(each, Ship) and each.standing is Standing.REMOVED and each.removed_for is RemovalReason.WISHED:
            yield {
                "model": each.model, "owner": owner_of(space, each.owner, members), "id": entity,
            }  # fmt: skip


def look(place: Any, space: Space, owner: Owner, file: HangarFile, answers: Mapping[str, str]) -> Preview:
    """What the file would change. `place`: whatever has a store, a shelf and a vault."""
    with place.shelf.lock:
        return preview(space, owner, file, Words(place.store, place.vault.held), answers)


def settle(made: Preview, missing: Fate = Fate.KEEP) -> Confirmed:
    """All of a preview, with one fate for every ship that is missing."""
    return confirm(made, [Choice(each.known.ship, missing) for each in made.missing])


def counts(made: Preview) -> dict[str, Any]:
    """A preview in numbers."""
    return {
        "tool": made.tool, "added": len(made.added), "changed": len(made.changed), "unchanged": len(made.unchanged),
        "missing": len(made.missing), "wishes": len(made.wishes),
        "unrecognised": [
            {"name": each.name, "count": each.count, "suggestions": each.suggestions} for each in made.unrecognised
        ],
        "notes": {note.code: note.count for note in made.notes},
    }  # fmt: skip


def show(made: Preview, missing: Fate = Fate.KEEP) -> None:
    """A preview for people; `missing`: what becomes of ships that the file does not list."""
    rows = [("add", ship.key or "", ship.nickname or "") for ship in made.added]
    rows += [
        ("change", pair.known.key or "", ", ".join(each.field for each in pair.changes)) for pair in made.changed
    ]
    if missing is not Fate.KEEP:  # What stays as it is, is counted only.
        rows += [("not listed", each.known.key or "", each.known.nickname or "") for each in made.missing]
    say_table(("what", "model", "about"), rows, "Nothing would change.")
    say(f"{len(made.added)} to add, {len(made.changed)} to change, {len(made.unchanged)} as they are,"
        f" {len(made.missing)} not listed.")  # fmt: skip
    if made.missing:
        remark(NOT_LISTED[missing])
    for each in made.unrecognised:
        known = ", ".join(each.suggestions) or "no model that looks alike"
        remark(f"Not recognised, so left out: {each.name} ({each.count}). It could be: {known}")
        remark(f"Say which one with: --answer {shlex.quote(f'{each.name}=MODEL')}")
    if made.wishes:
        remark(f"{len(made.wishes)} on the wish list of the file are left out: they are not owned.")
    for note in made.notes:
        remark(f"Note: {note.code.replace('-', ' ')} ({note.count}).")


def _target(place: Place, org: str | None, owner: str | None) -> tuple[Space, Owner]:
    """Which list, and whose ships in it."""
    if org is None and owner is None:
        personal = place.shelf.space(place.personal_space())
        return personal, Owner(OwnerKind.MEMBER, _me(place, personal))
    space = names.organisation(place, org)
    who = names.resolve(MemberId, owner, place, space) if owner else _me(place, space)
    return space, Owner(OwnerKind.MEMBER, who)


def _me(place: Place, space: Space) -> bytes:
    mine = people.me(place, space)
    if mine is None:
        raise NotAMember
    return mine


def _answers(given: Any) -> dict[str, str]:
    found = {}
    for text in given:
        name, sign, model = text.partition("=")
        if not (sign and name and model):
            raise AnswerUnusable(text=text)
        found[name] = model
    return found
