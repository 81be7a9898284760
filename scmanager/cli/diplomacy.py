"""Diplomacy out of the folder itself: contacts, treaties, versions of terms, and what happened so far."""

import time
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Annotated

import typer

from scmanager.application.verbs import ContactId, MemberId, TreatyId
from scmanager.application.words import Words
from scmanager.cli import names
from scmanager.cli.output import JsonFlag
from scmanager.cli.people import AllFlag, Row, list_rows, show_rows
from scmanager.cli.session import Place, session_of
from scmanager.cli.verbs import OrgOption
from scmanager.domain.catalogue import CONTACTS, TREATIES
from scmanager.domain.contact import Contact, relation
from scmanager.domain.diplomacy import Step
from scmanager.domain.event import Id
from scmanager.domain.treaty import PROMISES, Treaty, Version, at_odds, ends_at, in_force_at, phase_at
from scmanager.domain.treaty_events import Kind, TreatyTerms
from scmanager.forensics import gone
from scmanager.spaces.space import Space

ContactArgument = Annotated[str, typer.Argument(metavar="CONTACT", help="Name, tag, or first digits of the id.")]
TreatyArgument = Annotated[str, typer.Argument(metavar="TREATY", help="Title, or first digits of the id.")]
NO_CONTACT = "No contact yet. Record another organisation: scm contact record TITLE"
NO_TREATY = "No treaty yet. Propose one: scm treaty propose CONTACT non-aggression TITLE TEXT --until 90d"
NO_STEP = "Nothing happened yet. Say how we stand towards them: scm contact set-stance CONTACT friendly"


def list_contacts(
    context: typer.Context, everything: AllFlag = False, org: OrgOption = None, as_json: JsonFlag = False
) -> None:
    """The other organisations, and how things are between us."""
    list_rows(context, org, _contacts, as_json, NO_CONTACT, everything=everything)


def list_treaties(
    context: typer.Context, everything: AllFlag = False, org: OrgOption = None, as_json: JsonFlag = False
) -> None:
    """The treaties, what phase they are in, and what is proved of them."""
    list_rows(context, org, _treaties, as_json, NO_TREATY, everything=everything)


def versions(
    context: typer.Context, treaty: TreatyArgument, org: OrgOption = None, as_json: JsonFlag = False
) -> None:
    """Every version of a treaty's terms, in words."""
    with session_of(context).open() as place:
        space = names.organisation(place, org)
        wanted = names.resolve(TreatyId, treaty, place, space)
        rows = list(_versions(place, space, wanted))
    show_rows(rows, as_json, NO_TREATY)


def history(
    context: typer.Context, contact: ContactArgument, org: OrgOption = None, as_json: JsonFlag = False
) -> None:
    """What happened between us and a contact so far, treaties included."""
    with session_of(context).open() as place:
        space = names.organisation(place, org)
        wanted = names.resolve(ContactId, contact, place, space)
        rows = list(_history(place, space, wanted))
    show_rows(rows, as_json, NO_STEP)


def _contacts(_place: Place, space: Space) -> Iterable[Row]:
    binding = _binding(space, int(time.time()))
    for entity, state in space.things(CONTACTS):
        if isinstance(state, Contact):
            kinds = binding.get(entity, [])
            rivals = [each.value for each in state.rival_stances]
            yield {
                "title": state.title, "tag": state.sid,
                "relation": relation(state, [PROMISES[each] for each in kinds if each in PROMISES]).value,
                "our_stance": state.stance.value,
                "contested": [*rivals, "war and treaty"] if at_odds(state, kinds) else rivals,
                "theirs_claimed": state.reported.value if state.reported else "",
                "gone": gone.mark(state, 0), "id": entity,
            }  # fmt: skip


def _binding(space: Space, now: int) -> dict[Id, list[Kind]]:
    """The kinds of the treaties in force, by contact."""
    found: dict[Id, list[Kind]] = {}
    for _, one in space.things(TREATIES):
        if isinstance(one, Treaty) and in_force_at(one, now):
            found.setdefault(one.contact, []).append(one.kind)
    return found


def _treaties(place: Place, space: Space) -> Iterable[Row]:
    now, contacts = int(time.time()), names.register(ContactId, place, space)
    for entity, state in space.things(TREATIES):
        if isinstance(state, Treaty) and state.contact:
            shown = state.agreed or state.draft
            yield {
                "title": state.title, "with": contacts.call(state.contact), "kind": state.kind.value,
                "phase": phase_at(state, now).value, "ends": _moment(ends_at(state)),
                "ours": shown.our_proof.value if shown else "", "theirs": shown.their_proof.value if shown else "",
                "contested": "yes" if state.contested else "", "gone": gone.mark(state, now), "id": entity,
            }  # fmt: skip


def _versions(place: Place, space: Space, treaty_id: bytes) -> Iterable[Row]:
    state = space.state(TREATIES, treaty_id)
    if not isinstance(state, Treaty):
        return
    words = Words(place.store, place.vault.held).read(space, {each.entry: TreatyTerms for each in state.versions})
    for version in state.versions:
        told = words[version.entry]
        yield {
            "terms": told.text if isinstance(told, TreatyTerms) else f"({told})",
            "starts": _moment(version.starts), "until": _moment(version.until),
            "ours": version.our_proof.value, "theirs": version.their_proof.value,
            "standing": _standing(state, version), "id": version.entry,
        }  # fmt: skip


def _standing(treaty: Treaty, version: Version) -> str:
    if version == treaty.agreed:
        return "binding"
    if version.entry in (*treaty.rival_drafts, *treaty.rival_agreements):
        return "contested"
    return "on the table" if version == treaty.draft else ""


def _history(place: Place, space: Space, contact_id: bytes) -> Iterable[Row]:
    people = names.register(MemberId, place, space)
    steps: list[tuple[int, str, Step]] = []
    held = space.state(CONTACTS, contact_id)
    if isinstance(held, Contact):
        steps += [(_hlc(space, step), "", step) for step in held.history]
    for _, one in space.things(TREATIES):
        if isinstance(one, Treaty) and one.contact == contact_id:
            steps += [(_hlc(space, step), one.title, step) for step in one.history]
    for at, treaty, step in sorted(steps, key=lambda each: (each[0], each[2].entry)):
        yield {
            "at": _moment(at // 1_000_000), "what": step.act, "treaty": treaty, "side": step.side.value,
            "said": step.said, "by": people.call(step.member),
        }  # fmt: skip


def _hlc(space: Space, step: Step) -> int:
    opened = space.opened(step.entry)
    return opened.entry.hlc if opened else 0


def _moment(at_s: int) -> str:
    """UTC, to the minute; nothing for never, and for what lies beyond every calendar."""
    return datetime.fromtimestamp(at_s, UTC).strftime("%Y-%m-%d %H:%M") if 0 < at_s < 253_402_300_800 else ""
