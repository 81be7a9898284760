"""What a machine of a member's own dates days ahead, and what comes of it once that day is here."""

from contextlib import closing
from pathlib import Path
from secrets import token_bytes

from scmanager.application.desk import Desk
from scmanager.application.writer import Command
from scmanager.domain.catalogue import MEMBERS
from scmanager.domain.event import About
from scmanager.domain.member import Profile, ProfileChanged, Standing
from tests.support.machines import DAY_S, Machine, let_in, officer_role
from tests.support.three_machines import Org


def speak_ahead(org: Org, days: int) -> None:
    """Bob's machine says how he is called, dated so many days ahead."""

    def act(desk: Desk) -> dict[str, object]:
        ahead = desk._now_us + days * DAY_S * 10**6
        desk._next_hlc = lambda: ahead  # type: ignore[method-assign]
        desk.record(MEMBERS, org.bob_id, About(ProfileChanged(), org.bob_id, Profile("Bob")))
        return {}

    org.bob.writer.do(Command(token_bytes(16), org.space, act))
    org.carry(org.bob, org.ada)


def test_who_was_given_a_lower_role_stays_below_whatever_he_dated_ahead(tmp_path: Path) -> None:
    machine = Machine(tmp_path, "olga")
    with closing(Org(tmp_path)) as org, closing(machine.open()) as olga:
        officer = officer_role(org.ada, org.space, 4)
        let_in(org.ada, olga, org.space, officer, tmp_path)
        speak_ahead(org, 3)
        org.ada.do("member.set-role", org.space, {"member_id": org.bob_id, "role_id": org.hand})
        org.carry(org.ada, olga)
        before = olga.shelf.space(org.space).state(MEMBERS, org.bob_id)
        machine.clock.ahead_s = 4 * DAY_S
        with olga.shelf.lock:
            olga.shelf.time_passed()
        olga.do("member.record", org.space, {"handle": "Zoe"})
        held = olga.shelf.space(org.space).state(MEMBERS, org.bob_id)
        assert held.profile != before.profile, "what he dated ahead counts by now"
        assert held.rank == before.rank == 8
        assert olga.do("member.remove", org.space, {"member_id": org.bob_id, "reason": "conduct"})
        assert olga.shelf.space(org.space).state(MEMBERS, org.bob_id).standing is Standing.REMOVED
