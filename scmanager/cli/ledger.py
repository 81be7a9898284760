"""What this machine has seen of the author's ledger, and the proof against a log that told two histories.

a machine: scm ledger fetch https://example.org/ledger    (keys and newest head, held against what was seen)
           scm ledger show
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Annotated, Any

import typer

from scmanager.adapters.ledger_source import Source
from scmanager.adapters.public_files import write_public
from scmanager.cli import author_files as files
from scmanager.cli.ledger_registry import take_entries
from scmanager.cli.output import JsonFlag, remark, say, say_json, say_result, short
from scmanager.cli.session import session_of
from scmanager.cli.targets import check_target
from scmanager.cli.trusting import LedgerChoice, ManifestsChoice, PolicyChoice, followed, trusting
from scmanager.domain.ledger import LogKind
from scmanager.errors import Refused, utc
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, Checkpoint, parse_note, parse_origin
from scmanager.eventstore.head_fork import HeadFork
from scmanager.master_ledger import seen as memory
from scmanager.master_ledger.fetching import CHECKPOINT
from scmanager.master_ledger.seen import HeadSeen, Seen
from scmanager.master_ledger.verification import check_kind


class NoForkSeen(Refused):
    """No log of this ledger was seen with two histories."""

    code = "no-fork-seen"
    hint = "Nothing is wrong. What was seen is shown by: scm ledger show."


UNWITNESSED = (
    "Log {log} signed a head of {size} entries that no quorum cosigned, and that does not count here: ask the author"
    " whether he lost that key. The note stays in what this machine has seen."
)


def fetch(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FROM", help="An address, or a folder that it was published to.")],
    ledger: LedgerChoice = None,
    manifests: ManifestsChoice = None,
    policy: PolicyChoice = None,
    entries: Annotated[
        bool, typer.Option("--entries", help="Its entries too, into this folder: scm ledger updates, plugins.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Fetch the ledger's keys and newest head, and prove that it only grew since it was seen last."""
    given = trusting(context, ledger, manifests, policy)
    read = cache(Source(source).read)
    held = followed(given, read)
    point = Checkpoint.parse(parse_note(read(CHECKPOINT, NOTE_BYTES_MAX)).text)
    told = {"manifest": held.keys().manifest.n, "size": point.size, "root": point.root.hex()}
    if entries:
        log = held.keys().log(parse_origin(point.origin)[1])
        assert log is not None  # Or the head would not have been followed.
        check_kind(log)
        with session_of(context).open() as place:
            told |= take_entries(place, read, log, given)
    say_result(told, as_json=as_json)
    _say_unwitnessed(held)
    if given.policy.quorum is None:
        remark("The policy asks for no witness: nobody but the log vouches that others are shown the same.")


def show(
    context: typer.Context,
    ledger: LedgerChoice = None,
    manifests: ManifestsChoice = None,
    policy: PolicyChoice = None,
    as_json: JsonFlag = False,
) -> None:
    """What this machine has seen of the author's ledger: his keys, the newest heads, how old that is."""
    given = trusting(context, ledger, manifests, policy)
    held = given.seen(given.memory.read())
    now_s = files.now_s()
    told = _told(held) | {"witnessed_s": memory.witnessed_s(held, given.policy, now_s)}
    if as_json:
        say_json(told)
        return
    say(f"ledger    {held.ledger.hex()}")
    say(f"manifest  {told['manifest']}")
    _say_logs(told)
    _say_unwitnessed(held)
    if not held.asked_s:
        remark("The ledger itself was not asked yet: scm ledger fetch.")
    else:
        say(f"asked     {utc(held.asked_s)}")
    if held.is_stale(now_s):
        remark("That is more than 14 days ago: there may be newer releases, or keys.")


def fork(
    context: typer.Context,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="The file to write; for everybody.")],
    ledger: LedgerChoice = None,
    manifests: ManifestsChoice = None,
    policy: PolicyChoice = None,
    as_json: JsonFlag = False,
) -> None:
    """Write the proof that a log of the ledger signed two histories: anybody can check it (scm verify fork)."""
    given = trusting(context, ledger, manifests, policy)
    held = given.memory.read()
    if not held.forks:
        raise NoForkSeen
    check_target(output)
    write_public(output, held.forks[0].to_bytes())
    say_result({"file": str(output), "log": _accused(held.forks[0]).hex()}, as_json=as_json)


def _told(held: Seen) -> dict[str, Any]:
    manifest, forked = held.keys().manifest, {_accused(each) for each in held.forks}
    return {
        "ledger": held.ledger,
        "manifest": manifest.n,
        "heads": _points(held.heads),
        "unwitnessed": _points(held.unwitnessed),
        "forked": [each.log for each in manifest.logs if held.fork_of(each)],
        "closed": [
            {"log": each.log, "size": each.final.size, "root": each.final.root, "forked": each.log in forked}
            for each in manifest.logs if each.final is not None
        ],
        "reports": [each.log for each in manifest.logs if each.kind is LogKind.INTAKE],
        "asked_s": held.asked_s,
    }  # fmt: skip


def _say_logs(told: dict[str, Any]) -> None:
    """One line for each log: its newest head, where it was closed, or that it counts no more."""
    forked, closed = told["forked"], {each["log"]: each for each in told["closed"]}
    newest: dict[bytes, dict[str, Any]] = {}
    for each in told["heads"]:
        newest[each["log"]] = max(each, newest.get(each["log"], each), key=lambda one: one["size"])
    for log in dict.fromkeys([*newest, *forked, *closed]):
        if log in forked:
            say(f"forked    {short(log)}: nothing in it counts. The proof: scm ledger fork -o FILE")
        elif log in closed:
            both = " It signed two histories: scm ledger fork -o FILE" if closed[log]["forked"] else ""
            size = closed[log]["size"]
            say(f"log       {short(log)}  closed at size {size}: what lies below counts, nothing beyond.{both}")
        else:
            name = "reports" if log in told["reports"] else "log"
            say(f"{name:<8}  {short(log)}  size {newest[log]['size']}  root {newest[log]['root'].hex()}")


def _points(heads: Sequence[HeadSeen]) -> list[dict[str, Any]]:
    points = [each.point() for each in heads]
    return [{"log": parse_origin(each.origin)[1], "size": each.size, "root": each.root} for each in points]


def _say_unwitnessed(held: Seen) -> None:
    for each in held.unwitnessed:
        point = each.point()
        remark(UNWITNESSED.format(log=short(parse_origin(point.origin)[1]), size=point.size))


def _accused(proof: HeadFork) -> bytes:
    return parse_origin(proof.origin)[1]
