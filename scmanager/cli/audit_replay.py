"""A space as of then, rebuilt from its entries alone, beside what is known of then by other ways."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from scmanager.adapters.ledger_source import from_folder
from scmanager.application.published import Published
from scmanager.cli.audit_ledger import UNFOUNDED, ledger_words, print_ledger
from scmanager.cli.audit_node import held_by_node, print_node
from scmanager.cli.audit_points import NOW, POINT, ZoneOption, read_point, shelf_at
from scmanager.cli.audit_sources import FromOption, SpaceOption, evidence
from scmanager.cli.calling import pick
from scmanager.cli.output import EXIT_REFUSED, JsonFlag, counted, indented, remark, say, say_json, say_table, short
from scmanager.domain.event import Id
from scmanager.domain.fold import Fold
from scmanager.forensics.replaying import ledger_of, thing_told, told_of
from scmanager.forensics.telling import Telling, things_named
from scmanager.spaces.ledger import chains, unfounded

NOTHING = "Nothing stood then."
UNKNOWN = "this release does not know what they say: they change nothing here, and may in a later release"
FORKED = "signed two histories by then; all branches count until somebody cuts one: scm log forks"
UNSIGNED = "Entries are not what was signed. Find out which: scm log verify --deep"

UntilOption = Annotated[str, typer.Option("--until", metavar="POINT", help=POINT)]
ThingsArgument = Annotated[
    list[str] | None, typer.Argument(metavar="[THING]...", help="Only these, whole: by name or id.")
]
PublishedOption = Annotated[
    Path | None,
    typer.Option("--published", metavar="DIR", help="Of the author's ledger: compare with what lies there."),
]

LedgerOption = Annotated[
    str | None,
    typer.Option(
        "--ledger", metavar="ID", help="Which author's ledger, where several are held: the digits of its id."
    ),
]


def replay(
    context: typer.Context,
    things: ThingsArgument = None,
    until: UntilOption = NOW,
    space: SpaceOption = None,
    source: FromOption = None,
    zone: ZoneOption = None,
    published: PublishedOption = None,
    ledger: LedgerOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Rebuild a space as of then from the entries alone, and compare it with what was signed of it.

    Nothing is written, and no read model is asked. The answer names its frontier: who holds the same entries and
    keys gets the same digest of the state. A moment means what is dated up to then and is held here now.
    """
    with evidence(context, source) as read:
        present = read.space(space)
        point = read_point(until, zone, read, present)
        shelf, past = shelf_at(point, read, present)
        telling = Telling(read.place(shelf), past)
        told = told_of(read.store, shelf, past) | {"until": {"kind": point.kind, "said": point.said} | point.facts}
        shown = Published(from_folder(published)).head().tree if published else None
        manifests = chains(read.present.spaces())
        told["ledger"] = ledger_of(read.store, manifests, past, told["heads"], shown, ledger or "")
        told["founded"] = not unfounded(past)
        told["heads"] = [msgspec.structs.asdict(each) for each in told["heads"]]
        wanted = _wanted(telling, things or ())
        told["things"] = [thing_told(telling, fold, entity, whole=bool(things) or as_json) for fold, entity in wanted]
    told["node"] = None if source else held_by_node(read.path, past, told["frontier"], told["digest"])
    if as_json:
        say_json(told)
    else:
        _print(told, whole=bool(things))
    other = told["ledger"] is not None and told["ledger"]["published"] is False
    other = other or bool(told["ledger"] and told["ledger"]["closed"] and told["ledger"]["closed"]["same"] is False)
    other = other or (told["node"] is not None and told["node"]["same"] is False)
    unjudged = not told["founded"] and not (told["ledger"] and told["ledger"]["keys"])
    if other or unjudged or not all(each["holds"] for each in told["heads"]):
        raise typer.Exit(EXIT_REFUSED)


def _wanted(telling: Telling, named: Sequence[str]) -> list[tuple[Fold, Id]]:
    """These things, or all. Raises NameUnknown, NameAmbiguous."""
    every = things_named(telling)
    if not named:
        return [(fold, each.id) for fold, each in every]
    found = []
    for text in named:
        chosen = pick("thing in this space at that point", text, [each for _, each in every]).id
        found += [(fold, each.id) for fold, each in every if each.id == chosen]
    return list(dict.fromkeys(found))


def _print(told: dict[str, Any], *, whole: bool) -> None:
    say(f"as of     {told['until']['said']}" + (f", newest entry {told['newest']}" if told["newest"] else ""))
    say(f"space     {told['called']}")
    count = f"{told['valid']} count, {told['void']} void" if told["founded"] else "no right can be judged here"
    say(f"entries   {told['entries']}: {count}")
    say(f"frontier  {told['frontier'].hex()}")
    say(f"digest    {told['digest'].hex()}, fold version {told['fold_version']}")
    say(f"signed    {_signed(told['heads'])}")
    if told["node"]:
        print_node(told["node"])
    if told["ledger"]:
        say(f"ledger    {ledger_words(told['ledger'])}")
    if whole:
        for each in told["things"]:
            say(f"\n{each['kind']} {each['name']}  {short(each['id'])}")
            for name, value in each["fields"].items():
                say(f"  {name.replace('_', ' ')}: {indented(value)}")
    else:
        rows = [(each["kind"], each["name"], each["brief"], short(each["id"])) for each in told["things"]]
        if rows or told["founded"]:
            say_table(("kind", "name", "how it is", "id"), rows, NOTHING)
        if told["ledger"]:
            print_ledger(told["ledger"])
    _remarks(told)


def _remarks(told: dict[str, Any]) -> None:
    if not told["founded"]:
        remark(UNFOUNDED)
    if told["unknown"]:
        remark(f"{counted(told['unknown'], 'entry', 'entries')}: {UNKNOWN}.")
    if told["held"]:
        remark(f"{counted(told['held'], 'entry is', 'entries are')} dated far ahead of this clock and not counted.")
    if told["closed"]:
        remark(
            f"{counted(told['closed'], 'entry is', 'entries are')} closed for want of a key: the state lacks them."
        )
    for log in told["forks"]:
        remark(f"Log {short(log)} {FORKED}")
    if not all(each["holds"] for each in told["heads"]):
        remark(UNSIGNED)


def _signed(heads: Sequence[dict[str, Any]]) -> str:
    wrong = [short(each["log"]) for each in heads if not each["holds"]]
    if wrong:
        return f"NOT what was signed: log {', '.join(wrong)}"
    within = sum(each["signed_size"] > each["size"] for each in heads)
    inside = f", {within} of them inside a commit" if within else ""
    return f"{counted(len(heads), 'log')} as their own keys signed them{inside}"
