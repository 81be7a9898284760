"""Fixtures that every test may ask for, and how hard property tests look."""

import gc

from tests.support import effort

pytest_plugins = ("tests.support.measuring", "tests.support.postgres", "tests.support.stores")

effort.load()


def pytest_collection_finish() -> None:
    """What was collected stays to the end: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
