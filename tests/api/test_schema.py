"""The schema as clients know it. Made anew by `python -m scmanager.api.schema > tests/api/schema.graphql`."""

import enum
import importlib
import pkgutil
from pathlib import Path

from graphql import build_schema

from scmanager import api
from scmanager.api import cursors
from scmanager.api.bindings import BINDING, Sort
from scmanager.api.schema import served

SNAPSHOT = Path(__file__).parent / "schema.graphql"


def test_the_schema_is_what_clients_were_told() -> None:
    assert SNAPSHOT.read_text("utf-8") == served().text


def test_the_schema_is_one_that_other_tools_read() -> None:
    assert build_schema(served().text).query_type is not None


def test_every_field_of_a_read_model_is_bound_and_every_filter_has_its_condition() -> None:
    catalogue = served().catalogue
    for name in catalogue.tables:
        assert set(catalogue.types[name].fields) == set(catalogue.fields[name])
    for name, entered in served().schema.schema_converter.type_map.items():
        fields = getattr(entered.definition, "fields", ())
        if name.endswith("Filter"):
            assert fields
            assert all(BINDING in each.metadata for each in fields)


def test_every_list_can_be_gone_on_with_by_its_cursors() -> None:
    modules = [importlib.import_module(f"scmanager.api.{each.name}") for each in pkgutil.iter_modules(api.__path__)]
    kinds = [each for module in modules for each in vars(module).values() if isinstance(each, enum.EnumMeta)]
    sorts = [each.value for kind in kinds for each in kind if isinstance(each.value, Sort)]
    assert len(sorts) > 20
    assert {sort.type for sort in sorts} <= cursors._SHAPES.keys()
