"""What is measured of a property: coverage follows its first examples, the others run at their own speed.

An interpreter that is traced takes two to three times as long. What a property runs through it runs through early:
the rest of its examples look for values that break it, not for lines. Coverage so told can only be lower than it is.
"""

import contextlib
import functools
import sys
from collections.abc import Generator, Iterator
from typing import Any

import pytest

FOLLOWED = 5
"""Examples of each property that coverage sees."""


@contextlib.contextmanager
def unfollowed() -> Iterator[None]:
    """Inside, coverage looks away: for what does very often what is done elsewhere too."""
    tracer = sys.gettrace()
    sys.settrace(None)
    try:
        yield
    finally:
        sys.settrace(tracer)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Generator[None, Any, Any]:
    """Around each test: where it is a property and something traces, that looks away after the first examples."""
    tracer, stated = sys.gettrace(), getattr(getattr(item, "obj", None), "hypothesis", None)
    if tracer is None or stated is None:
        return (yield)
    inner, drawn = stated.inner_test, 0

    @functools.wraps(inner)
    def counted(*values: Any, **named: Any) -> Any:
        nonlocal drawn
        drawn += 1
        if drawn == FOLLOWED + 1:
            sys.settrace(None)
        return inner(*values, **named)

    stated.inner_test = counted
    try:
        return (yield)
    finally:
        stated.inner_test = inner
        sys.settrace(tracer)
