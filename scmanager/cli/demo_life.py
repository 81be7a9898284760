"""What goes on in the demo's organisations: operations that people sign up for, one of them over, and treaties."""

from collections.abc import Callable
from typing import Any

from scmanager.cli.demo_content import ContactSaid, OperationSaid, TreatySaid
from scmanager.domain import document
from scmanager.domain.diplomacy import Stance
from scmanager.domain.operation_events import Answer, Outcome
from scmanager.domain.treaty_events import Kind

DAY_S = 86_400
EVENING_S = 19 * 3600
SATURDAY_S = 2 * DAY_S
"""The first Saturday of the era: it began on a Thursday."""

Do = Callable[..., dict[str, Any]]
"""The founder does something: a verb and its arguments."""


class Flight:
    """One operation of the demo: planned before anybody has joined, flown when everybody has."""

    def __init__(self, do: Do, said: OperationSaid, now_s: int) -> None:
        starts_s = last_saturday(now_s) + said.starts_days * DAY_S + EVENING_S
        self._do, self.said = do, said
        made = do(
            "operation.plan", title=said.title, starts_s=starts_s, ends_s=starts_s + said.hours * 3600,
            zone=said.zone, objective=said.objective, place=said.place,
        )  # fmt: skip
        self.id = bytes.fromhex(made["operation"])
        self._ships = {each.title: self._ask_for_ship(each.title, each.models) for each in said.ships}
        self._seats = [self._ask_for_crew(each.role, each.aboard, len(each.taken) or 1) for each in said.crew]
        if said.most:
            do("operation.limit-crew", operation_id=self.id, most=said.most)
        if said.briefing:
            self._write(do, document.Kind.BRIEFING, said.briefing.first)

    def answer(self, do: Do, handle: str) -> None:
        """Somebody says whether they come, from their own machine."""
        if said := self.said.answers.get(handle):
            do("operation.sign-up", operation_id=self.id, answer=Answer(said), roles=self._roles_of(handle))

    def brief(self, do: Do, handle: str) -> None:
        """Whoever helps with the briefing goes on writing it, and so does the founder, who has not seen that yet."""
        briefing = self.said.briefing
        if briefing and briefing.by == handle:
            self._write(do, document.Kind.BRIEFING, briefing.theirs)
            self._write(self._do, document.Kind.BRIEFING, briefing.founder)

    def crew(self, people: dict[str, bytes], ship: Callable[[str], bytes]) -> None:
        """Everybody to their places; what is over is flown and reported."""
        self._do("operation.assign-lead", operation_id=self.id, member_id=people[self.said.lead])
        for asked in self.said.ships:
            if asked.assigned:
                slot = self._ships[asked.title]
                self._do("operation.assign-ship", operation_id=self.id, slot=slot, ship_id=ship(asked.assigned))
        for crew, slots in zip(self.said.crew, self._seats, strict=True):
            for handle, slot in zip(crew.taken, slots, strict=False):
                self._do("operation.take-slot", operation_id=self.id, slot=slot, member_id=people[handle])
        if self.said.outcome:
            self._fly([people[handle] for handle in self.said.there], Outcome(self.said.outcome))

    def _fly(self, there: list[bytes], outcome: Outcome) -> None:
        for member in there:
            self._do("operation.check-in", operation_id=self.id, member_id=member)
        self._do("operation.start", operation_id=self.id)
        self._do("operation.take-attendance", operation_id=self.id)
        self._do("operation.complete", operation_id=self.id, outcome=outcome)
        self._write(self._do, document.Kind.REPORT, self.said.report)

    def _write(self, do: Do, kind: document.Kind, text: str) -> None:
        do("document.edit", thing_id=self.id, kind=kind, text=text)

    def _ask_for_ship(self, title: str, models: tuple[str, ...]) -> bytes:
        made = self._do("operation.add-ship-slot", operation_id=self.id, title=title, models=models)
        return bytes.fromhex(made["slot"])

    def _ask_for_crew(self, role: str, aboard: str, count: int) -> list[bytes]:
        slot = self._ships[aboard]
        made = self._do("operation.add-crew-slots", operation_id=self.id, role=role, count=count, aboard=slot)
        return [bytes.fromhex(each) for each in made["slots"]]

    def _roles_of(self, handle: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(each.role for each in self.said.crew if handle in each.taken))


def meet(do: Do, said: ContactSaid, now_s: int) -> None:
    """Enter another organisation, and what was agreed with it."""
    contact = bytes.fromhex(do("contact.record", title=said.title, sid=said.sid)["contact"])
    do("contact.note", contact_id=contact, text=said.note)
    if said.stance:
        do("contact.set-stance", contact_id=contact, stance=Stance(said.stance))
    for treaty in said.treaties:
        _agree(do, contact, treaty, now_s)


def _agree(do: Do, contact: bytes, said: TreatySaid, now_s: int) -> None:
    made = do(
        "treaty.propose", contact_id=contact, kind=Kind(said.kind), title=said.title, text=said.text,
        until_s=now_s + said.until_days * DAY_S,
    )  # fmt: skip
    treaty = bytes.fromhex(made["treaty"])
    do("treaty.sign", treaty_id=treaty)
    do("treaty.claim-acceptance", treaty_id=treaty, text=said.accepted)


def last_saturday(now_s: int) -> int:
    """Midnight, in UTC seconds, of the last Saturday that is not in the future."""
    return now_s - (now_s - SATURDAY_S) % (7 * DAY_S)
