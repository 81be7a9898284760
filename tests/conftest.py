"""Fixtures that every test may ask for, and how hard property tests look."""

from tests.support import effort

pytest_plugins = ("tests.support.postgres", "tests.support.stores")

effort.load()
