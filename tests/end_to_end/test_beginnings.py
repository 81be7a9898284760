"""Two devices begin a thing under one id: nothing that either said is dropped unseen, and a person decides."""

import secrets
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from scmanager.application.desk import Desk
from scmanager.application.writer import Command
from scmanager.domain import contact, fleet, member, negotiation, role, squadron
from scmanager.domain import operation_planning as planning
from scmanager.domain.catalogue import CONTACTS, FLEETS, MEMBERS, OPERATIONS, ROLES, SQUADRONS, TREATIES
from scmanager.domain.contest import Claim
from scmanager.domain.diplomacy import Side
from scmanager.domain.fold import Fold
from scmanager.domain.negotiation import Times
from scmanager.domain.operation_parts import Window
from scmanager.domain.treaty_events import Kind
from tests.support.node import Seat
from tests.support.two_devices import TwoDevices, two_devices

pytestmark = pytest.mark.slow

START = 1_900_000_000
SPACES, TITLES, TAGS = [b"1" * 32, b"2" * 32], ["North", "South"], ["ONE", "TWO"]
WINDOWS = [Window(START, START + 60, "UTC"), Window(START + 60, START + 90, "UTC")]
LENGTHS = [Window(0, 60, "UTC"), Window(0, 90, "UTC")]
PARTNERS = [b"p" * 16, b"q" * 16]


class Beginning(msgspec.Struct, frozen=True):
    """How one kind of thing is begun: a list has one value a device."""

    fold: Fold
    decision: Callable[..., Any]
    said: Callable[[Desk, bytes], tuple[Any, ...]]
    contested: frozenset[str]
    """The fields that are contested when two did it."""

    def on(self, seat: Seat, thing: bytes, side: int) -> None:
        def act(desk: Desk) -> dict[str, Any]:
            said = (each[side] if isinstance(each, list) else each for each in self.said(desk, thing))
            desk.decide(self.fold, thing, self.decision, *said)
            return {}

        seat.node.writer.do(Command(secrets.token_bytes(16), seat.space, act))


def _template(operation: Any, title: str, window: Window) -> Any:
    source = msgspec.structs.replace(operation, id=b"s" * 16, template=True, windows=(Claim(window, b"w" * 32),))
    return planning.copy(operation, source, title, 0, None)


BEGINNINGS = {
    "fleet": Beginning(FLEETS, fleet.form, lambda *_: (TITLES,), frozenset({"name"})),
    "squadron": Beginning(SQUADRONS, squadron.form, lambda *_: (TITLES, PARTNERS), frozenset({"name", "fleet"})),
    "role": Beginning(
        ROLES, role.define, lambda desk, _: (TITLES, 5, (), 0, desk.grant.rights), frozenset({"template"})
    ),
    "member": Beginning(
        MEMBERS, member.record, lambda _desk, thing: (thing, TITLES, ""), frozenset({"profile"})
    ),
    "operation": Beginning(OPERATIONS, planning.plan, lambda *_: (TITLES, WINDOWS), frozenset({"name", "window"})),
    "template": Beginning(OPERATIONS, _template, lambda *_: (TITLES, LENGTHS), frozenset({"name", "window"})),
    "contact": Beginning(
        CONTACTS, contact.record, lambda desk, _: (TITLES, desk.space.id, TAGS, SPACES),
        frozenset({"name", "tag", "space"}),
    ),
    "treaty": Beginning(
        TREATIES, negotiation.propose,
        lambda desk, _: (
            PARTNERS, [Kind.PEACE, Kind.ALLIANCE], TITLES, "No shots.", [Side.US, Side.THEM], Times(), desk.now_s
        ),
        frozenset({"terms"}),
    ),
}  # fmt: skip


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoDevices]:
    with two_devices(tmp_path_factory.mktemp("beginnings")) as made:
        for side, id_ in enumerate(PARTNERS):
            BEGINNINGS["fleet"].on(made.desk, id_, side)
        made.meet()
        yield made


@pytest.mark.parametrize("chosen", [0, 1], ids=["the first", "the other"])
@pytest.mark.parametrize("kind", sorted(BEGINNINGS))
def test_what_two_begin_under_one_id_is_contested_until_somebody_chooses(
    kind: str, chosen: int, both: TwoDevices
) -> None:
    begun, thing = BEGINNINGS[kind], secrets.token_bytes(16)
    begun.on(both.desk, thing, 0)
    begun.on(both.phone, thing, 1)
    alone = [seat.state(begun.fold, thing) for seat in (both.desk, both.phone)]
    both.meet()
    open_ = {each.field: each for each in both.contests(begun.fold, thing)}
    assert set(open_) == begun.contested
    for field, contest in open_.items():
        entries = sorted(each.entry for each in contest.rivals)
        assert len(entries) == 2
        mine = next(entry for entry in entries if is_of(both, entry, chosen))
        both.desk.do("settle", thing=thing, field=field, entry=mine)
    both.meet()
    assert [each for each in both.contests(begun.fold, thing) if not each.settled] == []
    state = both.desk.state(begun.fold, thing)
    for name in ("title", "window", "fleet", "sid", "space", "contact", "kind", "by", "template"):
        if hasattr(state, name):
            assert getattr(state, name) == getattr(alone[chosen], name), name


def is_of(both: TwoDevices, entry: bytes, side: int) -> bool:
    """Whether a device wrote this entry."""
    opened = both.at(both.desk).opened(entry)
    assert opened is not None
    seat = (both.desk, both.phone)[side]
    return opened.entry.log in seat.node.vault.logs_of(seat.space)


def test_a_second_beginning_by_somebody_who_knows_of_the_first_changes_nothing(tmp_path: Path) -> None:
    with two_devices(tmp_path) as both:
        one = both.desk.made("fleet", "fleet.form", title="North")
        both.meet()

        def again(desk: Desk) -> dict[str, Any]:
            desk.record(FLEETS, one, fleet.Formed("South"))
            return {}

        both.phone.node.writer.do(Command(secrets.token_bytes(16), both.phone.space, again))
        both.meet()
        assert both.desk.state(FLEETS, one).title == "North"
        assert both.contests(FLEETS, one) == ()
