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


@pytest.mark.slow
def test_a_text_is_shown_as_it_was_when_it_was_shared(nova: Scm) -> None:
    nova("character", "make", "Vesper", "--occupation", "medic")
    assert nova("character", "show", "Vesper").error == "character-withdrawn"
    assert nova("character", "share", "Vesper", "--with-text").error == "character-text-not-showable"
    nova("document", "edit", "Vesper", "--kind", "sheet", "--text", "Born in a \x1b[31mstorm.\nFlies by night.")
    assert nova("character", "share", "Vesper", "--with-text").code == 0
    nova("document", "edit", "Vesper", "--kind", "sheet", "--text", "Born at sea.")
    shown = nova("character", "show", "Vesper")
    assert shown.out.startswith("Vesper  of ")
    assert "as of 20" in shown.out
    assert shown.out.endswith(", when it was shown\nBorn in a \\x1b[31mstorm.\nFlies by night.\n")
    told = nova("character", "show", "Vesper", "--json").json
    assert (told["text"], told["text_words"]) == ("Born in a \x1b[31mstorm.\nFlies by night.", "open")
    assert told["text_shown_at"].endswith("Z")
    (seen,) = nova("character", "show", "Vesper", "--personal", "--json").json["shown_in"]
    assert (seen["organisation"]["name"], seen["text_shown_at"]) == ("NOVA", told["text_shown_at"])
    assert "with its text as of 20" in nova("character", "show", "Vesper", "--personal").out
    assert nova("character", "share", "Vesper").code == 0
    told = nova("character", "show", "Vesper", "--json").json
    assert (told["text"], told["text_words"], told["text_shown_at"]) == (None, "none", None)
    assert "without its text" in nova("character", "show", "Vesper", "--personal").out
    assert nova("character", "withdraw", "Vesper").code == 0
    assert nova("character", "show", "Vesper").error == "character-withdrawn"
