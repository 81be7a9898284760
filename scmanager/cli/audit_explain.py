"""How a value came to be: which events, by whom, when, what each changed, what does not count, and their proofs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from scmanager.cli.audit_ledger import UNFOUNDED
from scmanager.cli.audit_points import NOW, ZoneOption, read_point, shelf_at
from scmanager.cli.audit_proofs import LOGS, write_proofs
from scmanager.cli.audit_replay import UntilOption
from scmanager.cli.audit_sources import FromOption, SpaceOption, evidence
from scmanager.cli.calling import NameAmbiguous, Named, NameUnknown, pick, same_name
from scmanager.cli.output import JsonFlag, counted, indented, remark, say, say_json, short
from scmanager.domain.event import Id
from scmanager.domain.fold import Fold
from scmanager.errors import Refused
from scmanager.forensics.explaining import Explaining
from scmanager.forensics.places import Place as Proved
from scmanager.forensics.places import keys_in
from scmanager.forensics.telling import Telling, things_named
from scmanager.spaces.ledger import unfounded
from scmanager.spaces.opening import Opened

NOTHING = "Nothing was said about it by then."
UNSAID = "Nobody said anything about it by then: it is as such things begin."
CLAIMED = "Dates are what authors claim; the order is that of the fold."

WhatArgument = Annotated[
    str,
    typer.Argument(
        metavar="EVENT|THING[.FIELD]", help="An event by its id; or a thing by name or id, or one field of it."
    ),
]
KindOption = Annotated[
    str | None, typer.Option("--kind", metavar="KIND", help="Of several things with one id: operation, document ...")
]
ProofOption = Annotated[
    Path | None, typer.Option("--proof", metavar="DIR", help="Write the proof of each event into this new folder.")
]


def explain(
    context: typer.Context,
    what: WhatArgument,
    kind: KindOption = None,
    until: UntilOption = NOW,
    space: SpaceOption = None,
    source: FromOption = None,
    zone: ZoneOption = None,
    proof: ProofOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Say how a value came to be: every event about it in order, by whom, what it changed, and what does not count.

    Each event is named with its log, its index there, and the signed head that proves it. Nothing is written but what
    --proof asks for: the proofs are files of a public format (C2SP tlog-proof), and hold no key.
    """
    with evidence(context, source) as read:
        present = read.space(space)
        shelf, past = shelf_at(read_point(until, zone, read, present), read, present)
        telling = Telling(read.place(shelf), past)
        if unfounded(past):
            remark(UNFOUNDED)
        told = _Named(telling).told(what, kind)
        if proof is not None:
            places = [each["proved"] for each in told["steps"]]
            told["proofs"], told["log_keys"] = write_proofs(read.store, places, proof), keys_in(places)
    for each in told["steps"]:
        each["proved"] = each["proved"].plain()
    if as_json:
        say_json(told)
        return
    _print(told)


class KindUnsaid(Refused):
    """{name} is several things with one id: {candidates}."""

    code = "audit-kind-unsaid"
    hint = "Say which is meant: --kind KIND."


class _Named:
    """Finds what is named."""

    def __init__(self, telling: Telling) -> None:
        self._telling, self._space, self._explaining = telling, telling.space, Explaining(telling)

    def told(self, what: str, kind: str | None) -> dict[str, Any]:
        """An event where one is meant, else a thing. Raises NameUnknown, NameAmbiguous, FieldUnknown."""
        if (event := self._event(what)) is not None:
            return self._explaining.of_event(event)
        name, field = self._split(what, kind)
        fold, entity = self._thing(name, kind)
        return self._explaining.of_thing(fold, entity, field)

    def _event(self, what: str) -> Opened | None:
        wanted = what.casefold()
        if len(wanted) < 8 or not set(wanted) <= set("0123456789abcdef"):
            return None
        found = [each for each in self._space.entries() if each.entry.id.hex().startswith(wanted)]
        if len(found) > 1:
            pick("event", what, [Named(each.entry.id32, ()) for each in found])
        return found[0] if found else None

    def _split(self, what: str, kind: str | None) -> tuple[str, str | None]:
        """THING.FIELD; a name that has a point itself goes before."""
        try:
            self._thing(what, kind)
        except NameUnknown:
            name, point, field = what.rpartition(".")
            if not point or not self._is_called(name, kind):
                raise
            return name, field
        return what, None

    def _is_called(self, name: str, kind: str | None) -> bool:
        """Whether any thing is called so, or several."""
        try:
            self._thing(name, kind)
        except NameUnknown:
            return False
        except (NameAmbiguous, KindUnsaid):
            return True
        return True

    def _thing(self, name: str, kind: str | None) -> tuple[Fold, Id]:
        every = [(fold, each) for fold, each in things_named(self._telling) if kind in (None, fold.name)]
        chosen = pick("thing in this space at that point", name, [each for _, each in every]).id
        same = {fold.name: (fold, each) for fold, each in every if each.id == chosen}
        meant = {kind for kind, (_, each) in same.items() if same_name(name, each.names)}
        if "member" in meant:  # What else bears the name has it from the member.
            meant &= {"member", "organisation"}
        meant = meant or set(same)
        if meant > {"document"}:  # The text of something.
            meant.remove("document")
        if len(meant) > 1:
            told = ", ".join(f"{kind} {self._called(*same[kind])}" for kind in sorted(meant))
            raise KindUnsaid(name=name, candidates=told)
        return same[meant.pop()][0], chosen

    def _called(self, fold: Fold, named: Named) -> str:
        return self._telling.called(fold, named.id, self._space.state(fold, named.id))


def _print(told: dict[str, Any]) -> None:
    head = f"{told['kind']} {told['name']}  {short(told['id']) if told['id'] else ''}".rstrip()
    say(f"{head}: {told['field']} is {indented(told['value'] or 'nothing')}" if told["field"] else head)
    for number, each in enumerate(told["steps"], 1):
        _print_step(number, each)
    for each in told["contests"]:
        say(f"\n{each['field']} was set at once, by people who did not know of each other:")
        for rival in each["rivals"]:
            say(f"  {indented(rival['value'] or 'nothing')}, by {rival['by']}, event {short(rival['event'])}")
        if not each["settled_in"]:
            say("  nobody settled it; the first holds")
            continue
        outcome = indented(each["outcome"] or "nothing")
        say(f"  settled by {each['settled_by']} in {short(each['settled_in'])}: {outcome}")
    if not told["steps"]:
        remark(UNSAID if told["field"] else NOTHING)
        return
    remark(CLAIMED)
    if "proofs" in told:
        for key in told["log_keys"]:
            say(f"\nlog key  {key}")
        proofs = counted(len(told["proofs"]), "proof is", "proofs are")
        remark(
            f"{proofs} written, and the keys of their logs ({LOGS}). Whoever checks one needs the log's key from you:"
        )
        remark("python verify_bundle.py FILE --log KEY")


def _moved(change: dict[str, Any]) -> str:
    before, after, of_list = change["before"], change["after"], change.get("of_list", False)
    if of_list and not before:
        return f"added {indented(after)}"
    if of_list and not after:
        return f"taken away {indented(before)}"
    return f"{indented(before) or 'nothing'} -> {indented(after) or 'nothing'}"


def _print_step(number: int, each: dict[str, Any]) -> None:
    role = f" ({each['role'] or 'rank ' + str(each['rank'])})" if each["rank"] else " (founder)"
    by = f"{each['by']}{role}" if each["by"] else "nobody who could be named"
    say(f"\n{number}. {each['at']}  {each['type']}  by {by}")
    if each["dated"] != each["at"]:
        say(f"   dated {each['dated']}; it counts as of the grant it was said by")
    if not each["counts"] or not each["valid"]:
        say(f"   {each['sentence']}" + (f" Because of {short(each['because'])}." if each["because"] else ""))
        for name, value in each["says"].items():
            say(f"   said {name}: {indented(value)}")
    elif not each["changed"]:
        say("   changed nothing: something else held already, or the same was said before")
    for change in each["changed"]:
        say(f"   {change['field'].replace('_', ' ')}: {_moved(change)}")
    say(f"   event {each['event'].hex()[:24]}, {Proved.words(each['proved'])}, device {short(each['device'] or b'')}")
