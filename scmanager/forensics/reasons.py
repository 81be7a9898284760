"""Why an entry counts or does not, in one plain sentence for each reason there is."""

from scmanager.domain.records import Reason, Verdict
from scmanager.spaces.opening import Opened

SENTENCES: dict[Reason, str] = {
    Reason.UNCOUNTED: "Nobody who belongs to this space has named its log, so it does not belong to it either.",
    Reason.MALFORMED: "What its author sealed breaks the rules of the format, so it says nothing to anybody.",
    Reason.UNKNOWN_GRANT: "It names a grant that is not here; it counts as soon as that grant arrives and is valid.",
    Reason.VOID_GRANT: "The grant it acts by is itself void, so nothing done by it counts.",
    Reason.FOREIGN_LOG: "Its log does not belong to the grant it names: somebody else's grant was used.",
    Reason.RECOVERED: "The organisation was recovered, and the recovery did not keep this.",
    Reason.DISPUTED: "Two recoveries contradict each other; until one settles it, what neither kept does not count.",
    Reason.REMOVED: "Its author was removed or given another role, and this came after what was kept.",
    Reason.DEVICE_CUT: "Its device was disowned by an older device of the same member, and this was not kept.",
    Reason.UNKNOWN_TYPE: "This release does not know what it says; a newer one may.",
    Reason.NO_RIGHT: "The grant it acts by does not include the right that this needs.",
    Reason.RANK: "It gives a rank that is not below its author's own.",
    Reason.RIGHTS: "It gives rights that its author does not have.",
    Reason.NEW_LOG: "It lets a new log in without naming the one first entry of that log.",
    Reason.FOUNDER: "It grants the founder's own place, which nobody can give.",
    Reason.NO_MEMBER: "It lets somebody in under an id that no member can have: a contact's or a document's.",
    Reason.TAKEN: "This member was let in by somebody higher; only a grant from there lets them in elsewhere.",
    Reason.NOT_A_CONTINUATION: "It claims to go on for an earlier log, and that log's key or device did not say so.",
    Reason.MAY_NOT_ERASE: "Only the person concerned, or ranks 0 and 1, can have personal words erased.",
    Reason.STATEMENT_UNPROVEN: "The recovery it carries is not signed by enough recovery keys.",
    Reason.STATEMENT_DISPUTED: "Another recovery builds on the same ground; both wait until one lists all.",
    Reason.STATEMENT_SETTLED: "Another recovery settled the dispute, and this one lost.",
    Reason.STATEMENT_BASELESS: "The recovery that this one builds on fell, and so does this.",
}
"""For every reason there is."""


def sentence(verdict: Verdict) -> str:
    """The verdict in plain words."""
    if verdict.valid or verdict.reason is None:
        return "It counts."
    return f"It does not count ({verdict.reason.value}). {SENTENCES[verdict.reason]}"


def kind_of(opened: Opened) -> str:
    """The event's type; an entry 0 has none."""
    if opened.shared is not None:
        return opened.shared.type
    return "malformed entry" if opened.malformed else "first entry of a log"
