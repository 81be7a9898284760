"""What folds make of old events stays as it is, unless a release says so by its fold version."""

import pytest

from scmanager.domain.fold import Fold
from scmanager.spaces.state_digest import FOLD_VERSION, KINDS
from tests.golden import folding

HELD = folding.committed()


def test_the_file_is_of_this_fold_version() -> None:
    assert HELD["fold_version"] == FOLD_VERSION, "write the outcomes anew: python -m tests.golden.make"


@pytest.mark.parametrize("number", range(len(HELD["rounds"])), ids=lambda each: HELD["rounds"][each]["kind"])
def test_a_fold_makes_the_same_of_the_same_events(number: int) -> None:
    one = HELD["rounds"][number]
    assert folding.outcome(one["kind"], one["tags"]) == one["states"], (
        "another state of the same events: raise FOLD_VERSION, then python -m tests.golden.make"
    )


@pytest.mark.parametrize("fold", KINDS, ids=lambda each: each.name)
def test_every_type_of_event_is_in_a_round_that_leaves_something(fold: Fold) -> None:
    mine = [one for one in HELD["rounds"] if one["kind"] == fold.name]
    assert {tag for one in mine for tag in one["tags"]} >= set(folding.tags_of(fold)), "python -m tests.golden.make"
    assert all(one["states"][-1] != folding.hash_of(fold, fold.empty) for one in mine)
