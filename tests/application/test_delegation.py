"""Only the keepers' manifest lets a log be written: listed, open, with this key, and with one history."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from scmanager.application.delegation import LOOK_S, Delegation, NotDelegated
from scmanager.domain.ledger import Final, LogKind
from scmanager.eventstore.checkpoint import Checkpoint, note_from
from scmanager.eventstore.head_fork import HeadFork
from scmanager.master_ledger.seen import Seen
from tests.support.intake import Site
from tests.support.ledger import Server, first_manifest

SERVER, OTHER = Server("intake", kind=LogKind.INTAKE), Server("other")


class Clock:
    """Seconds, as the test says."""

    now = 100.0

    def __call__(self) -> float:
        return self.now


def site() -> Site:
    made = Site(Path())
    made.list(SERVER.log)
    return made


def why_not(seen: Seen, log: Server = SERVER) -> str:
    with pytest.raises(NotDelegated) as refused:
        Delegation(log.log, lambda: seen, Clock()).check()
    return str(refused.value.facts["reason"])


def test_a_listed_log_is_written() -> None:
    Delegation(SERVER.log, site().seen, Clock()).check()


def test_what_no_keeper_has_listed_is_not() -> None:
    assert why_not(Seen(bytes(32))) == "no key manifest of the ledger is known"
    assert why_not(site().seen(), OTHER) == "key manifest 1 does not list this log"


def test_nor_is_a_log_with_another_key_or_of_another_space() -> None:
    for changed in ({"key": bytes(32)}, {"space": bytes(32)}):
        with pytest.raises(NotDelegated):
            Delegation(replace(SERVER.log, **changed), site().seen, Clock()).check()


def test_nor_is_a_log_that_the_keepers_listed_for_statements() -> None:
    made = Site(Path())
    made.list(Server("intake").log)
    assert why_not(made.seen()) == "key manifest 1 lists this log for statements, not for reports"


def test_a_closed_log_takes_nothing_more_once_that_is_seen() -> None:
    made, clock = site(), Clock()
    delegation = Delegation(SERVER.log, made.seen, clock)
    delegation.check()
    made.list(SERVER.log, Final(1, bytes(32)))
    delegation.check()
    clock.now += LOOK_S
    with pytest.raises(NotDelegated, match="has closed this log"):
        delegation.check()


def test_a_log_that_was_seen_with_two_histories_is_not_written() -> None:
    made = site()
    other = Checkpoint(SERVER.origin, SERVER.head().size, bytes(32))
    lie = note_from(other, SERVER.key.sign(other.text().encode()), SERVER.key.public)
    fork = HeadFork.make(SERVER.key.public, SERVER.note(witnesses=()), lie, other.root, ())
    assert why_not(replace(made.seen(), forks=(fork,))) == "this log was seen with two histories"


def test_manifests_that_do_not_hold_delegate_nothing() -> None:
    made = site()
    forged = replace(made.manifests[0], signatures=first_manifest(OTHER).signatures)
    assert "signature-forged" in why_not(Seen(made.seen().ledger, (forged,)))
