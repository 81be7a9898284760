"""The shape of an error: the program's own functions, and nothing of anybody's."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from scmanager.domain.consent import consent_hash
from scmanager.domain.consent_texts import Purpose
from scmanager.master_ledger.error_shape import UNNAMED, joined, shape_of
from scmanager.master_ledger.reports import ERRORS, FRAMES_MAX, Batch, Frame, parse_batch
from tests.support.effort import examples

NOW = 1_800_000_000


def raised(module: str, function: str, error: BaseException, deep: int = 1) -> BaseException:
    """An error out of a function of any name in a module of any name."""
    space = {"__name__": module, "error": error}
    source = "def f(deep):\n    if deep > 1:\n        f(deep - 1)\n    raise error\n"
    exec(compile(source, "/home/ada/secret.py", "exec"), space)
    f = space["f"]
    f.__code__ = f.__code__.replace(co_name=function)  # type: ignore[attr-defined] # a function
    try:
        f(deep)  # type: ignore[operator] # the same
    except BaseException as found:
        return found
    raise AssertionError


def test_only_the_programs_own_functions_are_named() -> None:
    ours = raised("scmanager.spaces.space", "absorb", KeyError("Vesper"))
    assert shape_of(ours, "1.0.0", NOW).frames == (Frame("scmanager.spaces.space", "absorb"),)
    for module in ("json.decoder", "adas_plugin", "scmanager_of_ada", "scmanager.Ada Lovelace", "__main__"):
        assert shape_of(raised(module, "f", KeyError("Vesper")), "1.0.0", NOW).frames == ()
    assert shape_of(raised("scmanager.cli", "told to vesper", KeyError()), "1.0.0", NOW).frames == ()


def test_of_many_functions_the_nearest_to_the_error_are_named() -> None:
    deep = raised("scmanager.cli", "f", KeyError(), FRAMES_MAX + 5)
    assert len(shape_of(deep, "1.0.0", NOW).frames) == FRAMES_MAX


@given(st.text(max_size=60), st.text(max_size=60), st.text(max_size=60))
@settings(max_examples=examples(200))
def test_whatever_is_raised_wherever_its_shape_can_be_sent(module: str, function: str, name: str) -> None:
    kind = type("E", (Exception,), {})
    kind.__name__ = name.replace("\0", "").encode("utf-8", "replace").decode()
    shape = shape_of(raised(module, function or "f", kind("Vesper")), "1.0.0", NOW)
    batch = Batch(bytes(16), consent_hash(Purpose.ERROR_REPORTS, 1), (shape,))
    assert parse_batch(ERRORS, msgspec.json.encode(batch)) == batch
    assert shape.error == name or shape.error == UNNAMED


def test_two_of_one_shape_are_one_from_the_first_to_the_last() -> None:
    early, late = (shape_of(KeyError(), "1.0.0", at) for at in (5, 9))
    both = joined(late, early)
    assert (both.count, both.first_s, both.last_s) == (2, 5, 9)
