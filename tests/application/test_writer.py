"""The writer: what is answered is recorded, what is refused leaves no trace, and every future ends."""

import threading
from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from scmanager.application import members, organisations
from scmanager.application.desk import Desk
from scmanager.application.writer import Command, NodeAstray, NodeStopping, Result
from scmanager.domain.catalogue import MEMBERS, ORGANISATIONS
from scmanager.domain.member import Profile
from scmanager.eventstore.entry import parse
from scmanager.eventstore.memory import MemoryStore
from scmanager.eventstore.own_log import Batch
from scmanager.eventstore.store import Also, Outcome, StoreBusy
from tests.support import books as shelves
from tests.support.books import Books, books


class FrailStore(MemoryStore):
    """A store whose next commits fail before, or after, they are durable."""

    before = after = 0

    def append(self, batch: Batch, outcomes: tuple[Outcome, ...] = (), also: Also | None = None) -> int:  # type: ignore[override] # narrower on purpose
        if self.before:
            self.before -= 1
            raise StoreBusy(reason="the disk is full")
        pos = super().append(batch, outcomes, also)
        if self.after:
            self.after -= 1
            raise StoreBusy(reason="the answer was lost")
        return pos


@pytest.fixture
def nova(monkeypatch: pytest.MonkeyPatch) -> Iterator[Books]:
    monkeypatch.setattr(shelves, "MemoryStore", FrailStore)
    with books() as made:
        yield made


def record(handle: str) -> object:
    return lambda desk: members.record(desk, handle=handle)


def command(nova: Books, name: int, act: object) -> Command:
    return Command(bytes([name]) * 16, nova.space, act)  # type: ignore[arg-type]


def gathered(nova: Books, *commands: Command) -> list[Future[Result]]:
    """The futures of commands that meet in one batch: the first waits until all are queued."""
    gate = threading.Event()

    def wait(desk: object) -> Result:
        gate.wait(10)
        return {}

    first = nova.writer.submit(command(nova, 250, wait))
    futures = [nova.writer.submit(each) for each in commands]
    gate.set()
    first.exception(10)
    return futures


def handles(nova: Books) -> int:
    return len(list(nova.shelf.space(nova.space).things(MEMBERS)))


def test_words_that_an_earlier_command_of_the_batch_wrote_are_kept_too(nova: Books) -> None:
    def call(**said: str) -> object:
        return lambda desk: members.change_profile(desk, member_id=desk.me, **said)

    first, second = gathered(
        nova,
        command(nova, 1, call(handle="ada", display_name="Countess")),
        command(nova, 2, call(handle="lovelace")),
    )
    assert first.result(10)
    assert second.result(10)
    told: list[object] = []
    me = nova.shelf.space(nova.space).state(MEMBERS, nova.founder)
    nova.do(lambda desk: told.append(desk.words_in(desk.space, me.profile, Profile)))
    assert told == [Profile("lovelace", "Countess")]


def test_a_commit_that_fails_fails_all_it_held_and_leaves_no_trace(nova: Books) -> None:
    before = nova.store.last_pos()
    nova.store.before = 1  # type: ignore[attr-defined]
    futures = gathered(nova, command(nova, 1, record("grace")), command(nova, 2, record("alan")))
    for each in futures:
        with pytest.raises(StoreBusy):
            each.result(10)
    assert nova.store.last_pos() == before
    assert handles(nova) == 1
    nova.writer.do(command(nova, 1, record("grace")))
    assert handles(nova) == 2


def test_a_commit_whose_answer_was_lost_is_found_again_by_the_command_s_id(nova: Books) -> None:
    nova.store.after = 1  # type: ignore[attr-defined]
    with pytest.raises(StoreBusy):
        nova.writer.do(command(nova, 1, record("grace")))
    assert handles(nova) == 2  # The shelf has followed: nobody decides on less than is recorded.
    assert len(nova.writer.do(command(nova, 1, record("grace")))["member"]) == 32
    assert handles(nova) == 2


def test_a_cancelled_command_neither_runs_nor_harms_the_others(nova: Books) -> None:
    gate = threading.Event()

    def wait(desk: object) -> Result:
        gate.wait(10)
        return {}

    running = nova.writer.submit(command(nova, 1, wait))
    cancelled = nova.writer.submit(command(nova, 2, record("nobody")))
    assert cancelled.cancel()
    after = nova.writer.submit(command(nova, 3, record("grace")))
    gate.set()
    assert not running.result(10).keys() - {"space"}
    after.result(10)
    assert handles(nova) == 2


def test_a_command_that_was_taken_up_cannot_be_cancelled(nova: Books) -> None:
    started, gate = threading.Event(), threading.Event()

    def act(desk: Desk) -> Result:
        started.set()
        gate.wait(10)
        return members.record(desk, handle="grace")

    running = nova.writer.submit(command(nova, 1, act))
    started.wait(10)
    assert not running.cancel()
    gate.set()
    assert running.result(10)["member"]


def test_one_id_in_two_spaces_is_two_commands(nova: Books) -> None:
    from scmanager.eventstore.entry import RecoveryKeys
    from scmanager.eventstore.signing import SigningKey

    founding = shelves.Founding(
        b"f" * 16, "org", SigningKey.generate(), bytes(32), RecoveryKeys(1, (SigningKey.generate().public,)),
        bytes(32), bytes(32), lambda desk: organisations.found(desk, title="Other", handle="ada"),
    )  # fmt: skip
    other = bytes.fromhex(nova.writer.do(founding)["space"])
    rename = lambda desk: organisations.rename(desk, title="Same id")  # noqa: E731
    here, there = gathered(nova, command(nova, 7, rename), Command(bytes([7]) * 16, other, rename))
    assert bytes.fromhex(here.result(10)["space"]) == nova.space
    assert bytes.fromhex(there.result(10)["space"]) == other
    assert nova.shelf.space(other).state(ORGANISATIONS, other[:16]).title == "Same id"


def test_one_command_sent_twice_in_one_batch_is_done_once(nova: Books) -> None:
    before = nova.store.last_pos()
    first, second = gathered(nova, command(nova, 1, record("grace")), command(nova, 1, record("grace")))
    assert first.result(10) == second.result(10)
    assert handles(nova) == 2
    assert nova.store.last_pos() == before + 1


def test_what_follows_a_change_of_the_space_s_key_is_sealed_under_the_new_one(nova: Books) -> None:
    def act(desk: Desk) -> Result:
        organisations.rename(desk, title="Before")
        desk.open_epoch()
        organisations.rename(desk, title="After")
        return {}

    nova.writer.do(command(nova, 1, act))
    before, opening, after = (parse(row.data).parts[0].key for row in nova.store.tail(nova.store.last_pos() - 3, 3))
    assert before != opening == after


def test_an_answer_that_no_store_keeps_refuses_its_command_alone(nova: Books) -> None:
    def odd(desk: Desk) -> Result:
        members.record(desk, handle="nobody")
        return {"odd": object()}

    bad, good = gathered(nova, command(nova, 1, odd), command(nova, 2, record("grace")))
    with pytest.raises(TypeError):
        bad.result(10)
    assert good.result(10)["member"]
    assert handles(nova) == 2


def test_a_refused_command_leaves_no_key_behind(nova: Books) -> None:
    def refused(desk: Desk) -> Result:
        members.record(desk, handle="nobody")
        raise NodeStopping

    before = nova.keys.keys_of(nova.space, None)
    bad, good = gathered(nova, command(nova, 1, refused), command(nova, 2, record("grace")))
    with pytest.raises(NodeStopping):
        bad.result(10)
    good.result(10)
    assert len(nova.keys.keys_of(nova.space, None)) == len(before) + 1


def test_what_is_committed_is_answered_even_if_the_picture_breaks_and_nothing_is_decided_blindly(
    nova: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(rows: object) -> None:
        raise RuntimeError("a fold that is not total")

    monkeypatch.setattr(nova.shelf, "take", broken)
    assert nova.writer.do(command(nova, 1, record("grace")))["member"]
    with pytest.raises(NodeAstray):
        nova.writer.do(command(nova, 2, record("alan")))


def test_every_future_ends_when_the_writer_stops_meanwhile() -> None:
    with books() as nova:
        futures: list[Future[Result]] = []

        def press() -> None:
            futures.extend(nova.writer.submit(Command(b"x" * 16, nova.space, lambda desk: {})) for _ in range(200))

        threads = [threading.Thread(target=press) for _ in range(4)]
        for each in threads:
            each.start()
        nova.writer.stop()
        for each in threads:
            each.join()
        assert all(isinstance(each.exception(5), NodeStopping | None) for each in futures)
