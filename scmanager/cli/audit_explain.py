"""How a value came to be: which events, by whom, when, what each changed, what does not count, and their proofs."""

from pathlib import Path
from typing import Annotated, Any

import typer

from scmanager.cli.audit_points import NOW, ZoneOption, read_point, shelf_at
from scmanager.cli.audit_proofs import LOGS, coordinates, keys_in, write_proofs
from scmanager.cli.audit_proofs import Place as Proved
from scmanager.cli.audit_replay import UntilOption
from scmanager.cli.audit_sources import Evidence, FromOption, SpaceOption, evidence
from scmanager.cli.audit_telling import Telling, elements, is_claims, things_named
from scmanager.cli.calling import Named, NameUnknown, pick, same_name
from scmanager.cli.moments import Moment
from scmanager.cli.output import JsonFlag, counted, indented, remark, say, say_json, short
from scmanager.cli.why import kind_of, sentence
from scmanager.domain.clash_fields import field_of
from scmanager.domain.event import Id
from scmanager.domain.fold import Fold
from scmanager.errors import Refused
from scmanager.spaces.contests import contests_of
from scmanager.spaces.explaining import Step, changed_in, device_of, names_of, of_field, reads_of, steps
from scmanager.spaces.opening import Opened
from scmanager.spaces.state_digest import KINDS

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
        told = _Explaining(read, telling).told(what, kind)
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


class _Explaining:
    def __init__(self, read: Evidence, telling: Telling) -> None:
        self._read, self._telling, self._space = read, telling, telling.space

    def told(self, what: str, kind: str | None) -> dict[str, Any]:
        """An event where one is meant, else a thing. Raises NameUnknown, NameAmbiguous, FieldUnknown."""
        if (event := self._event(what)) is not None:
            return self._of_event(event)
        name, field = self._split(what, kind)
        fold, entity = self._thing(name, kind)
        return self._of_thing(fold, entity, field)

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
            if not point:
                raise
            return name, field
        return what, None

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

    def _of_event(self, opened: Opened) -> dict[str, Any]:
        shared = opened.shared
        folds = [fold for fold in KINDS if shared is not None and self._space.thing(fold, shared.entity)]
        for fold in folds:
            history = steps(self._space, fold, shared.entity if shared else b"")
            mine = [step for step in history if step.opened.entry.id32 == opened.entry.id32]
            if mine:
                name = self._telling.called(fold, shared.entity if shared else b"", mine[0].after)
                head = {"kind": fold.name, "name": name, "id": shared.entity if shared else None, "field": None}
                return head | {"value": None, "steps": [self._step(mine[0], None)], "contests": []}
        verdict = self._space.verdict(opened.entry.id32)
        step = Step(opened, verdict, KINDS[0].empty, KINDS[0].empty, KINDS[0].empty)
        head = {"kind": "entry", "name": kind_of(opened), "id": opened.entry.id32, "field": None, "value": None}
        return head | {"steps": [self._step(step, None)], "contests": []}

    def _of_thing(self, fold: Fold, entity: Id, field: str | None) -> dict[str, Any]:
        history = steps(self._space, fold, entity)
        chosen = of_field(history, fold, field) if field else history
        state = self._space.state(fold, entity)
        return {
            "kind": fold.name, "name": self._telling.called(fold, entity, state), "id": entity, "field": field,
            "value": self._telling.field(field, reads_of(fold, field)(state)) if field else None,
            "steps": [self._step(step, (fold, field) if field else None) for step in chosen],
            "contests": list(self._contests(fold, entity, field)),
        }  # fmt: skip

    def _step(self, step: Step, field: tuple[Fold, str] | None) -> dict[str, Any]:
        opened, one = step.opened, step.opened.entry
        shared = opened.shared
        standing = self._space.verdicts.grants.get(shared.by if shared else one.id32)
        grant = standing.grant if standing else None
        at = step.envelope.hlc if step.envelope else one.hlc
        return {
            "event": one.id, "type": kind_of(opened), "at": Moment(at // 1_000_000).plain(),
            "dated": Moment(one.hlc // 1_000_000).plain(), "counts": step.counts,
            "valid": step.verdict.valid, "reason": step.verdict.reason.value if step.verdict.reason else None,
            "because": step.verdict.cause or None, "sentence": _sentence(step),
            "by": self._telling.who(grant.member) if grant else None, "grant": shared.by if shared else None,
            "role": self._telling.role(grant.role) if grant else None, "rank": grant.rank if grant else None,
            "device": device_of(self._space, one.log), "says": self._telling.said(opened),
            "changed": self._changed(step, field), "saw": list(shared.saw) if shared else [],
            "proved": coordinates(self._read.store, self._space, opened),
        }  # fmt: skip

    def _changed(self, step: Step, field: tuple[Fold, str] | None) -> list[dict[str, Any]]:
        if field is not None:
            reads = reads_of(*field)
            both = (
                [(field[1], reads(step.before), reads(step.after))] if reads(step.before) != reads(step.after) else []
            )
        else:
            both = [(name, getattr(step.before, name), getattr(step.after, name)) for name in changed_in(step)]
        beside = self._telling.beside
        told = [
            (name, beside(name, before, after), beside(name, after, before), is_claims(before, after))
            for name, before, after in both
        ]
        held = {(before, after) for _, before, after, claims in told if not claims}
        lists = {name for name, before, after in both if elements(before) and elements(after)}
        return [
            {"field": name, "before": before, "after": after} | ({"of_list": True} if name in lists else {})
            for name, before, after, claims in told
            if not (claims and (before, after) in held)  # What holds of them says the same.
        ]

    def _contests(self, fold: Fold, entity: Id, field: str | None) -> Any:
        """What was set at once, and how it was settled."""
        for found in contests_of(self._space, fold, entity, self._space.state(fold, entity)):
            if field is not None and not self._same(fold, found.field.name, field):
                continue
            value, who = self._telling.value, self._telling.who
            yield {
                "field": found.field.name, "settled_in": found.contest.settled or None,
                "settled_by": who(found.contest.by) if found.contest.by else None,
                "outcome": value(found.contest.outcome) if found.contest.settled else None,
                "rivals": [
                    {"event": each.entry, "by": who(each.member), "value": value(each.value)}
                    for each in found.contest.rivals
                ],
            }  # fmt: skip

    def _same(self, fold: Fold, contested: str, asked: str | None) -> bool:
        """Whether a contested field is the one that is asked for, under whichever of its names."""
        if asked == contested:
            return True
        field = field_of(fold.name, contested)
        return field is not None and asked in names_of(type(fold.empty)) and _called_alike(contested, str(asked))


def _called_alike(contested: str, asked: str) -> bool:
    """`name` is a state's `title` and `names`; any other is called by itself, or in the plural."""
    return asked in (f"{contested}s", "title" if contested == "name" else contested)


def _sentence(step: Step) -> str:
    if step.verdict.valid and not step.counts:
        return "This release does not know what it says; a newer one may."
    return sentence(step.verdict)


def _print(told: dict[str, Any]) -> None:
    head = f"{told['kind']} {told['name']}  {short(told['id']) if told['id'] else ''}".rstrip()
    say(f"{head}: {told['field']} is {told['value'] or 'nothing'}" if told["field"] else head)
    for number, each in enumerate(told["steps"], 1):
        _print_step(number, each)
    for each in told["contests"]:
        say(f"\n{each['field']} was set at once, by people who did not know of each other:")
        for rival in each["rivals"]:
            say(f"  {rival['value'] or 'nothing'}, by {rival['by']}, event {short(rival['event'])}")
        settled = f"settled by {each['settled_by']} in {short(each['settled_in'])}: " if each["settled_in"] else ""
        say(f"  {settled + (each['outcome'] or 'nothing') if settled else 'nobody settled it; the first holds'}")
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
