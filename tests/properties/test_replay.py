"""A space as of then is what a store said that held no more than that, by every way to name the point."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.domain.catalogue import FOLDS
from scmanager.eventstore.sqlite import SqliteStore
from scmanager.runtime import Node, clock_us
from scmanager.spaces.explaining import names_of, of_field, reads_of, steps
from scmanager.spaces.frontiers import find_frontier, frontiers
from scmanager.spaces.opening import parse_row
from scmanager.spaces.replay import by_past, by_position, by_time, hlc_of, past_of, rows_of
from scmanager.spaces.shelf import Shelf
from scmanager.spaces.space import Space
from scmanager.spaces.state_digest import KINDS, state_digest
from tests.properties.test_space import picture
from tests.support.replays import Story, past, write

FEW = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    return write(tmp_path_factory.mktemp("replay"))


@pytest.fixture(scope="module")
def node(story: Story) -> Iterator[Node]:
    opened = story.machine.open()
    yield opened
    opened.close()


def told(space: Space) -> dict[str, object]:
    """All but what is erased by now, which an earlier state hides as well."""
    return picture(space) | {"digest": state_digest(space)}


def fresh(node: Node, story: Story, count: int) -> Space:
    """A space that never saw more than so many entries."""
    space = Space(story.space, FOLDS, lambda key: node.vault.get(key), node.vault.subjects)
    rows = [row for row in node.store.tail(0, 10_000) if row.pos <= count]
    space.absorb(rows, clock_us())
    return space


def test_the_story_has_what_it_should(node: Node, story: Story) -> None:
    space = node.shelf.space(story.space)
    assert space.forks()
    assert {str(each.reason) for each in space.verdicts.entries.values() if not each.valid} == {"cut-by-removal"}
    assert space.erased_keys()


def test_a_replay_of_everything_is_what_the_node_holds(node: Node, story: Story) -> None:
    with past(node) as shelf:
        assert told(shelf.space(story.space)) == told(node.shelf.space(story.space))


def test_a_replay_at_a_position_is_what_the_store_of_then_says(node: Node, story: Story) -> None:
    for copy in story.copies:
        with past(node, by_position(copy.last)) as shelf:
            replayed = told(shelf.space(story.space))
        store = SqliteStore(copy.path)
        then = Shelf(store, FOLDS, lambda key: node.vault.get(key), clock_us, node.vault.subjects)
        then.follow()
        assert replayed == told(then.space(story.space)), copy.last
        store.close()


@FEW
@given(data=st.data())
def test_a_replay_at_any_position_is_what_its_first_entries_say(
    node: Node, story: Story, data: st.DataObject
) -> None:
    count = data.draw(st.integers(1, node.store.last_pos()))
    with past(node, by_position(count)) as shelf:
        assert told(shelf.space(story.space)) == told(fresh(node, story, count))


@FEW
@given(data=st.data())
def test_a_replay_at_a_moment_holds_what_is_dated_up_to_it(node: Node, story: Story, data: st.DataObject) -> None:
    rows = list(rows_of(node.store, story.space, node.store.last_pos()))
    moment = data.draw(st.sampled_from(sorted({hlc_of(row) for row in rows})))
    with past(node, by_time(moment)) as shelf:
        space = shelf.space(story.space)
    assert {each.entry.id32 for each in space.entries()} == {
        parse_row(row).id32 for row in rows if hlc_of(row) <= moment
    }
    assert space.hlc <= moment


@FEW
@given(data=st.data())
def test_a_replay_at_an_entry_holds_what_its_author_had_seen(node: Node, story: Story, data: st.DataObject) -> None:
    rows = list(rows_of(node.store, story.space, node.store.last_pos()))
    one = parse_row(data.draw(st.sampled_from(rows)))
    (moment,) = past_of(rows, one.id.hex())
    with past(node, by_past(moment.past)) as shelf:
        space = shelf.space(story.space)
    entries = {each.entry.id32: each.entry for each in space.entries()}
    assert one.id32 in entries
    named = {dep.id for each in entries.values() for dep in each.deps}
    named |= {each.prev[:32] for each in entries.values() if each.seq}
    assert named <= entries.keys()
    reached = named | {one.id32}
    assert {head.id for log in {each.log for each in entries.values()} for head in space.heads(log)} <= reached


def test_the_frontier_at_each_position_is_that_of_the_replay_there(node: Node, story: Story) -> None:
    rows = list(rows_of(node.store, story.space, node.store.last_pos()))
    for row, frontier in frontiers(story.space, rows):
        if row.pos % 5 == 0 or row.pos == rows[-1].pos:
            with past(node, by_position(row.pos)) as shelf:
                assert shelf.space(story.space).frontier() == frontier, row.pos
            found = find_frontier(story.space, rows, frontier.hex()[:16])
            assert found is not None
            assert found[1] == frontier


def test_a_digest_says_every_change_of_the_state(node: Node, story: Story) -> None:
    seen = []
    for copy in story.copies:
        with past(node, by_position(copy.last)) as shelf:
            seen.append(state_digest(shelf.space(story.space)))
    assert len(set(seen)) == len(seen)


def test_what_is_erased_by_now_is_hidden_in_every_earlier_state(node: Node, story: Story) -> None:
    before = story.copies[-2].last
    with past(node, by_position(before)) as shelf:
        assert not shelf.space(story.space).erased_keys()
        shelf.hide(node.shelf.spaces())
        assert shelf.space(story.space).erased_keys() == node.shelf.space(story.space).erased_keys()


def test_the_steps_of_every_thing_lead_from_nothing_to_what_it_is(node: Node, story: Story) -> None:
    space = node.shelf.space(story.space)
    for fold in KINDS:
        for entity, state in space.things(fold):
            history = steps(space, fold, entity)
            assert history[0].before == fold.empty
            assert all(one.after == other.before for one, other in pairwise(history))
            assert history[-1].after == state
            assert all(step.before == step.after for step in history if not step.counts)
            for name in names_of(type(state)):
                chosen = of_field(history, fold, name)
                value = reads_of(fold, name)
                last = chosen[-1].after if chosen else fold.empty
                assert value(last) == value(state), (fold.name, name)
    said = [each for each in space.entries() if each.shared and not space.verdict(each.entry.id32).valid]
    assert said
    for each in said:
        assert each.shared is not None
        fold = FOLDS[each.shared.type]
        assert [one.verdict for one in steps(space, fold, each.shared.entity) if one.opened is each]
