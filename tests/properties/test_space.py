"""A space is what its entries say, however they came: in any order, in any batches, before their keys or their time.

The entries are real: three machines, a grant from further up, a removal with a new epoch, an erasure, a forked log.
"""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.domain.catalogue import FOLDS
from scmanager.domain.frontier import frontier
from scmanager.domain.member import RemovalReason
from scmanager.eventstore import entry, signing
from scmanager.eventstore.own_log import OwnLog
from scmanager.eventstore.signing import SigningKey
from scmanager.eventstore.store import Row
from scmanager.runtime import clock_us
from scmanager.spaces.facts import clear_of
from scmanager.spaces.readers import box_keys
from scmanager.spaces.space import AHEAD_US_MAX, Space
from tests.support.machines import Machine, carry, found, let_in, officer_role
from tests.support.space_files import read_whole

Rows = list[entry.Entry]


class Story:
    """Every entry of a space with its part 0, and the keys."""

    def __init__(self, space: bytes, rows: Sequence[Row], keys: dict[bytes, bytes]) -> None:
        self.space, self.keys = space, keys
        self.shared = {one.id: row.shared for row in rows if (one := entry.parse(row.data))}
        self.entries = [entry.parse(row.data) for row in rows]
        self.whole = self.told(list(range(len(rows))))

    def told(self, order: list[int], cuts: Sequence[int] = (), early: int = 0, keyless: int = 0) -> Space:
        """A space that took these in, in this order but each log from its beginning; `cuts` end batches.

        The first `early` batches come while the clock stands before the newest entries, the first `keyless`
        before any key.
        """
        keys: dict[bytes, bytes] = {}
        space = Space(self.space, FOLDS, keys.get)
        rows = self.rows(order)
        ends = sorted({*(cut % len(rows) for cut in cuts), len(rows)} - {0})
        middle = sorted(one.hlc for one in self.entries)[len(rows) // 2]
        for number, (start, end) in enumerate(zip([0, *ends], ends, strict=False)):
            if number >= keyless and not keys:
                keys.update(self.keys)
                space.keys_came(middle - AHEAD_US_MAX if number < early else clock_us())
            space.absorb(rows[start:end], middle - AHEAD_US_MAX if number < early else clock_us())
        keys.update(self.keys)
        space.keys_came(clock_us())
        return space

    def rows(self, order: list[int]) -> list[Row]:
        """The store's view: positions by arrival, a parent before its child, branches as they turn up."""
        waiting = [self.entries[n] for n in order]
        tips: dict[tuple[bytes, int], bytes] = {}
        placed: set[bytes] = set()
        rows: list[Row] = []
        while waiting:
            one = next(each for each in waiting if each.seq == 0 or each.prev in placed)
            waiting.remove(one)
            branch = next((b for (log, b), tip in tips.items() if log == one.log and tip == one.prev), None)
            if branch is None:
                branch = len([log for log, _ in tips if log == one.log])
            tips[one.log, branch] = one.id
            placed.add(one.id)
            rows.append(Row(len(rows) + 1, one.log, branch, one.data, self.shared[one.id]))
        return rows


def picture(space: Space) -> dict[str, Any]:
    """Everything a space says about its entries, but for the order of arrival."""
    folds = {fold.name: fold for fold in FOLDS.values()}
    return {
        "states": {name: dict(space.things(fold)) for name, fold in folds.items()},
        "tips": {name: {e: space.tips(fold, e) for e, _ in space.things(fold)} for name, fold in folds.items()},
        "verdicts": dict(space.verdicts.entries),
        "grants": set(space.verdicts.grants),
        "frontier": space.frontier(),
        "heads": {log: set(space.heads(log)) for log in space.verdicts.counted},
        "hlc": space.hlc,
        "forks": space.forks(),
        "boxes": box_keys(space),
        "erased": space.erased_keys(),
        "names": [set(row) for row in space.to_name(bytes(32))],
        "waiting": space.waiting,
        "outcomes": {log: [each.entry.id32 for each in space.outcomes.newest(log)] for log in space.verdicts.counted},
        "kind": space.kind,
    }


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    folder = tmp_path_factory.mktemp("story")
    machines = [Machine(folder, name) for name in ("ada", "ann", "bob")]
    ada, ann, bob = (machine.open() for machine in machines)
    space = found(ada)
    officer = officer_role(ada, space)
    rights = ("member.invite", "member.represent")
    lower = bytes.fromhex(ada.do("role.define", space, {"title": "Low", "rank": 3, "rights": rights})["role"])
    let_in(ada, ann, space, officer, folder)
    member = let_in(ann, bob, space, lower, folder)
    grace = bob.do("member.record", space, {"handle": "grace"})["member"]
    carry(bob, ann, space, folder)
    carry(ann, ada, space, folder)
    ada.do("member.set-role", space, {"member_id": member, "role_id": officer})
    carry(ada, bob, space, folder)
    bob.close()
    database = machines[2].settings.data / "events.db"
    backup = database.read_bytes()
    marks = {path: path.read_bytes() for path in machines[2].settings.state.glob("*.mark")}
    bob = machines[2].open()
    bob.do("member.change-profile", space, {"member_id": bytes.fromhex(grace), "handle": "hopper"})
    bob.export_space(space, folder / "one.scm")
    bob.close()
    database.write_bytes(backup)
    for path, raw in marks.items():
        path.write_bytes(raw)
    bob = machines[2].open()
    bob.do("member.record", space, {"handle": "other history"})
    bob.import_space(read_whole(folder / "one.scm"))
    bob.do("member.record", space, {"handle": "after the fork"})
    carry(bob, ada, space, folder)
    ada.do("member.remove", space, {"member_id": member, "reason": RemovalReason.CONDUCT})
    bob.do("member.record", space, {"handle": "in vain"})
    ada.do("member.erase", space, {"member_id": bytes.fromhex(grace)})
    ada.do("organisation.rename", space, {"title": "Nova Corps"})
    carry(bob, ada, space, folder)
    rows = ada.store.tail(0, 1000)
    keys = {key: value for key in ada.vault.keys_of(space, None) if (value := ada.vault.get(key))}
    for node in (ada, ann, bob):
        node.close()
    return Story(space, rows, keys)


def test_the_story_has_what_it_should(story: Story) -> None:
    assert story.whole.forks()
    reasons = {str(verdict.reason) for verdict in story.whole.verdicts.entries.values() if not verdict.valid}
    assert reasons == {"cut-by-removal"}
    assert story.whole.erased_keys()


def shuffled(story: Story) -> st.SearchStrategy[list[int]]:
    return st.permutations(range(len(story.entries)))


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_order_batches_keys_and_clocks_of_arrival_leave_no_trace(story: Story, data: st.DataObject) -> None:
    order = data.draw(shuffled(story))
    cuts = data.draw(st.lists(st.integers(0, 1000), max_size=12))
    early, keyless = data.draw(st.integers(0, 8)), data.draw(st.integers(0, 8))
    assert picture(story.told(order, cuts, early, keyless)) == picture(story.whole)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_outcomes_of_a_command_are_those_that_a_walk_through_all_entries_finds(
    story: Story, data: st.DataObject
) -> None:
    cuts = data.draw(st.lists(st.integers(0, 1000), max_size=12))
    space = story.told(data.draw(shuffled(story)), cuts, keyless=data.draw(st.integers(0, 8)))
    said = [each for each in space.entries() if each.shared is not None]
    logs = data.draw(st.sets(st.sampled_from(sorted({each.entry.log for each in said}))))
    for command in {each.shared.command for each in said if each.shared is not None}:
        walked = {each for each in said if each.entry.log in logs and each.shared and each.shared.command == command}
        assert space.outcomes.of(command, logs) == sorted(walked, key=lambda each: each.order)
    for log in logs:
        walked = {each for each in said if each.entry.log == log}
        assert list(space.outcomes.newest(log)) == sorted(walked, key=lambda each: each.order, reverse=True)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_who_has_no_key_at_all_has_the_frontier_of_who_has_all(story: Story, data: st.DataObject) -> None:
    order = data.draw(shuffled(story))
    blind = Space(story.space, FOLDS, {}.get)
    blind.absorb(story.rows(order), clock_us())
    assert blind.frontier() == story.whole.frontier()
    clear = [clear_of(one) for one in story.entries]
    assert blind.frontier() == frontier(story.space, clear, signing.verify)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_what_is_held_for_the_clock_is_outside_the_frontier(story: Story, data: st.DataObject) -> None:
    order = data.draw(shuffled(story))
    now = data.draw(st.sampled_from(sorted(one.hlc for one in story.entries)))
    early = Space(story.space, FOLDS, story.keys.get)
    early.absorb(story.rows(order), now - AHEAD_US_MAX)
    clear = [clear_of(one) for one in story.entries if one.hlc <= now]
    assert early.frontier() == frontier(story.space, clear, signing.verify)


def test_a_stranger_s_log_drives_no_clock_and_changes_nothing(story: Story) -> None:
    space, key = story.told(list(range(len(story.entries)))), SigningKey.generate()
    genesis = entry.Genesis((), (), story.space, "author", "ed25519", key.public, bytes(32))
    stranger = OwnLog.found(genesis, key, clock_us() + AHEAD_US_MAX // 2).first.entry
    space.absorb([Row(space.pos + 1, stranger.log, 0, stranger.data, b"")], clock_us())
    shown, before = picture(space), picture(story.whole)
    del shown["verdicts"][stranger.id32]
    assert shown == before
