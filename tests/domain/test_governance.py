"""The shapes of governance events, the table of rights, and who may erase."""

import msgspec
import pytest

from scmanager.domain import governance
from scmanager.domain.event import CATALOGUE, Event
from scmanager.domain.governance import (
    Enrolled,
    Erased,
    Granted,
    Heads,
    Kept,
    Removed,
    asks_at_once,
    may_erase,
    needs,
)
from scmanager.domain.prose import prose_of
from scmanager.domain.records import Reason
from tests.support.world import World, falls, member_id, public, stand

ANN, BOB = member_id("ann"), member_id("bob")


def test_a_grant_keeps_its_bytes() -> None:
    """Golden: the payload of member.granted/1."""
    grant = Granted(b"m" * 16, b"l" * 32, b"d" * 32, b"b" * 32, 1, rights=("note.write",))
    assert msgspec.json.encode(grant) == (
        b'{"member":"bW1tbW1tbW1tbW1tbW1tbQ==","log":"bGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGxsbGw=",'
        b'"device":"ZGRkZGRkZGRkZGRkZGRkZGRkZGRkZGRkZGRkZGRkZGQ=",'
        b'"box":"YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI=","rank":1,"rights":["note.write"]}'
    )


def test_rows_of_a_cut_are_written_as_lists() -> None:
    removed = Removed(b"g" * 32, (Kept(b"l" * 32, 7, b"h" * 32),))
    wire = msgspec.json.encode(removed)
    assert b',7,"' in wire
    assert msgspec.json.decode(wire, type=Removed) == removed


@pytest.mark.parametrize(
    ("event", "field", "value"),
    [
        (Granted(b"m" * 16, b"l" * 32, b"d" * 32, b"b" * 32, 1), "member", "AAAA"),
        (Granted(b"m" * 16, b"l" * 32, b"d" * 32, b"b" * 32, 1), "rank", -1),
        (Granted(b"m" * 16, b"l" * 32, b"d" * 32, b"b" * 32, 1), "rank", 2**53),
        (Granted(b"m" * 16, b"l" * 32, b"d" * 32, b"b" * 32, 1), "rights", ["x" * 65]),
        (Enrolled(b"l" * 32, b"d" * 32, b"b" * 32), "device", "AAAA"),
        (Removed(b"g" * 32), "grant", "AAAA"),
        (Erased(b"s" * 16, (), "request"), "ground", "x" * 33),
        (Heads(), "extra", 1),
    ],
)
def test_a_payload_out_of_bounds_does_not_decode(event: Event, field: str, value: object) -> None:
    wire = msgspec.to_builtins(event) | {field: value}
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wire, type(event))


def test_every_governance_event_is_in_the_catalogue_and_has_its_right() -> None:
    for tag in governance.RIGHTS:
        if governance.is_governance(tag):
            assert tag in CATALOGUE
    assert needs("member.granted/1") == "member.grant"
    assert needs("device.enrolled/1") is needs("log.continued/1") is needs("device.cut/1") is needs("heads/1") is None
    with pytest.raises(KeyError):
        needs("never.heard/1")


def test_a_type_has_one_right_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(governance, "RIGHTS", {})
    governance.register("member.grant", Granted)
    governance.register("member.grant", Granted)
    assert governance.RIGHTS == {"member.granted/1": "member.grant"}
    with pytest.raises(TypeError, match=r"^member\.granted/1 already needs member\.grant$"):
        governance.register("something.else", Granted)


def test_what_keys_sign_for_a_log_that_goes_on_is_what_the_design_writes_down() -> None:
    space, old, new = b"s" * 32, b"o" * 32, b"n" * 32
    assert governance.continuation_message(space, new) == b"scm/continue/1\n" + space + new
    assert governance.succession_message(space, old, new) == b"scm/continues/1\n" + space + old + new


def test_only_types_that_could_change_verdicts_look_like_governance() -> None:
    assert governance.is_governance("member.granted/2")
    assert governance.is_governance("grant.lent/1")
    assert not governance.is_governance("member.renamed/1")
    assert not governance.is_governance("operation.planned/1")


def test_erasure_counts_from_the_subjects_own_logs_and_from_the_two_highest_ranks() -> None:
    """F14, DESIGN 3, erasure."""
    prose = prose_of(member_id("the founder"))
    assert may_erase(ANN, 7, ANN, prose)
    assert may_erase(BOB, 0, ANN, prose)
    assert may_erase(BOB, 1, ANN, prose)
    assert not may_erase(BOB, 2, ANN, prose)


def test_nobody_erases_the_prose_of_an_organisation_not_even_whoever_was_let_in_under_its_id() -> None:
    prose = prose_of(member_id("the founder"))
    assert not may_erase(BOB, 0, prose, prose)
    assert not may_erase(prose, 7, prose, prose)


def test_only_the_subject_may_hurry_an_erasure() -> None:
    """Second reading: erasing at once by rank 1 would bring the rogue officer back."""
    now = Erased(ANN, (public("k"),), governance.AT_ONCE)
    assert asks_at_once(ANN, now)
    assert not asks_at_once(BOB, now)
    assert not asks_at_once(ANN, Erased(ANN, (), "request"))


def test_a_rogue_officers_erasures_are_void_and_a_deputys_are_taken_back_by_his_removal() -> None:
    """F14: hide at once, shred after seven days if it still stands."""
    world = World()
    ann = world.grant(world.founder, "ann", 3)
    rogue = world.grant(world.founder, "rogue", 2)
    deputy = world.grant(world.founder, "deputy", 1)
    erased = Erased(ANN, (public("k"),), "request")
    own = world.write(ann.log, ann.grant, erased)
    by_rogue = world.write(rogue.log, rogue.grant, erased)
    by_deputy = world.write(deputy.log, deputy.grant, erased)
    verdicts = world.judge()
    stand(verdicts, own, by_deputy)
    falls(verdicts, by_rogue, Reason.MAY_NOT_ERASE)
    removal = world.remove(world.founder, deputy.grant.id)
    falls(world.judge(), by_deputy, Reason.REMOVED, removal)
