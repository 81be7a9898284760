"""The schema as clients know it. Made anew by `python -m scmanager.api.schema > tests/api/schema.graphql`."""

from pathlib import Path

from graphql import build_schema

from scmanager.api.bindings import BINDING
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
