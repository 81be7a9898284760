"""A fold: each event type belongs to one kind of thing."""

import pytest

from scmanager.domain.epoch import Epochs, evolve
from scmanager.domain.fold import Fold, by_tag
from scmanager.domain.governance import EpochOpened, Heads

EPOCHS = Fold("epoch", Epochs(), evolve, (EpochOpened,))
HEADS = Fold("heads", Epochs(), evolve, (Heads,))


def test_every_event_type_leads_to_its_fold() -> None:
    assert by_tag((EPOCHS, HEADS)) == {"epoch.opened/1": EPOCHS, "heads/1": HEADS}


def test_two_folds_cannot_claim_one_type() -> None:
    with pytest.raises(ValueError, match="heads/1 belongs to two folds"):
        by_tag((HEADS, Fold("rival", Epochs(), evolve, (EpochOpened, Heads))))
