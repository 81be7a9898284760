"""The bytes of every event version: no release may change them, or drop a version that another release wrote."""

import json
from typing import Any

import msgspec
import pytest

from scmanager.domain.event import CATALOGUE
from tests.golden import event_cases, make

FILES = {path.name: json.loads(path.read_text(encoding="ascii")) for path in sorted(make.EVENTS.glob("*.json"))}
GOLDEN: dict[str, dict[str, str]] = {tag: found for file in FILES.values() for tag, found in file.items()}
CLASSES = event_cases.classes()


def test_every_event_there_is_has_golden_bytes_and_none_was_dropped() -> None:
    assert set(GOLDEN) == set(CLASSES), "write a new version's bytes with `python -m tests.golden.make`; drop none"
    assert {tag for tag, kind in CATALOGUE.items() if kind.__module__.startswith("scmanager.")} <= set(GOLDEN)


@pytest.mark.parametrize("tag", GOLDEN)
def test_golden_bytes_read_and_are_written_again_as_they_were(tag: str) -> None:
    for name, payload in GOLDEN[tag].items():
        event = msgspec.json.decode(payload, type=CLASSES[tag])
        assert msgspec.json.encode(event) == payload.encode(), name


def test_making_the_events_again_gives_the_committed_bytes() -> None:
    committed = {path.name: path.read_text(encoding="ascii") for path in make.EVENTS.glob("*.json")}
    assert committed == make.every_event()


@pytest.mark.parametrize("tag", GOLDEN)
def test_every_field_and_every_word_of_an_event_is_in_some_golden_case(tag: str) -> None:
    written = [msgspec.json.decode(payload) for payload in GOLDEN[tag].values()]
    fields: dict[str, Any] = {field.name: field for field in msgspec.structs.fields(CLASSES[tag])}
    assert {name for each in written for name in each} == set(fields)
    for name, field in fields.items():
        seen = {each.get(name, field.default) for each in written if not isinstance(each.get(name), dict | list)}
        assert {str(word) for word in event_cases.choices(field.type)} <= {str(word) for word in seen}, name
