"""Rights: names that last, and a table that is whole."""

import re

import msgspec

from scmanager.domain.payload import RightKeys
from scmanager.domain.rights import ANYONE, RIGHT_NEEDED, Right


def test_every_right_can_stand_in_a_role() -> None:
    names = tuple(right.value for right in Right)
    assert msgspec.json.decode(msgspec.json.encode(names), type=RightKeys) == names


def test_every_right_is_needed_by_something_or_is_governance_s() -> None:
    assert set(Right) - set(RIGHT_NEEDED.values()) == {Right.MEMBER_GRANT}


def test_what_anyone_may_say_has_a_twin_by_right_or_concerns_only_oneself() -> None:
    alone = {
        tag
        for tag, right in RIGHT_NEEDED.items()
        if right is ANYONE and tag.replace("/", "-for/") not in RIGHT_NEEDED
    }
    assert alone == {
        "document.sheet-changed/1",  # Each member's sheet of a character is a text of its own.
        "alarm.fork-seen/1",  # What one's own device saw.
        "import.applied/1",  # A note that one imported; each ship's event needs what it needs.
        "member.joined/1",
        "ship.shared/1",
        "ship.share-withdrawn/1",
        "squadron.member-left/1",
        "character.made/1",  # A character is its player's alone.
        "character.described/1",
        "character.sheet-chosen/1",
        "character.retired/1",
        "character.returned/1",
        "character.shared/1",
        "character.text-shown/1",
        "character.share-withdrawn/1",
        "player.main-chosen/1",
        "player.main-dropped/1",
        "machine.named/1",  # What one calls one's own devices.
        "notification.read/1",  # Each reads for himself.
        "consent.given/1",  # Nobody consents for another.
        "consent.withdrawn/1",
        "audit.noted/1",  # What one's own device noticed.
        "audit.repeated/1",
        "audit.unlisted/1",
        "statistics.published/1",  # What the author's server counted; the log that holds it is its own.
        "keys.published/1",  # What counts are the signatures in it, not who carried it into the log.
        "update.signed/1",
        "plugin.signed/1",
        "plugin.counted/1",  # It counts in a log that the manifests list.
        "report.health-anchored/1",
        "report.error-counted/1",
        "report.bug-opened/1",
        "report.audit-taken/1",  # An intake log has one writer; what he takes is no member's word.
        "heads.anchored/1",  # As that: what counts is the proof under such a head.
        "server.named/1",  # It counts in a log that the manifests list: only its writer signs that head.
    }


def test_the_names_are_a_wire_contract() -> None:
    assert all(re.fullmatch(r"[a-z]+\.[a-z]+", right.value) for right in Right)
    assert [right.value for right in Right] == [
        "organisation.describe",
        "organisation.archive",
        "organisation.affiliate",
        "role.define",
        "member.invite",
        "member.represent",
        "member.remove",
        "ship.manage",
        "fleet.manage",
        "member.grant",
        "operation.plan",
        "operation.lead",
        "diplomacy.manage",
        "diplomacy.commit",
        "document.curate",
    ]
