"""What lies at home of the ledger counts as far as it was followed; what contradicts that is evidence."""

from pathlib import Path

import msgspec
import pytest

from scmanager.adapters.ledger_source import from_folder
from scmanager.application.home_ledger import Compared, HomeLog, checked, compared, home_logs, registry_of
from scmanager.application.published import Head, Published
from scmanager.domain.ledger import AuditStatus, Final, Plugin
from scmanager.eventstore.memory import MemoryStore
from scmanager.master_ledger import submission
from scmanager.master_ledger.seen import Seen, with_head
from scmanager.master_ledger.statement import manifest_hash
from tests.golden.logs import some
from tests.support.ledger import NOW_S, POLICY, RELEASE, Server, plugin
from tests.support.ledger_server import Ledger

LOG = Server().log


class Both:
    """The ledger as it is, in which the plugin was blocked, and as the thief of its log's key goes on before that."""

    def __init__(self, folder: Path) -> None:
        self.true, self.fork = Ledger(MemoryStore(), folder / "true"), Ledger(MemoryStore(), folder / "fork")
        self.id = manifest_hash(self.true.first.statement)
        self.passed = plugin(self.id)
        for each in (self.true, self.fork):
            each.say(self.true.first, self.said(self.passed))
        self.common = self.true.server.head().size
        self.true.say(self.said(plugin(self.id, audit_status=AuditStatus.BLOCKED, updated_at=NOW_S + 60)))

    def said(self, what: Plugin) -> submission.Submission:
        return submission.make(what, [RELEASE])

    def seen(self, *sizes: int) -> Seen:
        seen = Seen(self.id).with_manifests([self.true.first])
        for size in sizes:
            seen = with_head(seen, self.true.server.note(size), seen.keys(), POLICY).seen
        return seen

    def shown(self) -> Head:
        self.true.publish()
        return Published(from_folder(self.true.public)).head()


@pytest.fixture
def both(tmp_path: Path) -> Both:
    return Both(tmp_path)


UNSEEN = Seen(bytes(32))


def at_home(ledger: Ledger) -> list[HomeLog]:
    return home_logs(ledger.store, [LOG], UNSEEN)


def is_forked(found: Compared) -> bool:
    fork = found.seen.fork_of(LOG)
    if fork is not None:
        fork.verify(LOG.key)
    return fork is not None and LOG.log not in found.known


def test_nothing_is_known_of_what_is_not_here_or_was_never_followed(both: Both) -> None:
    assert home_logs(MemoryStore(), [LOG], UNSEEN) == []
    assert compared(both.seen(), at_home(both.true)) == Compared(both.seen(), {LOG.log: 0})


@pytest.mark.parametrize("sizes", [(1,), (1, 3), (4,), (2, 4, 3)])
def test_as_much_is_known_as_was_followed(both: Both, sizes: tuple[int, ...]) -> None:
    seen = both.seen(*sizes)
    assert compared(seen, at_home(both.true)) == Compared(seen, {LOG.log: max(sizes)})


def test_what_came_beyond_takes_back_and_lets_nothing_pass(both: Both) -> None:
    both.true.say(both.said(both.passed))  # The key of the log is enough for that.
    homes, keys, size = at_home(both.true), both.seen().keys(), both.common
    upto_the_pass = registry_of(homes, keys, {LOG.log: size})
    upto_the_block = registry_of(homes, keys, {LOG.log: size + 1})
    assert upto_the_pass.taken_back(both.passed) is None
    assert upto_the_block.taken_back(both.passed) is not None
    assert registry_of(homes, keys).taken_back(both.passed) is not None, "an old word said again is no newer one"


def test_entries_without_their_words_are_not_known(both: Both) -> None:
    (home,) = at_home(both.true)
    assert (home.whole, len(home.leaves)) == (4, 4)
    lacking = msgspec.structs.replace(home, whole=2)
    assert compared(both.seen(4), [lacking]).known == {LOG.log: 2}


@pytest.mark.parametrize("more", [1, 2, 9])
def test_a_longer_copy_that_left_what_was_followed_is_evidence_against_the_log(both: Both, more: int) -> None:
    both.fork.say(*[both.said(plugin(both.id, version=f"0.5.{n}")) for n in range(more)])
    found = compared(both.seen(both.common, 4), at_home(both.fork))
    assert is_forked(found)
    assert compared(found.seen, at_home(both.true)).known == {}, "nothing in that log counts"


def test_a_shorter_one_is_noticed_by_the_tree_of_a_source(both: Both) -> None:
    both.fork.say(both.said(plugin(both.id, version="0.5.0")))
    both.true.say(*[both.said(plugin(both.id, version=f"0.6.{n}")) for n in range(3)])
    seen, shown = both.seen(both.common, 7), both.shown()
    assert compared(seen, at_home(both.fork)) == Compared(seen, {LOG.log: both.common}), "no hashes to compare by"
    assert is_forked(compared(seen, at_home(both.fork), shown))
    assert compared(both.seen(1), at_home(both.true), shown).known == {LOG.log: 7}


def test_a_source_that_lags_behind_has_to_agree_with_what_lies_here(both: Both) -> None:
    shown = both.shown()
    both.fork.say(both.said(plugin(both.id, version="0.5.0")))
    both.true.say(*[both.said(plugin(both.id, version=f"0.6.{n}")) for n in range(3)])
    both.fork.publish()
    lagging = Published(from_folder(both.fork.public)).head()
    seen = both.seen(7)
    assert compared(seen, at_home(both.true), shown) == Compared(seen, {LOG.log: 7})
    assert is_forked(compared(seen, at_home(both.true), lagging))


def test_of_a_closed_log_the_end_that_the_keepers_state_is_compared(both: Both) -> None:
    both.fork.say(both.said(plugin(both.id, version="0.5.0")))
    head = both.true.server.head(4)
    closed = msgspec.structs.replace(LOG, final=Final(head.size, head.root))
    assert compared(both.seen(), home_logs(both.true.store, [closed], UNSEEN)).known == {LOG.log: 4}
    outcome = checked(both.seen(), home_logs(both.fork.store, [closed], UNSEEN))
    assert outcome.seen == both.seen()
    assert outcome.problem is not None
    assert outcome.problem.code == "ledger-copy-differs"
    assert checked(both.seen(4), at_home(both.true)).problem is None


def test_who_does_not_hold_the_listed_key_accuses_nobody(both: Both) -> None:
    both.fork.say(both.said(plugin(both.id, version="0.5.0")))
    (home,) = at_home(both.fork)
    foreign = msgspec.structs.replace(home, log=msgspec.structs.replace(LOG, key=some("key")))
    found = compared(both.seen(4), [foreign])
    assert (found.known, found.seen.forks) == ({}, ())


def test_what_a_thief_signed_before_a_log_was_closed_makes_no_honest_copy_unknown(both: Both) -> None:
    both.fork.say(both.said(plugin(both.id, version="0.5.0")), both.said(plugin(both.id, version="0.5.1")))
    seen, head = both.seen(), both.true.server.head(4)
    for size in (4, 5):
        seen = with_head(seen, both.fork.server.note(size), seen.keys(), POLICY).seen
    closed = msgspec.structs.replace(LOG, final=Final(head.size, head.root))
    assert compared(seen, home_logs(both.true.store, [closed], UNSEEN)).known == {LOG.log: 4}
    assert compared(seen, home_logs(both.fork.store, [closed], UNSEEN)).known == {}
    later = msgspec.structs.replace(LOG, final=Final(9, some("root")))
    assert compared(seen, home_logs(both.true.store, [later], UNSEEN)).known == {LOG.log: 0}, (
        "which of the two nobody knows"
    )


@pytest.mark.parametrize("thief_first", [True, False])
def test_of_two_histories_of_a_closed_log_the_one_that_ends_as_stated_or_was_followed_counts(
    both: Both, thief_first: bool
) -> None:
    both.fork.say(both.said(plugin(both.id, version="0.5.0")), both.said(plugin(both.id, version="0.5.1")))
    store, head = MemoryStore(), both.true.server.head(4)
    for each in (both.fork, both.true) if thief_first else (both.true, both.fork):
        store.admit(each.server.run())
    closed = msgspec.structs.replace(LOG, final=Final(head.size, head.root))
    lagging = msgspec.structs.replace(LOG, final=Final(9, some("root")))
    for log, seen in ((closed, UNSEEN), (lagging, both.seen(4))):
        homes = home_logs(store, [log], seen)
        assert [each.leaves for each in homes] == [tuple(both.true.server.leaves)]
        known = compared(both.seen(4), homes).known
        assert known == {LOG.log: 4}
        assert registry_of(homes, both.seen().keys(), known).taken_back(both.passed) is not None
