"""Fixtures that every test may ask for, and how hard property tests look."""

import gc
import os

from hypothesis import settings

from tests.support import effort

settings.register_profile("quick", deadline=None, max_examples=30, derandomize=bool(os.environ.get("CI")))
settings.register_profile("thorough", deadline=None, max_examples=500)
settings.load_profile("thorough" if os.environ.get("SCM_THOROUGH") == "1" else "quick")

pytest_plugins = ("tests.support.postgres", "tests.support.stores")

effort.load()


def pytest_collection_finish() -> None:
    """What was collected stays to the end: the garbage collector need not look through it again and again."""
    gc.collect()
    gc.freeze()
