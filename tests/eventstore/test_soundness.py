"""What a store compares when it opens: a head that does not fit its entries is found, whatever of it is wrong."""

from typing import Any

import pytest
from msgspec.structs import replace

from scmanager.eventstore.soundness import End, check_count, check_end
from scmanager.eventstore.store import StoreDamaged
from tests.eventstore.test_branches import FIRST, ONE
from tests.golden.logs import some

HEAD = ONE.head
SOUND = End(
    log=HEAD.log,
    space=HEAD.space,
    public=HEAD.public,
    first=FIRST.sealed[0].entry.data,
    branch=7,
    size=HEAD.size,
    id=HEAD.id,
    hlc=HEAD.hlc,
    tree=HEAD.tree,
    data=ONE.sealed[-1].entry.data,
    note_size=HEAD.size,
    root=ONE.root,
)


def test_a_head_that_fits_its_entries_is_sound() -> None:
    check_end(SOUND)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("log", some("another log")),
        ("space", some("another space")),
        ("public", some("another key")),
        ("first", None),
        ("first", b"noise"),
        ("first", ONE.sealed[0].entry.data),
        ("size", HEAD.size + 1),
        ("id", FIRST.head.id),
        ("hlc", HEAD.hlc + 1),
        ("tree", FIRST.head.tree),
        ("tree", b"noise"),
        ("tree", None),
        ("data", None),
        ("data", ONE.sealed[0].entry.data),
        ("note_size", None),
        ("note_size", HEAD.size - 1),
        ("root", None),
        ("root", FIRST.root),
    ],
)
def test_a_head_that_does_not_is_named(field: str, value: Any) -> None:
    with pytest.raises(StoreDamaged) as damaged:
        check_end(replace(SOUND, **{field: value}))
    log = value if field == "log" else HEAD.log
    assert damaged.value.facts["reason"] == f"head 7 of log {log.hex()[:16]} does not match its entries"


def test_a_head_whose_log_is_no_id_at_all_is_named_as_well_as_can_be() -> None:
    log: Any = "text, in a column that was damaged"
    with pytest.raises(StoreDamaged) as damaged:
        check_end(replace(SOUND, log=log))
    assert damaged.value.facts["reason"] == "head 7 of log ? does not match its entries"


@pytest.mark.parametrize(("last_pos", "newest", "counted"), [(5, 5, 4), (5, 4, 5), (4, 5, 5)])
def test_heads_account_for_every_entry(last_pos: int, newest: int, counted: int) -> None:
    check_count(5, 5, 5)
    with pytest.raises(StoreDamaged) as damaged:
        check_count(last_pos, newest, counted)
    facts = f"its last position is {last_pos}, the newest entry's {newest}, and its heads count {counted}"
    assert damaged.value.facts["reason"] == facts
