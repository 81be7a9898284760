"""What the arguments and options of verbs mean, for `--help`: by parameter; a verb's own word goes first."""

from typing import Final

from scmanager.domain.consent_texts import Purpose
from scmanager.domain.rights import Right

WHEN: Final = "Such as 90m, 3h, 14d, 2027-11-30, 2027-11-30T20:00 (UTC), or UTC seconds."
THERE: Final = "Such as 3h, 14d, 2027-11-30T20:00 (in the zone given, else UTC), or UTC seconds."
ENDS: Final = "Such as 3h (from its beginning), 2027-11-30T22:00 (in the zone given, else UTC), or UTC seconds."
_THERE_MOVED: Final = "Such as 3h, 14d, 2027-11-30T20:00 (in the zone given, else the operation's), or UTC seconds."
_MEMBER: Final = "Handle, name, or the first digits of the id (scm member list)."

HELP: Final[dict[str, str]] = {
    "member_id": _MEMBER,
    "by": _MEMBER,
    "borrower": _MEMBER,
    "owner": _MEMBER,
    "ship_id": "Model, if there is one of it, or the first digits of the id (scm ship list).",
    "fleet_id": "Title, or the first digits of the id (scm fleet list).",
    "squadron_id": "Title, or the first digits of the id (scm squadron list).",
    "role_id": "Title, or the first digits of the id (scm role list).",
    "import_id": "The id that scm import printed, or its first digits.",
    "model": "A ship of the catalogue, such as Corsair or DRAK_Corsair. See: scm ship models.",
    "rank": "1 (highest) to 10, below your own.",
    "rights": f"May be given several times: {', '.join(Right)}.",
    "title": "1 to 120 characters. It cannot be erased, only changed.",
    "sid": "1 to 10 capital letters and digits.",
    "handle": "The handle in the game.",
    "display_name": "How they are called here, if not by the handle.",
    "nickname": "A name of its own.",
    "organisation": "Whether it belongs to the organisation itself.",
    "until_s": WHEN,
    "contact_id": "Name, or the first digits of the id (scm contact list).",
    "treaty_id": "Title, or the first digits of the id (scm treaty list).",
    "space_id": "The id of their space, 64 hex digits, if somebody knows it.",
    "character_id": "Name, or the first digits of the id (scm character list --personal).",
    "occupation": "What they do, such as medic.",
    "origin": "Where they come from.",
    "background": "Their story. Put it in quotes.",
    "sheet": "The first digits of the one that is to hold (scm character list --personal).",
    "purpose": f"One of {', '.join(Purpose)}.",
    "version": "Of the text that was read (scm privacy show PURPOSE).",
    "notifications": "The whole id (scm inbox --json); may be given several times.",
    "fate": "What became of them.",
    "stance": "How one stands towards the other.",
    "terms": "The version's id, or its first digits (scm treaty versions). Without it: the one on the table.",
    "kind": "What it is about.",
    "voiding": "An event of theirs that shall not count: its id (scm log show).",
    "warn_days": "How many days before its end to warn.",
    "text": "Put it in quotes.",
    "device": "Name, or the first digits of the id (scm device list).",
    "reason": "Why.",
    "readiness": "The state it is in.",
    "operation_id": "Title, or the first digits of the id (scm operation list).",
    "slot": "Role or title, if there is one of it, or the first digits of the id (scm operation show).",
    "aboard": "The ship slot it is on (scm operation show).",
    "squad": "Title, or the first digits of the id (scm operation show).",
    "starts_s": THERE,
    "ends_s": ENDS,
    "zone": "Such as Europe/Berlin: times without one are meant there. Recorded is the instant.",
    "objective": "What it is for. Put it in quotes.",
    "place": "Where it meets.",
    "answer": "Whether you come.",
    "roles": "What you can take, such as gunner; may be given several times.",
    "role": "Such as pilot, gunner or medic.",
    "count": "How many of them.",
    "optional": "Whether it can go without.",
    "models": "Ships that fit, such as Corsair; may be given several times. See: scm ship models.",
    "before": "How long before the beginning: 15m, 1h, 2d, or seconds; may be given several times.",
    "most": "How many may come; 0: as many as there are crew slots.",
    "members": f"May be given several times. {_MEMBER}",
    "outcome": "How it went.",
    "every": "How often.",
    "times": "How many more.",
}

OF_VERB: Final[dict[str, str]] = {
    "ship.set-readiness until_s": f"When the claim is through; for in-claim only. {WHEN}",
    "operation.reschedule starts_s": f"0 for a template. {_THERE_MOVED}",
    "operation.reschedule ends_s": ENDS.replace("UTC),", "the operation's),"),
    "operation.copy starts_s": "Such as 3h, 14d, 2027-11-30T20:00 (in the operation's own zone), or UTC seconds.",
    "treaty.change-terms starts_s": WHEN,
    "ship.lend until_s": f"When it is to come back. {WHEN}",
    "organisation.unaffiliate other": "The other organisation's id, or its first digits.",
    "organisation.affiliate other": "The other organisation's id.",
    "ship.transfer owner": f"The new owner. {_MEMBER}",
    "ship.add owner": f"Whose it is, if not your own. {_MEMBER}",
    "character.share background": "Whether the organisation sees their story.",
    "character.share with_text": "Whether the organisation sees the text of their sheet, as it is now.",
    "character.make name": "What they are called.",
    "character.describe name": "What they are called from now on.",
    "contact.declare-war by": "Who declares it; them: as one of us tells it.",
    "treaty.propose by": "Whose proposal it is.",
    "treaty.propose text": "The terms, in quotes.",
    "treaty.propose starts_s": f"From when on it holds; without it: once it is agreed. {WHEN}",
    "treaty.propose until_s": f"Until when it holds; without it: without end. {WHEN}",
    "treaty.change-terms text": "The terms, in quotes, all of them anew.",
    "treaty.choose-terms terms": "The version's id, or its first digits (scm treaty versions).",
    "treaty.claim-acceptance text": "How it is known: who said it, and where.",
    "treaty.end by": "Who ends it.",
    "treaty.end until_s": f"With notice: when it ends. {WHEN}",
    "device.name name": "What you call it, such as Laptop. Nobody else sees it.",
    "member.erase ground": "request, or at-once for your own words.",
}


def help_of(verb: str, parameter: str) -> str | None:
    """A short sentence; None where the name says it all."""
    return OF_VERB.get(f"{verb} {parameter}", HELP.get(parameter))
