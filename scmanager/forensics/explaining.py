"""Telling how a value came to be: each event with its author, right and proof, what it changed, what is contested.

Answers are tables by name, as `--json` prints them; `proved` of a step is a Place.
"""

from typing import Any

from scmanager.domain.clash_fields import field_of
from scmanager.domain.event import Id
from scmanager.domain.fold import Fold
from scmanager.forensics.called import moment
from scmanager.forensics.places import coordinates
from scmanager.forensics.reasons import kind_of, sentence
from scmanager.forensics.telling import Telling, elements, is_claims
from scmanager.spaces.contests import contests_of
from scmanager.spaces.explaining import Step, changed_in, device_of, names_of, of_field, reads_of, steps
from scmanager.spaces.opening import Opened
from scmanager.spaces.state_digest import KINDS


class Explaining:
    """Of one space as it was or is."""

    def __init__(self, telling: Telling) -> None:
        self._telling, self._space = telling, telling.space
        self._then = Telling(telling.place, telling.space, marked=False)
        """For what one event said and changed: it knew nothing of what became of the things that it names."""

    def of_event(self, opened: Opened) -> dict[str, Any]:
        """What one event said and changed."""
        shared = opened.shared
        folds = [fold for fold in KINDS if shared is not None and self._space.thing(fold, shared.entity)]
        for fold in folds:
            history = steps(self._space, fold, shared.entity if shared else b"")
            mine = [step for step in history if step.opened.entry.id32 == opened.entry.id32]
            if mine:
                name = self._telling.called(fold, shared.entity if shared else b"", mine[0].after)
                head = {"kind": fold.name, "name": name, "id": shared.entity if shared else None, "field": None}
                return head | {"value": None, "steps": [self._step(mine[0], None)], "steps_total": 1, "contests": []}
        verdict = self._space.verdict(opened.entry.id32)
        step = Step(opened, verdict, KINDS[0].empty, KINDS[0].empty, KINDS[0].empty)
        head = {"kind": "entry", "name": kind_of(opened), "id": opened.entry.id32, "field": None, "value": None}
        return head | {"steps": [self._step(step, None)], "steps_total": 1, "contests": []}

    def of_thing(self, fold: Fold, entity: Id, field: str | None, part: slice = slice(None)) -> dict[str, Any]:
        """How a thing, or one field of it, came to be. Raises FieldUnknown."""
        history = steps(self._space, fold, entity)
        chosen = of_field(history, fold, field) if field else history
        state = self._space.state(fold, entity)
        return {
            "kind": fold.name, "name": self._telling.called(fold, entity, state), "id": entity, "field": field,
            "value": self._telling.field(field, reads_of(fold, field)(state)) if field else None,
            "steps": [self._step(step, (fold, field) if field else None) for step in chosen[part]],
            "steps_total": len(chosen),
            "contests": list(self._contests(fold, entity, field)),
        }  # fmt: skip

    def _step(self, step: Step, field: tuple[Fold, str] | None) -> dict[str, Any]:
        opened, one = step.opened, step.opened.entry
        shared = opened.shared
        standing = self._space.verdicts.grants.get(shared.by if shared else one.id32)
        grant = standing.grant if standing else None
        at = step.envelope.hlc if step.envelope else one.hlc
        return {
            "event": one.id, "type": kind_of(opened), "at": moment(at // 1_000_000),
            "dated": moment(one.hlc // 1_000_000), "counts": step.counts,
            "valid": step.verdict.valid, "reason": step.verdict.reason.value if step.verdict.reason else None,
            "because": step.verdict.cause or None, "sentence": _sentence(step),
            "by": self._telling.who(grant.member) if grant else None, "grant": shared.by if shared else None,
            "role": self._telling.role(grant.role) if grant else None, "rank": grant.rank if grant else None,
            "device": device_of(self._space, one.log), "says": self._then.said(opened),
            "changed": self._changed(step, field), "saw": list(shared.saw) if shared else [],
            "proved": coordinates(self._telling.place.store, self._space, opened),
        }  # fmt: skip

    def _changed(self, step: Step, field: tuple[Fold, str] | None) -> list[dict[str, Any]]:
        if field is not None:
            reads = reads_of(*field)
            both = (
                [(field[1], reads(step.before), reads(step.after))] if reads(step.before) != reads(step.after) else []
            )
        else:
            both = [(name, getattr(step.before, name), getattr(step.after, name)) for name in changed_in(step)]
        beside = self._then.beside
        told = [
            (
                name,
                "" if step.first else beside(name, before, after),
                beside(name, after, before),
                is_claims(before, after),
            )
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
