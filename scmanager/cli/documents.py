"""Documents on the command line: write, show, who wrote what, what changed between two points, take back.

Reading and writing need no running node; the text comes out of the folder itself.
"""

import shlex
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from scmanager.adapters.document_guard import DocumentGuard
from scmanager.application.verbs import CharacterId, MemberId, OperationId, OrganisationId, TreatyId
from scmanager.cli import names, results
from scmanager.cli.calling import PREFIX_DIGITS_MIN, Called, NameAmbiguous, NameUnknown, Register
from scmanager.cli.moments import read_moment
from scmanager.cli.output import JsonFlag, counted, remark, say, say_json, say_result, short
from scmanager.cli.people import Row, list_rows_of, me, show_rows
from scmanager.cli.session import Place, session_of
from scmanager.cli.verbs import CommandIdOption, OrgOption, PersonalFlag, read_command_id
from scmanager.domain import document, text_diff
from scmanager.domain.catalogue import DOCUMENTS, OPERATIONS
from scmanager.domain.change_graph import ROOT
from scmanager.domain.document import Document, Kind
from scmanager.domain.event import Id32
from scmanager.domain.operation import Operation
from scmanager.errors import Refused, Unavailable
from scmanager.spaces.document_history import Step
from scmanager.spaces.documents import Documents, WordsAbsent
from scmanager.spaces.documents import Place as Where
from scmanager.spaces.personal import Absence
from scmanager.spaces.scribe import DocumentUnreadable
from scmanager.spaces.space import Space

ThingArgument = Annotated[
    str, typer.Argument(metavar="THING", help="The operation, treaty, character or organisation it belongs to.")
]
KindOption = Annotated[Kind, typer.Option("--kind", help="Which of its documents.")]
FileOption = Annotated[
    str | None, typer.Option("--file", metavar="FILE", help="Take the whole new text from here; - is standard input.")
]
AnyKindOption = Annotated[Kind | None, typer.Option("--kind", help="Which of its documents; else the only one.")]
AtOption = Annotated[
    str | None, typer.Option("--at", metavar="WHEN", help="As it was: the first digits of a change, or a time.")
]
OBJECTIVE_TOO = "Its objective stands beside it as it was. To change that too"
NO_DOCUMENT = "No document yet. Write one: scm document edit THING --kind KIND --file FILE"
NO_OWN_DOCUMENT = "No document of your own yet. Write one: scm document edit CHARACTER --kind sheet --file FILE"
OF: dict[Kind, Any] = {
    Kind.CHARTER: OrganisationId,
    Kind.BRIEFING: OperationId,
    Kind.REPORT: OperationId,
    Kind.TREATY: TreatyId,
    Kind.SHEET: CharacterId,
}
"""What kind of thing has which document."""


class FileNotRead(Unavailable):
    """{path} cannot be read as text ({reason})."""

    code = "document-file-unreadable"
    hint = "Give the path of a text file in UTF-8, or - for standard input."


class TextUnsaid(Refused):
    """The whole new text is said in one place: in a file, or on the command line."""

    code = "document-text-unsaid"
    hint = "Say either --file FILE, where - is standard input, or --text TEXT."


class TextEmpty(Refused):
    """{path} holds no text: the document would be emptied."""

    code = "document-text-empty"
    hint = 'If you mean that, say so: --text "".'


class KindUnsaid(Refused):
    """Which document of {thing} is meant is not said. It has: {kinds}."""

    code = "document-kind-unsaid"
    hint = "Say it: --kind. All that are written are listed by: scm document list."


class ChangeNotNamed(Refused):
    """{text} is neither a time nor the beginning of one change in this document."""

    code = "document-change-not-named"
    hint = "Take the first digits of a change from: scm document history."


def edit(
    context: typer.Context,
    thing: ThingArgument,
    kind: KindOption,
    file: FileOption = None,
    text: Annotated[str | None, typer.Option("--text", metavar="TEXT", help="The whole new text itself.")] = None,
    base: Annotated[
        str | None, typer.Option("--base", metavar="WHEN", help="What you edited, if it was an older text: see --at.")
    ] = None,
    org: OrgOption = None,
    command_id: CommandIdOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Write a document anew, from a file. Only what differs is changed; what others write meanwhile is kept."""
    wanted = document.check_text(_said(file, text))
    with opened(context, thing, kind, org) as (place, space, documents, where):
        heads = _heads(documents, where, base) if base else documents.read(where, lambda _, reading: reading.heads)
        given = {"thing_id": where.entity, "kind": kind, "text": wanted, "base": heads}
        result = place.do("document.edit", space.id, given, read_command_id(command_id))
        shown = result if as_json else results.told(place, space, result)
        aside = _beside(space, where)
    say_result(shown, as_json=as_json)
    if aside:
        remark(aside)


def undo(
    context: typer.Context,
    thing: ThingArgument,
    kind: KindOption,
    change: Annotated[
        str | None, typer.Option("--change", metavar="CHANGE", help="The first digits of it; else your last one.")
    ] = None,
    org: OrgOption = None,
    command_id: CommandIdOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Take back a change of a document. What was written after it stays."""
    with opened(context, thing, kind, org) as (place, space, documents, where):
        meant = None if change is None else change_of(documents, where, change)
        given = {"thing_id": where.entity, "kind": kind, "change": meant}
        given = {name: value for name, value in given.items() if value is not None}
        result = place.do("document.undo", space.id, given, read_command_id(command_id))
        shown = result if as_json else results.told(place, space, result)
    say_result(shown, as_json=as_json)


def show(
    context: typer.Context,
    thing: ThingArgument,
    kind: AnyKindOption = None,
    at: AtOption = None,
    org: OrgOption = None,
    as_json: JsonFlag = False,
) -> None:
    """What a document says, or said."""
    with opened(context, thing, kind, org) as (_, _, documents, where):
        kind, shown = where.kind, documents.show(where)
        if shown.trouble:
            raise DocumentUnreadable(why=shown.trouble)
        if shown.absence not in (None, Absence.NONE):
            raise WordsAbsent(why=str(shown.absence))
        heads = _heads(documents, where, at) if at else shown.heads
        text = documents.text_at(where, heads)
    if as_json:
        say_json({"text": text, "heads": list(heads), "omitted": shown.omitted})
        return
    if text:
        say(text.removesuffix("\n"))
    else:
        remark("Nothing was written there then." if at else _nothing(thing, kind))
    if shown.omitted:
        left = counted(shown.omitted, "change that cannot be used is", "changes that cannot be used are")
        remark(f"{left} left out.")


def history(
    context: typer.Context, thing: ThingArgument, kind: KindOption, org: OrgOption = None, as_json: JsonFlag = False
) -> None:
    """Who changed a document, and when; what was left out of it, by whom and why."""
    with opened(context, thing, kind, org) as (place, space, documents, where):
        people = names.register(MemberId, place, space)
        rows = [
            {
                "change": step.change,
                "at": datetime.fromtimestamp(step.envelope.hlc // 10**6, UTC).strftime("%Y-%m-%d %H:%M:%S"),
                "by": people.call(step.envelope.member),
                "after": [dep for dep in step.deps if dep != ROOT],
                "left_out": _left(step, people, as_json=as_json),
                "without": step.without if as_json else "",
            }
            for step in documents.history(where)
        ]
    show_rows(rows, as_json, _nothing(thing, kind))


def diff(
    context: typer.Context,
    thing: ThingArgument,
    kind: KindOption,
    since: Annotated[str, typer.Option("--since", metavar="WHEN", help="A change's first digits, or a time.")],
    until: Annotated[str | None, typer.Option("--until", metavar="WHEN", help="The same; else now.")] = None,
    org: OrgOption = None,
    as_json: JsonFlag = False,
) -> None:
    """What changed in a document between two points, line by line."""
    with opened(context, thing, kind, org) as (_, _, documents, where):
        before = documents.text_at(where, _heads(documents, where, since))
        last = documents.read(where, lambda _, reading: reading.heads)
        after = documents.text_at(where, _heads(documents, where, until) if until else last)
    hunks = text_diff.hunks(before, after)
    if as_json:
        say_json([{"act": each.act.value, "text": each.text} for each in hunks])
        return
    for each in hunks:
        mark = {text_diff.Act.KEPT: " ", text_diff.Act.ADDED: "+", text_diff.Act.REMOVED: "-"}[each.act]
        for line in each.text.splitlines():
            say(f"{mark} {line}")


def list_documents(
    context: typer.Context, org: OrgOption = None, personal: PersonalFlag = False, as_json: JsonFlag = False
) -> None:
    """The documents of an organisation, or your own: of what they are, and who wrote them."""
    empty = NO_OWN_DOCUMENT if personal else NO_DOCUMENT
    list_rows_of(context, org, _documents, as_json, empty, personal=personal)


def _documents(place: Place, space: Space) -> Iterable[Row]:
    people = names.register(MemberId, place, space)
    for entity, state in space.things(DOCUMENTS):
        if not isinstance(state, Document):
            continue
        for text in state.texts:
            yield {
                "kind": text.kind.value,
                "thing": _called(place, space, text.kind, entity),
                "changes": text.count,
                "authors": [people.call(each) for each in text.authors],
            }


def _left(step: Step, people: Register, *, as_json: bool) -> Any:
    """For people: the first digits of what left it out, who said so, and why."""
    if step.left is None:
        return "with what it builds on" if step.without and not as_json else None
    leaving, why = step.left.leaving, step.left.why
    said = "" if isinstance(why, Absence) else why
    by = people.call(leaving.member)
    if as_json:
        return {"left": leaving.entry, "by": by, "why": said}
    return f"{short(leaving.entry)} by {by}" + (f": {said}" if said else "")


def _called(place: Place, space: Space, kind: Kind, entity: bytes) -> Called:
    return names.register(OF[kind], place, space).call(entity)


@contextmanager
def opened(
    context: typer.Context, thing: str, kind: Kind | None, org: str | None
) -> Iterator[tuple[Place, Space, Documents, Where]]:
    """The folder, and one document in it, without a kind the only one; a sheet lies in the personal space.

    Raises KindUnsaid.
    """
    with session_of(context).open() as place:
        kind = kind or _only_kind(place, thing, org)
        personal = kind is Kind.SHEET
        space = place.shelf.space(place.personal_space()) if personal else names.organisation(place, org)
        entity = names.resolve(OF[kind], thing, place, space)
        guard = DocumentGuard()
        try:
            documents = Documents(place.store, place.shelf, place.vault.held, guard)
            owner = me(place, space) if personal else b""
            yield place, space, documents, Where(space.id, entity, kind, owner or b"")
        finally:
            guard.close()


def _only_kind(place: Place, thing: str, org: str | None) -> Kind:
    """Of which kind the one document is that was written of this thing. Raises KindUnsaid."""
    found: dict[Kind, None] = {}
    for space in (names.organisation(place, org), *place.personal_spaces()):
        for entity, state in space.things(DOCUMENTS):
            for text in state.texts if isinstance(state, Document) else ():
                with suppress(NameUnknown, NameAmbiguous):
                    if names.resolve(OF[text.kind], thing, place, space) == entity:
                        found[text.kind] = None
    if len(found) != 1:
        raise KindUnsaid(thing=thing, kinds=", ".join(found) or "none")
    return next(iter(found))


def _beside(space: Space, where: Where) -> str:
    """Of an operation's briefing: that its objective is a text of its own, where there is one; else empty."""
    one = space.state(OPERATIONS, where.entity) if where.kind is Kind.BRIEFING else None
    if not isinstance(one, Operation) or not one.objective:
        return ""
    return f"{OBJECTIVE_TOO}: scm operation describe {shlex.quote(one.title)} --objective TEXT"


def _heads(documents: Documents, where: Where, said: str) -> tuple[Id32, ...]:
    """The point that somebody typed: a change, or a moment."""
    steps = [step for step in documents.history(where) if step.change.hex().startswith(said.casefold())]
    if len(said) >= PREFIX_DIGITS_MIN and len(steps) == 1:
        return (steps[0].change,)
    try:
        moment = read_moment(said, int(datetime.now(UTC).timestamp()), None)
    except Refused as error:
        raise ChangeNotNamed(text=said) from error
    return documents.heads_at(where, moment * 10**6 + 999_999)


def change_of(documents: Documents, where: Where, said: str) -> Id32:
    """The change with these first digits. Raises ChangeNotNamed."""
    found = [step.change for step in documents.history(where) if step.change.hex().startswith(said.casefold())]
    if len(said) < PREFIX_DIGITS_MIN or len(found) != 1:
        raise ChangeNotNamed(text=said)
    return found[0]


def _nothing(thing: str, kind: Kind) -> str:
    """What to do about a document of which there is nothing, in the words that were typed."""
    about = f"{shlex.quote(thing)} --kind {kind.value}"
    return f"Nothing is written there yet. Write it: scm document edit {about} --file FILE"


def _said(file: str | None, text: str | None) -> str:
    """The whole new text. Raises TextUnsaid, TextEmpty, FileNotRead."""
    if text is not None and file is None:
        return text
    if text is not None or file is None:
        raise TextUnsaid
    read = _read(file)
    if not read.strip():
        raise TextEmpty(path="Standard input" if file == "-" else file)
    return read


def _read(path: str) -> str:
    """Raises FileNotRead."""
    try:
        data = sys.stdin.buffer.read() if path == "-" else Path(path).read_bytes()
        return data.decode().removeprefix("\ufeff").replace("\r\n", "\n")
    except (OSError, UnicodeDecodeError) as error:
        raise FileNotRead(path=path, reason=type(error).__name__) from error
