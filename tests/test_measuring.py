"""Coverage looks at the first examples of a property only, and at everything after it."""

import contextlib
import sys
from types import SimpleNamespace

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support.measuring import FOLLOWED, pytest_runtest_call


def test_the_first_examples_of_a_property_are_followed_and_whatever_runs_after_it() -> None:
    seen: list[bool] = []

    @settings(max_examples=FOLLOWED + 15)
    @given(st.integers())
    def whatever(_: int) -> None:
        seen.append(sys.gettrace() is not None)

    inner, before = whatever.hypothesis.inner_test, sys.gettrace()
    if before is None:
        sys.settrace(lambda *_: None)
    around = pytest_runtest_call(SimpleNamespace(obj=whatever))  # type: ignore[arg-type] # all that it looks at
    try:
        next(around)
        whatever()
        with contextlib.suppress(StopIteration):
            around.send(None)
        followed_again = sys.gettrace() is not None
    finally:
        sys.settrace(before)
    assert seen[:FOLLOWED] == [True] * FOLLOWED
    assert len(seen) > FOLLOWED
    assert not any(seen[FOLLOWED:])
    assert followed_again
    assert whatever.hypothesis.inner_test is inner
