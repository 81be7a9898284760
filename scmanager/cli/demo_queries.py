"""Three questions to the demo, and what their answers must hold."""

from typing import Any

from scmanager.cli.client import Client
from scmanager.errors import Refused

ROSTER = """query Roster {
  organisations(first: 5) { nodes { sid title
    members(first: 100) { totalCount nodes { handle displayName standing rank } } } }
}"""

FLEETS = """query Fleets {
  organisations(first: 5) { nodes { sid fleets(first: 10) { nodes { title lead { handle }
    squadrons(first: 10) { nodes { title members(first: 1) { totalCount }
      ships(first: 20) { nodes { model readiness owner { handle } } } } } } } } }
}"""

BORROWED = """query Borrowed {
  ships(first: 200) { totalCount nodes { model nickname readiness claimUntil loanUntil
    owner { handle } borrower { handle } } }
}"""


SAMPLES = (
    "{ organisations { nodes { title members { totalCount } } } }",
    "{ fleets { nodes { title lead { handle } ships { totalCount } } } }",
    "{ ships(filter: {readiness: [DAMAGED, LOST, IN_CLAIM]}) { nodes { model readiness owner { handle } } } }",
)
"""For people to paste, between single quotes."""


class AnswerDiffers(Refused):
    """The demo's answer to {query} is not as it should be: {what}."""

    code = "demo-answer-differs"
    hint = "Make the demo anew in an empty folder, and report it if it says this again."


def ask(api: Client) -> None:
    """All three, and the samples. Raises AnswerDiffers, and what the API refuses."""
    for sample in SAMPLES:
        _expect(sample, all(answer["nodes"] for answer in api.query(sample).values()), "that it holds something")
    roster = {each["sid"]: each["members"] for each in api.query(ROSTER)["organisations"]["nodes"]}
    _expect("Roster", set(roster) == {"NOVA", "TALLOW"}, "the organisations")
    _expect("Roster", roster["NOVA"]["totalCount"] >= 20, "the number of members")
    standings = {each["standing"] for each in roster["NOVA"]["nodes"]}
    _expect("Roster", {"JOINED", "RECORDED", "INVITED", "REMOVED"} <= standings, "who joined, was invited or removed")
    fleets = [fleet for each in api.query(FLEETS)["organisations"]["nodes"] for fleet in each["fleets"]["nodes"]]
    _expect("Fleets", len(fleets) == 4 and all(fleet["squadrons"]["nodes"] for fleet in fleets), "the fleets")
    ships: list[dict[str, Any]] = api.query(BORROWED)["ships"]["nodes"]
    _expect("Borrowed", sum(each["borrower"] is not None for each in ships) == 3, "the loans")
    _expect("Borrowed", sum(each["readiness"] == "IN_CLAIM" for each in ships) == 2, "the claims")


def _expect(query: str, holds: bool, what: str) -> None:
    if not holds:
        raise AnswerDiffers(query=query, what=what)
