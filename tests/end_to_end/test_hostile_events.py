"""What a member's own machine may sign, and what everybody else makes of it: void with a reason, and life goes on."""

from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scmanager.domain.catalogue import MEMBERS, ORGANISATIONS
from scmanager.domain.records import Reason
from scmanager.eventstore.content import Shared, encode
from scmanager.eventstore.own_log import Draft, OwnLog, Secret
from scmanager.eventstore.signing import SigningKey
from scmanager.runtime import Node
from tests.support.effort import examples
from tests.support.machines import Machine, carry, found, let_in, officer_role

HOSTILE = {
    "NUL": b'{"title":"a\\u0000b"}',
    "a huge integer": b'{"n":%d}' % 2**70,
    "2^53": b'{"n":%d}' % 2**53,
    "a float": b'{"n":1.5}',
    "a duplicate key": b'{"n":1,"n":2}',
    "a space": b'{"n": 1}',
    "an escape": b'{"n":"\\u0041"}',
    "60,000 brackets": b"[" * 60_000,
    "60,000 brackets in a payload": b'{"n":' + b"[" * 30_000 + b"]" * 30_000 + b"}",
    "undecodable bytes": b'{"n":"\xff\xfe"}',
    "a lone surrogate": b'{"n":"\\ud800"}',
    "not an object": b"[]",
    "nothing": b"",
}


def slip_in(node: Node, space: bytes, shared: bytes) -> bytes:
    """Sign any bytes as part 0 at the end of this machine's own log; the entry's id32."""
    log_id = node.writer.seat_log(space)
    assert log_id is not None
    head = next(each for each in node.store.heads(space) if each.log == log_id)
    seed = node.vault.log_seed(log_id)
    assert seed is not None
    log = OwnLog(head, SigningKey(seed))
    key_id = node.vault.keys_of(space)[0]
    key = node.vault.get(key_id)
    assert key is not None
    sealed = log.add(Draft(shared, Secret(key_id, key)), max(node.now_us(), head.hlc + 1))
    node.store.append(log.commit())
    node.shelf.follow()
    node.writer.forget_seats()
    return sealed.entry.id32


def enveloped(node: Node, space: bytes, kind: str, payload: bytes) -> bytes:
    """A part 0 around any payload, by the grant this machine acts by."""
    log = node.writer.seat_log(space)
    grant = next(each.grant for each in node.shelf.space(space).grants() if log in each.levels)
    shared = Shared(kind, grant.id, bytes(16), b"", space[:16], (), msgspec.Raw(b"{}"))
    return encode(shared)[:-3] + payload + b"}"


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.slow
def test_a_malformed_part_is_void_everywhere_and_later_events_count(name: str, tmp_path: Path) -> None:
    with Machine(tmp_path, "ada").open() as host, Machine(tmp_path, "bob").open() as guest:
        space = found(host)
        let_in(host, guest, space, officer_role(host, space), tmp_path)
        bad = slip_in(guest, space, enveloped(guest, space, "organisation.renamed/1", HOSTILE[name]))
        guest.do("member.record", space, {"handle": "after"})
        carry(guest, host, space, tmp_path)
        for node in (host, guest):
            held = node.shelf.space(space)
            assert held.verdict(bad).reason is Reason.MALFORMED
            assert held.state(ORGANISATIONS, space[:16]).title == "Nova"
            assert len(list(held.things(MEMBERS))) == 3
        assert host.do("member.record", space, {"handle": "here too"})["member"]


def test_an_unknown_type_folds_to_nothing_and_is_reported(tmp_path: Path) -> None:
    with Machine(tmp_path, "ada").open() as node:
        space = found(node)
        odd = slip_in(node, space, enveloped(node, space, "karaoke.sung/1", b"{}"))
        assert node.shelf.space(space).verdict(odd).reason is Reason.UNKNOWN_TYPE
        node.do("organisation.rename", space, {"title": "Still writing"})


def test_unknown_governance_makes_this_release_stop_writing_and_say_update(tmp_path: Path) -> None:
    from scmanager.application.desk import UpdateNeeded

    with Machine(tmp_path, "ada").open() as node:
        space = found(node)
        slip_in(node, space, enveloped(node, space, "governance.crowned/1", b"{}"))
        with pytest.raises(UpdateNeeded):
            node.do("organisation.rename", space, {"title": "No"})
        assert node.shelf.space(space).state(ORGANISATIONS, space[:16]).title == "Nova"


def test_a_payload_that_does_not_fit_its_type_changes_nothing(tmp_path: Path) -> None:
    with Machine(tmp_path, "ada").open() as node:
        space = found(node)
        odd = slip_in(node, space, enveloped(node, space, "organisation.renamed/1", b'{"title":7}'))
        held = node.shelf.space(space)
        assert held.verdict(odd).valid
        assert held.state(ORGANISATIONS, space[:16]).title == "Nova"


@settings(max_examples=examples(25), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(noise=st.lists(st.binary(max_size=200), min_size=1, max_size=8))
def test_noise_never_stops_a_node(noise: list[bytes], tmp_path_factory: pytest.TempPathFactory) -> None:
    with Machine(tmp_path_factory.mktemp("noise"), "ada").open() as node:
        space = found(node)
        odd = [slip_in(node, space, each) for each in noise]
        held = node.shelf.space(space)
        assert not any(held.verdict(each).valid for each in odd)
        node.do("organisation.rename", space, {"title": "Unmoved"})
        assert held.state(ORGANISATIONS, space[:16]).title == "Unmoved"
