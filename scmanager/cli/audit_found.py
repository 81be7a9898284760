"""What an audit found, as `scm audit verify` tells it: to people a line each, to programs as one object."""

from typing import Any

import msgspec

from scmanager.application.audit_full import SpaceFound, StatementsFound
from scmanager.cli.output import counted, remark, say, short
from scmanager.eventstore.audit_chunk import Finding
from scmanager.eventstore.own_tables import GUARD_MISSING
from scmanager.master_ledger.verification import NotWitnessed

HOLDS = {
    ("folder", "fast"): "signed heads",
    ("folder", "deep"): "entries, parts, chains and notes",
    ("folder", "full"): "entries, parts, chains, notes and signatures",
    ("database", "fast"): "signed heads",
    ("database", "deep"): "entries, parts, chains and notes",
    ("database", "full"): "entries, parts, chains, notes and signatures",
    ("published", "fast"): "tiles and the signed head",
    ("published", "deep"): "tiles, entries, parts, chains, manifests and the signed head",
    ("published", "full"): "tiles, entries, parts, chains, manifests and every signature",
    ("file", "fast"): "entries, parts, chains and notes",
    ("file", "deep"): "entries, parts, chains and notes",
    ("file", "full"): "entries, parts, chains, notes and signatures",
}
"""What was found to hold, by what was looked at and how."""
BESIDE_MAX = 8
"""Names of what was not looked at."""
RESUMED = """\
{entries} of it were verified before and not read again: what was changed there since is found without --resume."""
UNGUARDED = "What was signed holds, but somebody else wrote to the file. The next command makes the guards anew."
UNGUARDED_THERE = "What was signed holds, but who rules over the database took away what guards it. Ask him."
NOT_HERE = """\
Of space {space} {parts} cannot be found, and no erasure explains it: what did not come yet, or was taken away."""


class Found(msgspec.Struct):
    """What an audit told so far."""

    kind: str
    depth: str
    entries: int
    logs: int
    heads: list[dict[str, Any]]
    """Each with space, log, branch, size and, where it was computed, root."""
    findings: list[Finding]
    whose: dict[bytes, str] = {}
    """Spaces in words."""
    pending: int = 0
    others: int = 0
    beside: tuple[str, ...] = ()
    resumed_after: int = 0
    spaces: list[SpaceFound] = []
    statements: list[StatementsFound] = []
    cosigned: list[str] = []


def told(found: Found) -> dict[str, Any]:
    """For programs."""
    facts: dict[str, Any] = {
        "ok": not found.findings, "kind": found.kind, "depth": found.depth, "entries": found.entries,
        "logs": found.logs, "pending": found.pending, "other_files": found.others, "beside": list(found.beside),
        "resumed_after": found.resumed_after, "heads": found.heads, "cosigned": found.cosigned,
        "findings": [msgspec.structs.asdict(each) for each in found.findings],
    }  # fmt: skip
    if found.depth == "full":
        facts["spaces"] = [
            msgspec.structs.asdict(each) | {"erasures": [msgspec.structs.asdict(one) for one in each.erasures]}
            for each in found.spaces
        ]
        facts["statements"] = [
            {"ledger": each.ledger or None, "manifests": each.manifests, "signed": each.signed, "void": each.void}
            for each in found.statements
        ]
    return facts


WITNESS_LACK = (
    "It is what its log signed; that others are shown the same, too few witnesses vouch for. Get the head from where"
    " it lies cosigned, or have it cosigned: scm author cosign."
)
OTHER_THAN_SIGNED = "This is not what was signed. Keep it as evidence, and restore a backup or copy it again."


def show(found: Found) -> None:
    """For people."""
    for head in found.heads:  # To be compared with another's.
        branch = f" branch {head['branch']}" if head["branch"] else ""
        root = f"  root {head['root'].hex()}" if "root" in head else ""
        whose = f" of {found.whose[head['space']]}" if head["space"] in found.whose else ""
        say(f"log {short(head['log'])}{branch}{whose}  size {head['size']}{root}")
    for each in found.findings:
        at = f" entry {each.seq}" if each.seq is not None else ""
        where = f"log {each.log.hex()}{at}: " if each.log else ""
        say(f"{each.code}: {where}{each.what}")
    for space in found.spaces:
        _print_space(space)
    for one in found.statements:
        if one.ledger:
            said = f"{counted(one.signed, 'statement')} signed as they must be, {one.void} without effect"
            say(f"ledger {short(one.ledger)}: {counted(one.manifests, 'key manifest')}, {said}")
    if found.cosigned:
        say(f"cosigned by {', '.join(found.cosigned)}")
    if found.resumed_after:
        remark(RESUMED.format(entries=counted(found.resumed_after, "entry", "entries")))
    if found.pending:
        remark(f"{counted(found.pending, 'entry', 'entries')} that wait for earlier ones were not verified.")
    if found.others:
        where = ", ".join(found.beside[:BESIDE_MAX]) + (" ..." if len(found.beside) > BESIDE_MAX else "")
        remark(f"{counted(found.others, 'file was', 'files were')} not looked at, beside the log: {where}")
    if {each.code for each in found.findings} == {GUARD_MISSING}:
        remark(UNGUARDED_THERE if found.kind == "database" else UNGUARDED)
    elif found.findings:
        remark(WITNESS_LACK if {each.code for each in found.findings} == {NotWitnessed.code} else OTHER_THAN_SIGNED)
    else:
        logs = counted(found.logs, "log")
        say(f"Sound: {counted(found.entries, 'entry', 'entries')} in {logs}; {HOLDS[found.kind, found.depth]} hold.")


def _print_space(space: SpaceFound) -> None:
    void = ", ".join(f"{count} {reason}" for reason, count in sorted(space.void.items())) or "none"
    sealed = f", {space.sealed} sealed for this reader" if space.sealed else ""
    say(f"space {short(space.space)}: {counted(space.valid, 'entry', 'entries')} that count; void: {void}{sealed}")
    for each in space.erasures:
        keys = counted(each.keys, "key")
        say(f"  erased by {short(each.event)}, ground {each.ground}: {counted(each.parts, 'part')} under {keys} of "
            f"{each.subject.hex()}")  # fmt: skip
    if space.not_here:
        remark(NOT_HERE.format(space=short(space.space), parts=counted(space.not_here, "part")))
