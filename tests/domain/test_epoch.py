"""Epochs: which key is written under from now on."""

from scmanager.domain.epoch import Epochs, evolve
from scmanager.domain.governance import EpochOpened, Heads
from tests.support.scenario import Scenario, Told, entry

story = Scenario(Epochs(), evolve)
given, when, then, then_refused, then_state = story.verbs()

OLD, NEW, SMALL = b"m" * 32, b"n" * 32, b"a" * 32


def test_before_the_first_epoch_there_is_no_key() -> None:
    given()
    assert story.state.writing == b""


def test_an_epoch_takes_the_place_of_those_its_author_knew() -> None:
    given(EpochOpened(OLD), EpochOpened(NEW))
    then_state(newest=((entry(2), NEW),))
    assert story.state.writing == NEW


def test_of_epochs_side_by_side_every_writer_takes_the_same_until_somebody_opens_the_next() -> None:
    given(EpochOpened(OLD), Told(EpochOpened(SMALL), saw=()))
    then_state(newest=((entry(1), OLD), (entry(2), SMALL)))
    assert story.state.writing == SMALL
    given(EpochOpened(OLD), Told(EpochOpened(SMALL), saw=()), EpochOpened(NEW))
    then_state(newest=((entry(3), NEW),))


def test_other_events_open_no_epoch() -> None:
    given(EpochOpened(OLD), Heads())
    then_state(newest=((entry(1), OLD),))
