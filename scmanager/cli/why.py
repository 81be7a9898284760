"""Why an entry counts or does not: one plain sentence, what caused it, and the chain of grants behind its author."""

from typing import Annotated, Any

import msgspec
import typer

from scmanager.application.verbs import MemberId
from scmanager.cli import names
from scmanager.cli.calling import Named, Register, pick
from scmanager.cli.output import JsonFlag, say, say_json, short
from scmanager.cli.session import Place, session_of
from scmanager.domain.records import Verdict
from scmanager.forensics.reasons import SENTENCES, kind_of, sentence
from scmanager.spaces.opening import Opened
from scmanager.spaces.personal import Absence, plain_part
from scmanager.spaces.space import Space
from scmanager.spaces.subjects import subjects

CHAIN_MAX = 64


def why(
    context: typer.Context,
    event: Annotated[str, typer.Argument(metavar="EVENT", help="Its id, or the first digits of it (scm log show).")],
    as_json: JsonFlag = False,
) -> None:
    """Say what an event says, whether it counts, why not, what caused it, and from whom its author's right comes."""
    with session_of(context).open() as place:
        space, opened = find(place, event)
        verdict = space.verdict(opened.entry.id32)
        people = names.register(MemberId, place, space)
        chain = list(_chain(space, opened, people))
        told = {"event": opened.entry.id32, "type": kind_of(opened), "valid": verdict.valid} | _facts(verdict)
        says = said(place, space, opened)
        cause = space.opened(verdict.cause) if verdict.cause else None
        about = f"{kind_of(cause)} {short(verdict.cause)}, {_origin(cause)}" if cause else ""
    if as_json:
        say_json(told | {"said": says, "sentence": sentence(verdict), "chain": chain})
        return
    say(f"{kind_of(opened)} {short(opened.entry.id32)}, {_origin(opened)}")
    for name, value in says.items():
        say(f"  {name}: {value}")
    say(sentence(verdict))
    if about:
        say(f"Because of: {about}")
    for step in chain:
        say(f"  {step}")


def find(place: Place, text: str) -> tuple[Space, Opened]:
    """An entry of any space by its whole id or the first digits. Raises NameUnknown, NameAmbiguous."""
    spaces = {opened.entry.id: (space, opened) for space in place.shelf.spaces() for opened in space.entries()}
    found = pick("entry", text, [Named(each, ()) for each in spaces])
    return spaces[found.id]


def said(place: Place, space: Space, opened: Opened) -> dict[str, str]:
    """What an event says: its fields, and the words it carries, as far as they can be read here."""
    fields = msgspec.structs.asdict(opened.event) if opened.event is not None else {}
    told = {name: _told(value) for name, value in fields.items() if name != "over" and value not in (None, (), b"")}
    public, erased, held = space.public(opened.entry.log), space.erased_keys(), place.store.parts([opened.pos])
    about = subjects(space, opened)
    for number in range(1, len(opened.entry.parts)):
        stored = held.get((opened.pos, number))
        plain = plain_part(opened.entry, number, stored, public, place.vault.held, about, erased)
        told |= {"words": f"({plain.value})"} if isinstance(plain, Absence) else _words(plain)
    return told


def _words(plain: bytes) -> dict[str, str]:
    try:
        found = msgspec.json.decode(plain, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return {"words": f"({Absence.UNREADABLE.value})"}
    return {name: _told(value) for name, value in found.items()}


def _told(value: Any) -> str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, tuple | list):
        return ", ".join(map(_told, value))
    if isinstance(value, msgspec.Struct):
        return ", ".join(f"{name} {_told(each)}" for name, each in msgspec.structs.asdict(value).items())
    return str(value)


def _origin(opened: Opened) -> str:
    return f"entry {opened.entry.seq} of log {short(opened.entry.log)}"


def _facts(verdict: Verdict) -> dict[str, Any]:
    reason = verdict.reason.value if verdict.reason else None
    return {"reason": reason, "cause": verdict.cause or None}


def _chain(space: Space, opened: Opened, people: Register) -> list[str]:
    """From the grant it acts by up to the founding entry."""
    steps: list[str] = []
    step = opened
    while step.shared is not None and len(steps) < CHAIN_MAX:
        standing = space.verdicts.grants.get(step.shared.by)
        if standing is None:
            steps.append(f"acts by {short(step.shared.by)}, which is no grant that counts")
            break
        grant = standing.grant
        ended = ", ended since" if standing.ended else ""
        source = "the founding of the space" if grant.id == _founding(space) else f"grant {short(grant.id)}"
        steps.append(f"acts by {source}: {people.call(grant.member)}, rank {grant.rank}{ended}")
        above = space.opened(grant.id)
        if above is None or above.shared is None:
            break
        step = above
    return steps


def _founding(space: Space) -> bytes | None:
    first = space.first_entry(space.id)
    return first.id if first else None


__all__ = ["SENTENCES", "kind_of", "sentence"]
