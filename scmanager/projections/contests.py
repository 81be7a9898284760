"""Contests: what is contested in every space, and what was, with the values that lost and who decided.

Rows of a thing exist only once two wrote of it without knowing of each other.
"""

from collections.abc import Iterator
from hashlib import sha3_256
from typing import Any

from scmanager.domain.clash import Contest, Field
from scmanager.domain.clash_fields import field_of, id_of
from scmanager.domain.event import Id, Id32, Personal
from scmanager.domain.fold import Fold
from scmanager.domain.governance import needs
from scmanager.projections.copy_text import NULL, flag, ident, line, micros, number, text
from scmanager.projections.read_model import Look, ReadModel, Row, Table, spoken
from scmanager.spaces.contests import CONTESTED, in_words, label, shown, spelt
from scmanager.spaces.personal import Absence


def rows(look: Look, entity: Id) -> Iterator[Row]:
    """A thing's contests, open and settled, and the values in each."""
    for fold in CONTESTED:
        state = look.state(fold, entity)
        for contest in look.contests(fold, entity) if shown(state) else ():
            field = field_of(fold.name, contest.field)
            if field is not None:
                yield from _contest(look, fold, entity, state, field, contest)


def _contest(look: Look, fold: Fold, entity: Id, state: Any, field: Field, contest: Contest) -> Iterator[Row]:
    space, thing, id_ = ident(look.space), ident(entity), ident(_id(look.space, fold, entity, contest))
    outcome, outcome_words = _told(look, field, contest.outcome if contest.settled else None)
    yield (
        "contest",
        line(
            space,
            id_,
            thing,
            text(fold.name),
            text(label(state)),
            text(contest.field),
            ident(contest.part),
            micros(contest.since),
            ident(contest.settled),
            ident(contest.by),
            micros(contest.at) if contest.settled else NULL,
            text(outcome if contest.settled else None),
            ident(id_of(contest.outcome)),
            text(outcome_words),
            text(needs(field.says.tag)),
            ident(field.own(entity, state)),
            text(field.verb),
        ),
    )
    for place, rival in enumerate(contest.rivals, 1):
        value, words = _told(look, field, rival.value)
        yield (
            "contest_value",
            line(
                space,
                thing,
                id_,
                number(place),
                ident(rival.entry),
                ident(rival.member),
                micros(rival.at),
                flag(place == 1 if not contest.settled else rival.value == contest.outcome),
                text(value),
                text(field.noun),
                ident(id_of(rival.value)),
                text(words),
                spoken(_words(look, field, rival.value)),
            ),
        )


def _told(look: Look, field: Field, value: Any) -> tuple[str, str | None]:
    """A value in part 0, and in words where it has any that can be read."""
    words = _words(look, field, value)
    return spelt(value), None if isinstance(words, Absence) else in_words(words)


def _words(look: Look, field: Field, value: Any) -> Personal | Absence:
    if field.words is None or not isinstance(value, bytes):
        return Absence.NONE
    return look.words(value, field.words)


def _id(space: Id32, fold: Fold, entity: Id, contest: Contest) -> Id:
    """The same for one contest on every machine."""
    place = b"\0".join((contest.field.encode(), contest.part, contest.settled))
    return sha3_256(b"scm/contest/1\0" + space + fold.name.encode() + b"\0" + entity + place).digest()[:16]


MODEL = ReadModel(
    "contests",
    (Table("contest", "thing", ("outcome_words",)), Table("contest_value", "thing", ("words",))),
    CONTESTED,
    rows,
    contests=True,
)
