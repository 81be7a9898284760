"""Every two acts on one thing, said on two devices at once, in either order: what comes of it; nothing is lost.

The table in docs/clashes.md is what came of it. `UPDATE=1` writes it anew.
"""

import enum
import os
import secrets
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scmanager.application.desk import Desk
from scmanager.application.every_verb import VERBS
from scmanager.application.writer import Command
from scmanager.domain.clash import Contest
from scmanager.domain.clash_fields import field_of
from scmanager.domain.event import State
from scmanager.domain.governance import needs
from scmanager.errors import Refused
from tests.support.acts import ELSEWHERE, KINDS, Act, Do, Kindred, World
from tests.support.measuring import unfollowed
from tests.support.node import Seat
from tests.support.two_devices import TwoDevices, two_devices

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parent.parent.parent / "docs" / "clashes.md"
MEMORIES = ("history", "texts", "written", "former_owners")
"""What a state remembers of everything that was said, whoever prevailed."""


INTRODUCTION = """\
What comes of two acts on one thing, said on two devices that did not know of each other. Both devices agree on it
once they have heard of both. The first and the last are meant in fold order: by the authors' clocks, then by log.

- *Both stand*: neither is in the other's way.
- *Contested*: the first holds (of words and tags the last), the other stands beside it until somebody who has the
  right decides: `scm contested`, `scm settle`.
- The last place in a crew, taken by two members at once, is contested too: field `place`, settled by
  `operation.lead`. Who signs up knowing that it is full waits, and nothing is contested.
- *Never at once*: one of them can only be said where the other cannot.

Whatever lost stays readable: in the contest, open or settled, and by its entry (`scm log show`, `scm why`).
"""

GOES_ALONG = frozenset({frozenset({"ship.name", "ship.transfer"}), frozenset({"character.share"})})
"""A nickname is its owner's: it goes with him when the ship goes to another, as `ship.evolve` says. What is
shown of a character is a copy: what it was copied from stays in the player's own space."""


class Outcome(enum.StrEnum):
    """What came of two acts, the first of which comes first in fold order."""

    SAME = "one is enough"
    FIRST = "the first stands"
    LAST = "the last stands"
    BOTH = "both stand"
    CONTESTED = "contested"
    APART = "never at once"


class Met(msgspec.Struct, frozen=True):
    """What came of it, and the fields that are contested now."""

    outcome: Outcome
    fields: tuple[str, ...] = ()


class Pair(msgspec.Struct):
    """Two acts on a thing of their own."""

    thing: bytes
    one: Act
    other: Act
    said: list[bool]
    """Whether each device could say it."""
    alone: list[Any]
    """The thing's state on each device, before it heard of the other's act."""


def at(seat: Seat, do: Callable[[Desk], None]) -> None:
    """All of it as one command."""
    seat.node.writer.do(Command(secrets.token_bytes(16), seat.space, lambda desk: do(desk) or {}))


def try_(desk: Desk, do: Do, world: World, thing: bytes, side: int) -> bool:
    """Whether anything could be said. What is refused must leave no trace."""
    before = desk.recorded
    try:
        do(desk, world, thing, side)
    except Refused:
        assert desk.recorded == before
        return False
    return desk.recorded > before


def world_of(both: TwoDevices) -> World:
    desk = both.desk
    return World(
        (desk.made("member", "member.record", handle="ann"), desk.made("member", "member.record", handle="bob")),
        (desk.made("fleet", "fleet.form", title="One"), desk.made("fleet", "fleet.form", title="Two")),
        (desk.made("ship", "ship.add", model="a-1"), desk.made("ship", "ship.add", model="a-2")),
        desk.made("contact", "contact.record", title="Brine"),
    )


def run(both: TwoDevices, world: World, kind: Kindred) -> list[Pair]:
    """Each ordered pair on a thing of its own: prepared on one device, acted on by both, exchanged once."""
    pairs = [
        Pair(kind.thing(secrets.token_bytes(15) + b"\0"), a, b, [False, False], [])
        for a in kind.acts
        for b in kind.acts
    ]

    def prepare(desk: Desk) -> None:
        for pair in pairs:
            kind.begin(desk, world, pair.thing, 0)
            for given in dict.fromkeys((*pair.one.given, *pair.other.given)):
                try_(desk, given, world, pair.thing, 0)

    def act(side: int) -> Callable[[Desk], None]:
        def do(desk: Desk) -> None:
            for pair in pairs:
                pair.said[side] = try_(desk, (pair.one, pair.other)[side].do, world, pair.thing, side)

        return do

    at(both.desk, prepare)
    both.tell_phone()
    for side, seat in enumerate((both.desk, both.phone)):
        at(seat, act(side))
        for pair in pairs:
            pair.alone.append(seat.state(kind.fold, pair.thing))
    both.meet()
    return pairs


def came_of(both: TwoDevices, kind: Kindred, pair: Pair) -> Met:
    if not all(pair.said):
        return Met(Outcome.APART)
    open_ = [each for each in both.contests(kind.fold, pair.thing) if not each.settled]
    if open_:
        return Met(Outcome.CONTESTED, tuple(dict.fromkeys(each.field for each in open_)))
    now, first, last = (remembering_nothing(each) for each in (both.desk.state(kind.fold, pair.thing), *pair.alone))
    if first == last == now:
        return Met(Outcome.SAME)
    return Met(Outcome.FIRST if now == first else Outcome.LAST if now == last else Outcome.BOTH)


def remembering_nothing(state: State) -> dict[str, Any]:
    return {name: getattr(state, name) for name in state.__struct_fields__ if name not in MEMORIES}


def lost_words(both: TwoDevices, kind: Kindred, pair: Pair) -> list[bytes]:
    """The entries with words that neither the state nor a contest names: nobody would find them."""
    space = both.at(both.desk)
    thing = space.thing(kind.fold, pair.thing)
    assert thing is not None
    steps = {"history": ()} if hasattr(thing.state, "history") else {}  # They name entries, and show no words.
    state = msgspec.structs.replace(thing.state, **steps)
    shown = repr(state) + repr([contest_of(each) for each in thing.contests()])
    spoken = [envelope.entry for envelope, _ in thing.events() if has_words(both, envelope.entry)]
    known = {entry for envelope, _ in thing.events() for entry in envelope.saw}
    newest = [entry for entry in spoken if entry not in known]
    return [entry for entry in newest if repr(entry) not in shown]


def has_words(both: TwoDevices, entry: bytes) -> bool:
    opened = both.at(both.desk).opened(entry)
    return opened is not None and len(opened.entry.parts) > 1


def contest_of(contest: Contest) -> list[tuple[Any, bytes]]:
    return [(each.value, each.entry) for each in contest.rivals]


@pytest.fixture(scope="module")
def met(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[tuple[str, str], Met]]:
    """By kind, by the two verbs in fold order: what came of it. On the way: both devices agree, no words are lost."""
    found = {}
    with two_devices(tmp_path_factory.mktemp("pairs")) as both, unfollowed():
        world = world_of(both)
        both.tell_phone()
        for kind in KINDS:
            pairs = run(both, world, kind)
            name = f"{kind.fold.name} {kind.where}".strip()
            found[name] = {(each.one.verb, each.other.verb): came_of(both, kind, each) for each in pairs}
            for pair in pairs:
                if frozenset({pair.one.verb, pair.other.verb}) not in GOES_ALONG:
                    assert lost_words(both, kind, pair) == [], (pair.one.verb, pair.other.verb)
    return found


def told(kind: str, there: Met, back: Met, one: str, other: str) -> str:
    """What the table says of two acts: `there` with the first of them first in fold order, `back` the other way."""
    if Outcome.CONTESTED in (there.outcome, back.outcome):
        return "; ".join(told_contest(kind, field) for field in dict.fromkeys((*there.fields, *back.fields)))
    if Outcome.APART in (there.outcome, back.outcome):
        return Outcome.APART.value
    ends = (there.outcome, back.outcome)
    if one == other or ends in ((Outcome.LAST, Outcome.LAST), (Outcome.FIRST, Outcome.FIRST)):
        return there.outcome.value
    if ends == (Outcome.FIRST, Outcome.LAST):
        return f"`{one}` stands"
    if ends == (Outcome.LAST, Outcome.FIRST):
        return f"`{other}` stands"
    if len(set(ends)) == 1:
        return there.outcome.value
    return f"{there.outcome.value}; with `{other}` first: {back.outcome.value}"


def told_contest(kind: str, field: str) -> str:
    found = field_of(kind, field)
    assert found is not None
    right = needs(found.says.tag)
    return f"contested: {field}, settled by " + (f"`{right}`" if right else "its owner")


def page(met: dict[str, dict[tuple[str, str], Met]]) -> str:
    text = [
        "# Clashes\n",
        "Made by `UPDATE=1 python -m pytest tests/end_to_end/test_pairs.py`; do not edit.\n",
        INTRODUCTION,
    ]
    for kind, found in met.items():
        verbs = list(dict.fromkeys(verb for verb, _ in found))
        both = Counter[str]()
        rows = []
        for number, one in enumerate(verbs):
            for other in verbs[number:]:
                what = told(kind.partition(" ")[0], found[one, other], found[other, one], one, other)
                both[what] += 1
                if what not in (Outcome.BOTH.value, Outcome.APART.value):
                    rows.append(f"| `{one}` | `{other}` | {what} |")
        text += [f"## {kind}\n", "| one | the other | what comes of it |\n|---|---|---|", *rows]
        text.append(
            f"\nOf {sum(both.values())} pairs, in the other {both[Outcome.BOTH.value]} both stand, and"
            f" {both[Outcome.APART.value]} are never said at once.\n"
        )
    text += ["## Not in the table\n", "| verb | why |\n|---|---|"]
    text += [f"| `{verb}` | {why} |" for verb, why in sorted(ELSEWHERE.items())]
    return "\n".join(text) + "\n"


def test_what_comes_of_every_two_acts_is_what_the_page_says(met: dict[str, dict[tuple[str, str], Met]]) -> None:
    made = page(met)
    if os.environ.get("UPDATE") == "1":
        PAGE.write_text(made, encoding="utf-8", newline="\n")
    assert PAGE.read_text(encoding="utf-8") == made


def test_every_verb_has_its_pairs_or_a_reason_why_it_has_none() -> None:
    acts = [act.verb for kind in KINDS for act in kind.acts]
    assert len(acts) == len(set(acts))
    assert {*acts, *ELSEWHERE} == set(VERBS)
    assert not {*acts} & {*ELSEWHERE}


def test_an_act_that_meets_itself_is_nowhere_left_out(met: dict[str, dict[tuple[str, str], Met]]) -> None:
    apart = [pair for found in met.values() for pair, what in found.items() if what.outcome is Outcome.APART]
    assert [one for one, other in apart if one == other] == []
