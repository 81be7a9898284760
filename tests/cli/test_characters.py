"""Characters on the command line: made, shown by name, withdrawn, and the lists of both sides."""

import pytest

from tests.cli.conftest import Scm


@pytest.mark.slow
def test_a_character_is_made_shown_chosen_and_withdrawn_by_name(nova: Scm) -> None:
    assert "scm character make" in nova("character", "list", "--personal").err
    nova("character", "make", "Vesper Ilo", "--occupation", "medic", "--background", "Born in a storm.")
    nova("character", "make", "Kestrel")
    assert len(nova("character", "list", "--personal", "--json").json) == 2
    assert nova("character", "share", "Vesper Ilo").code == 0
    assert nova("character", "choose-main", "vesper ilo").code == 0
    (row,) = nova("character", "list", "--json").json
    assert (row["name"], row["occupation"], row["main"], row["fate"]) == ("Vesper Ilo", "medic", "yes", "")
    told = nova("character", "describe", "Vesper Ilo", "--name", "Vesper", "--json").json
    assert len(told["still_shared_in"]) == 1
    assert nova("character", "retire", "Vesper", "--fate", "dead").code == 0
    assert nova("character", "share", "Vesper", "--no-background").code == 0
    assert nova("character", "list", "--json").json == []
    shown = nova("character", "list", "--all", "--json").json[0]
    assert (shown["fate"], shown["gone"]) == ("dead", "dead")
    assert nova("character", "choose-main", "Vesper").error == "character-retired"
    assert nova("character", "withdraw", "Vesper").code == 0
    assert nova("character", "list", "--json").json == []
    assert nova("character", "share", "Nobody").error == "name-unknown"
