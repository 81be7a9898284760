"""What a command leaves out stays as it was; what it gives as nothing goes: every verb that changes things.

`KEPT` says for each of them what may be left out and how to read it; `AT_ONCE` says why the others need not keep
anything. A verb with something to leave out stands in one of the two.
"""

import time
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.application.every_verb import VERBS
from scmanager.domain.catalogue import CHARACTERS, MEMBERS, OPERATIONS, ROLES, TREATIES
from scmanager.domain.character import CharacterSheet, Fate
from scmanager.domain.member import Profile
from scmanager.domain.operation_events import Answer, Cancellation, CancelReason, Objective
from scmanager.domain.rights import Right
from scmanager.domain.treaty_events import Kind
from tests.support.machines import Machine, found
from tests.support.node import Seat

SOON = int(time.time()) + 7 * 24 * 3600
LATER = SOON + 30 * 24 * 3600

AT_ONCE = {
    "character.make": "begins something",
    "contact.record": "begins something",
    "member.record": "begins something",
    "member.remove": "ends something",
    "operation.add-crew-slots": "begins something",
    "operation.add-ship-slot": "begins something",
    "operation.copy": "begins something",
    "operation.plan": "begins something",
    "operation.take-attendance": "begins something",
    "role.define": "begins something",
    "ship.add": "begins something",
    "squadron.form": "begins something",
    "treaty.propose": "begins something",
    "contact.declare-war": "an act: who declares it",
    "device.enrol": "an act: of a device",
    "document.edit": "an act: since when",
    "document.leave-out": "an act: which changes, and why",
    "document.undo": "an act: which change, else the last",
    "event.reissue": "an act: which events, else all",
    "member.erase": "an act: on which ground",
    "member.leave": "an act: for whom",
    "notification.mark-read": "an act: which, else all",
    "operation.check-in": "an act: for whom",
    "operation.take-slot": "an act: for whom",
    "settle": "an act: for which value",
    "ship.lend": "an act: each loan has an end of its own",
    "ship.return": "an act: whose loan",
    "ship.settle-owner": "an act: to whom",
    "ship.transfer": "an act: to whom",
    "ship.set-readiness": "an act: each claim has an end of its own, and must have one",
    "treaty.claim-acceptance": "an act: of which version",
    "treaty.end": "an act: at once, unless a day is given",
    "treaty.sign": "an act: of which version",
    "undo": "an act: of which event",
    "operation.set-reminders": "sets one thing: nothing given is none",
    "squadron.move": "sets one thing: nothing given is no fleet",
    "operation.reschedule": "keeps its zone by a rule of its own",
}
"""Why a verb with something to leave out has nothing to keep."""


class Case(msgspec.Struct, frozen=True):
    """A verb on a thing that is there: what must be said, what may be left out, and how that is read back."""

    must: dict[str, Any]
    may: dict[str, tuple[Any, ...]]
    """The values that each can be given; the first is nothing, and what taking it away leads to."""
    read: Callable[[], dict[str, Any]]
    ready: Callable[[], object] = bool
    """What has to be done each time before the verb can be said."""


class Nova:
    """An organisation with one of everything that can be changed."""

    def __init__(self, org: Seat, own: Seat) -> None:
        self.org, self.own = org, own
        self._planned = 0

    def cases(self) -> dict[str, Callable[[], Case]]:
        return {
            "member.change-profile": self.profile,
            "member.invite": self.invitation,
            "member.join": self.joining,
            "role.change": self.role,
            "operation.describe": self.objective,
            "operation.sign-up": self.answer,
            "operation.cancel": self.cancellation,
            "treaty.change-terms": self.terms,
            "character.describe": self.sheet,
            "character.retire": self.fate,
            "character.share": self.shown,
        }

    def words(self, seat: Seat, entry: bytes, kind: Any) -> dict[str, Any]:
        found = seat.read(entry, kind)
        return msgspec.structs.asdict(found) if isinstance(found, kind) else dict.fromkeys(kind.__struct_fields__, "")

    def profile(self) -> Case:
        who = self.org.made("member", "member.record", handle="Bo")

        def read() -> dict[str, Any]:
            told = self.words(self.org, self.org.state(MEMBERS, who).profile, Profile)
            assert told["handle"] == "Bo"
            return {"display_name": told["display_name"]}

        return Case({"member_id": who, "handle": "Bo"}, {"display_name": ("", "Bodo", "Bö")}, read)

    def invitation(self) -> Case:
        who = self.org.made("member", "member.invite")

        def read() -> dict[str, Any]:
            return {"until_s": self.org.state(MEMBERS, who).invited_until}

        return Case({"member_id": who}, {"until_s": (0, SOON, LATER)}, read)

    def joining(self) -> Case:
        """The founder joins anew each time: he leaves first."""
        me = self.org.me

        def read() -> dict[str, Any]:
            told = self.words(self.org, self.org.state(MEMBERS, me).profile, Profile)
            return {"display_name": told["display_name"]}

        return Case({}, {"display_name": ("", "Ada", "Countess")}, read, lambda: self.org.do("member.leave"))

    def role(self) -> Case:
        role_id = self.org.made("role", "role.define", title="Pilot", rank=5, rights=())

        def read() -> dict[str, Any]:
            return {"rights": self.org.state(ROLES, role_id).template.rights}

        some = (Right.FLEET_MANAGE.value,)
        return Case({"role_id": role_id, "title": "Pilot", "rank": 5}, {"rights": ((), some)}, read)

    def _operation(self) -> bytes:
        self._planned += 1
        return self.org.made("operation", "operation.plan", title="Op", starts_s=SOON, ends_s=SOON + 60)

    def objective(self) -> Case:
        op = self._operation()

        def read() -> dict[str, Any]:
            return self.words(self.org, self.org.state(OPERATIONS, op).objective, Objective)

        may = {"objective": ("", "Ore.", "Gas."), "place": ("", "Lyria", "Yela")}
        return Case({"operation_id": op}, may, read)

    def answer(self) -> Case:
        op = self._operation()

        def read() -> dict[str, Any]:
            said = [each for each in self.org.state(OPERATIONS, op).sign_ups if each.member == self.org.me]
            return {"roles": said[0].roles if said else ()}

        must = {"operation_id": op, "answer": Answer.TENTATIVE}
        return Case(must, {"roles": ((), ("pilot",), ("medic", "gunner"))}, read)

    def cancellation(self) -> Case:
        op = self._operation()

        def read() -> dict[str, Any]:
            return self.words(self.org, self.org.state(OPERATIONS, op).cancellation, Cancellation)

        must = {"operation_id": op, "reason": CancelReason.SERVERS}
        return Case(must, {"text": ("", "Error 30k.", "Patch day.")}, read)

    def terms(self) -> Case:
        with_ = self.org.made("contact", "contact.record", title=f"Tallow {self.org.pos()}")
        treaty = self.org.made(
            "treaty", "treaty.propose", contact_id=with_, kind=Kind.OTHER, title="T", text="x", warn_days=14
        )

        def read() -> dict[str, Any]:
            on_table = self.org.state(TREATIES, treaty).draft
            return {"starts_s": on_table.starts, "until_s": on_table.until, "warn_days": on_table.warn_days}

        may = {"starts_s": (0, SOON, SOON + 60), "until_s": (0, LATER, LATER + 60), "warn_days": (14, 0, 3)}
        return Case({"treaty_id": treaty, "text": "Ten a week."}, may, read)

    def sheet(self) -> Case:
        who = self.own.made("character", "character.make", name="Vesper")

        def read() -> dict[str, Any]:
            told = self.words(self.own, self.own.state(CHARACTERS, who).sheet, CharacterSheet)
            return {name: told[name] for name in ("occupation", "origin", "background")}

        may = {"occupation": ("", "medic"), "origin": ("", "Terra", "Pyro"), "background": ("", "Born in a storm.")}
        return Case({"character_id": who}, may, read)

    def fate(self) -> Case:
        who = self.own.made("character", "character.make", name="Vesper")

        def read() -> dict[str, Any]:
            return {"fate": self.own.state(CHARACTERS, who).fate or Fate.RETIRED}

        return Case({"character_id": who}, {"fate": (Fate.RETIRED, Fate.DEAD, Fate.MISSING)}, read)

    def shown(self) -> Case:
        who = self.own.made("character", "character.make", name="Vesper", background="Born in a storm.")

        def read() -> dict[str, Any]:
            told = self.words(self.org, self.org.state(CHARACTERS, who).sheet, CharacterSheet)
            return {"background": bool(told["background"])}

        return Case({"character_id": who}, {"background": (False, True)}, read)


@pytest.fixture(scope="module")
def nova(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nova]:
    with Machine(tmp_path_factory.mktemp("keeping"), "ada").open() as node:
        yield Nova(Seat(node, found(node)), Seat(node, node.personal_space()))


def test_each_verb_that_has_something_to_leave_out_keeps_it_or_says_why_there_is_nothing_to_keep(nova: Nova) -> None:
    optional = {name for name, verb in VERBS.items() if any(not each.required for each in verb.parameters)}
    keeping = {name for name, verb in VERBS.items() if any(each.kept for each in verb.parameters)}
    assert keeping == set(nova.cases())
    assert not keeping & set(AT_ONCE)
    assert optional == keeping | set(AT_ONCE)
    for name, make in nova.cases().items():
        assert {each.name for each in VERBS[name].parameters if each.kept} - {"handle", "name"} == set(make().may)


@pytest.mark.parametrize("verb", sorted(Nova.cases(Nova.__new__(Nova))))
def test_what_is_left_out_stays_and_what_is_nothing_goes(verb: str, nova: Nova) -> None:
    @settings(max_examples=8, suppress_health_check=list(HealthCheck))
    @given(st.data())
    def said_again_and_again(data: st.DataObject) -> None:
        case = nova.cases()[verb]()
        seat = nova.org if "org" in VERBS[verb].kinds else nova.own
        case.ready()
        seat.do(verb, **case.must, **dict.fromkeys(case.may))
        stands = {name: values[0] for name, values in case.may.items()}
        assert case.read() == stands, "taken away"
        for _ in range(data.draw(st.integers(1, 4), label="times")):
            said = {}
            for name, values in case.may.items():
                choice = data.draw(st.sampled_from(["left out", None, *values]), label=name)
                if choice != "left out":
                    said[name] = choice
                    stands[name] = values[0] if choice is None else choice
            case.ready()
            seat.do(verb, **case.must, **said)
            assert case.read() == stands

    said_again_and_again()
