"""Diplomacy on the command line: contacts and treaties by name, what is claimed and what is proved, empty lists."""

import pytest

from tests.cli.conftest import Scm


@pytest.mark.slow
def test_from_a_name_to_a_treaty_in_force_and_to_war(nova: Scm) -> None:
    nova("contact", "record", "Tallow", "--sid", "TLW")
    nova("contact", "set-stance", "tallow", "friendly")
    nova("contact", "report-stance", "TLW", "hostile")
    (row,) = nova("contact", "list", "--json").json
    assert (row["relation"], row["our_stance"], row["theirs_claimed"]) == ("friendly", "friendly", "hostile")
    told = nova("treaty", "propose", "TLW", "non-aggression", "Pact", "We shoot not.", "--until", "30d")
    assert told.code == 0
    (row,) = nova("treaty", "list", "--json").json
    assert (row["phase"], row["ours"], row["theirs"]) == ("proposed", "none", "none")
    nova("treaty", "sign", "Pact")
    nova("treaty", "claim-acceptance", "Pact", "--text", "Marlowe said so.")
    (row,) = nova("treaty", "list", "--json").json
    assert (row["phase"], row["ours"], row["theirs"]) == ("in-force", "proved", "claimed")
    assert row["ends"]
    assert row["with"]["name"] == "Tallow"
    assert nova("contact", "list", "--json").json[0]["relation"] == "non-aggression-pact"
    assert nova("contact", "declare-war", "Tallow", "--by", "them", "--json").json["treaties"]
    assert nova("contact", "list", "--json").json[0]["relation"] == "war"
    assert nova("treaty", "list", "--all", "--json").json[0]["phase"] == "ended"
    nova("treaty", "reinstate", "Pact")
    assert nova("contact", "list", "--json").json[0]["contested"] == ["war and treaty"]
    nova("treaty", "end", "Pact", "broken", "--by", "them")
    assert nova("contact", "list", "--json").json[0]["contested"] == []
    acts = [row["what"] for row in nova("contact", "history", "Tallow", "--json").json]
    assert acts[0] == "contact.recorded"
    assert {"contact.war-declared", "treaty.signed", "treaty.reinstated"} < set(acts)
    assert acts[-1] == "treaty.ended"
    assert "them" in nova("contact", "history", "Tallow").out


@pytest.mark.slow
def test_versions_of_terms_are_read_and_chosen_by_their_ids(nova: Scm) -> None:
    nova("contact", "record", "Tallow")
    nova("treaty", "propose", "Tallow", "peace", "Pact", "Quiet.", "--starts", "2d", "--until", "2955-11-30")
    nova("treaty", "change-terms", "Pact", "Quiet, and trade.")
    first, second = nova("treaty", "versions", "Pact", "--json").json
    assert (first["terms"], second["terms"]) == ("Quiet.", "Quiet, and trade.")
    assert (first["standing"], second["standing"]) == ("", "on the table")
    assert first["until"] == "2955-11-30 00:00"
    assert nova("treaty", "choose-terms", "Pact", first["id"][:12]).code == 0
    assert nova("treaty", "versions", "Pact", "--json").json[0]["standing"] == "on the table"
    assert nova("treaty", "choose-terms", "Pact", "ff" * 32).error == "treaty-terms-unknown"


@pytest.mark.slow
def test_what_does_not_fit_is_refused_with_a_hint(nova: Scm) -> None:
    assert nova("contact", "set-stance", "Nobody", "ally").error == "name-unknown"
    nova("contact", "record", "Tallow")
    assert nova("contact", "record", "tallow").error == "contact-known"
    told = nova("contact", "set-stance", "Tallow", "war")
    assert told.error == "contact-war-is-declared"
    assert "scm contact declare-war" in told.err
    assert nova("treaty", "propose", "Tallow", "peace", "P", "x", "--until", "10").error == "treaty-time-unusable"


def test_an_archived_contact_is_not_listed(nova: Scm) -> None:
    nova("contact", "record", "Tallow")
    nova("contact", "archive", "Tallow")
    assert nova("contact", "list", "--json").json == []
    assert nova("contact", "list", "--all", "--json").json[0]["gone"] == "archived"
    assert "1 more is gone" in nova("contact", "list").err
    assert nova("contact", "restore", "Tallow").code == 0
