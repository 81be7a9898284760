"""Whom a command goes by: the ledger, key manifests and policy that came with the program, or others by name."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from scmanager.adapters.ledger_memory import LedgerMemory
from scmanager.adapters.private_files import state_folder
from scmanager.adapters.trust_files import read_trust
from scmanager.cli import author_files as files
from scmanager.cli.session import session_of
from scmanager.errors import Refused
from scmanager.master_ledger.fetching import Read, fetch_head, fetch_manifests
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.seen import Outcome, Seen
from scmanager.master_ledger.submission import Submission

LedgerChoice = Annotated[
    str | None, typer.Option("--ledger", metavar="ID", help="The ledger's id; else SCM_TRUST's, or the built-in one.")
]
ManifestsChoice = Annotated[
    Path | None,
    typer.Option("--manifests", metavar="FILE", help="Key manifests, oldest first; else those seen before."),
]
PolicyChoice = Annotated[
    Path | None,
    typer.Option(
        "--policy",
        metavar="FILE",
        help="The witnesses to go by (C2SP tlog-policy); else those of SCM_TRUST, or the built-in ones.",
    ),
]


class PolicyMissing(Refused):
    """Which witnesses to go by is not known for another ledger than the built-in one."""

    code = "policy-missing"
    hint = (
        "Name its policy: --policy FILE, a file that says `quorum none` as long as nobody witnesses it."
        " Or have SCM_TRUST name a folder with ledger-id, author-keys.jsonl and witnesses.policy."
    )


class ManifestsMissing(Refused):
    """No key manifests of this ledger are here yet."""

    code = "manifests-missing"
    hint = "Give them with --manifests FILE, or fetch them: scm ledger fetch."


class Trusting(msgspec.Struct, frozen=True):
    """What a command goes by."""

    ledger: bytes
    manifests: tuple[Submission, ...]
    """Those that are built in and those that were given; what was seen before is known to `memory`."""
    policy: Policy
    memory: LedgerMemory

    def seen(self, before: Seen) -> Seen:
        """What was seen, and the manifests given. Raises ManifestsMissing, KeysForked, and as a walk."""
        after = self.known(before)
        if not after.manifests:
            raise ManifestsMissing
        return after

    def known(self, before: Seen) -> Seen:
        """The same where there need not be any yet."""
        return before.with_manifests(self.manifests) if self.manifests else before


def looked_at(given: Trusting, read: Read) -> Outcome:
    """After a source's keys and newest head. The problem: as `follow`. Raises what is wrong with them."""
    now_s = files.now_s()
    given.memory.see(lambda before: fetch_manifests(given.known(before), read))  # Kept, whatever the head is like.
    return given.memory.see(lambda before: fetch_head(before, read, given.policy, now_s))


def followed(given: Trusting, read: Read) -> Seen:
    """What is seen once a source's keys and newest head were looked at. Raises what is wrong with them."""
    outcome = looked_at(given, read)
    if outcome.problem:
        raise outcome.problem
    return outcome.seen


def trusting(context: typer.Context, ledger: str | None, manifests: Path | None, policy: Path | None) -> Trusting:
    """By what was said, and the rest by what is built in. Raises PolicyMissing, LedgerMistyped, what files raise."""
    settings = session_of(context).settings
    built_in = read_trust(settings.trust)
    wanted = built_in.ledger if ledger is None else files.ledger_id(ledger)
    given = files.read_submissions(manifests) if manifests else ()
    rules = files.read_policy(policy)
    if wanted == built_in.ledger:
        given, rules = given or built_in.manifests, rules or built_in.policy
    if rules is None:
        raise PolicyMissing
    return Trusting(wanted, given, rules, LedgerMemory(settings.state or state_folder(), wanted))
