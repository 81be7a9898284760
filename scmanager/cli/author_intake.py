"""What installations report to the author: the log it goes to, and the server that takes it.

the server: scm author intake-init --root KEY --root KEY --root KEY   (its line: scm author manifest --intake)
            scm author serve /srv/ledger                              (the published ledger, and where to report to)
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from scmanager.adapters.folder_lock import FolderInUse
from scmanager.adapters.identity import open_identity
from scmanager.adapters.ledger_source import SERVED, from_folder
from scmanager.adapters.public_files import read_public
from scmanager.author.intake import FOLDER, OwnIntake, reading
from scmanager.author.settling import FRESH_S, public_of
from scmanager.cli import author_files as files
from scmanager.cli.author_vault import noting
from scmanager.cli.author_witnesses import remark_problems
from scmanager.cli.ledger_serving import DEFAULT_PORT, KeyChoice, identity_of
from scmanager.cli.listening import PortOption, serve_until_stopped
from scmanager.cli.output import JsonFlag, remark, say, say_result
from scmanager.cli.session import session_of
from scmanager.cli.trusting import LedgerChoice, ManifestsChoice, PolicyChoice, Trusting, trusting
from scmanager.domain.ledger import LedgerLog, LogKind, UpdateSigned
from scmanager.errors import Conflict, ScManagerError, utc
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, Checkpoint, origin, parse_note
from scmanager.master_ledger import issuing, submission
from scmanager.master_ledger.fetching import CHECKPOINT, MANIFESTS, Read, SourceLacks, fetch_manifests
from scmanager.master_ledger.seen import Seen
from scmanager.master_ledger.verification import AHEAD_S
from scmanager.runtime import clock_us

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from scmanager.api.handshake import Identity
    from scmanager.application.delegation import Delegation
    from scmanager.author.statistics import OwnStatistics
    from scmanager.author.taking import Taking


class IntakeServed(Conflict):
    """The server of this folder is running (number {holder})."""

    code = "intake-served"
    hint = "Beside it the log's line and what is public are shown with --published DIR, the folder that it serves."


def init(
    context: typer.Context,
    root: files.RootsOption,
    roots_needed: files.RootsNeededOption = None,
    further: Annotated[
        bool,
        typer.Option("--further", help="Also where the log so far lies in another store: it stays there."),
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Begin the log of what installations report, with a key of its own. It takes nothing until it is listed.

    It lies in the folder, or where SCM_INTAKE_DSN is set, in that PostgreSQL database (scm author intake-store).
    """
    with open_intake(context) as intake:
        left = intake.elsewhere
        log = intake.found(files.quorum_of(root, roots_needed), further=further)
    say_result({"space": log.space.hex(), "log": _line(log)}, as_json=as_json)
    if left is not None:
        remark("The log so far is as it was, and is written no more: have it closed at its last published head.")
    remark("Next, where the root keys are: scm author manifest --after FILE --intake LINE, with the line above.")


def show_log(
    context: typer.Context,
    published: Annotated[
        Path | None,
        typer.Option("--published", metavar="DIR", help="Also what is public there, and how old; server or not."),
    ] = None,
    policy: PolicyChoice = None,
    as_json: JsonFlag = False,
) -> None:
    """The log of what is reported, in the line that scm author manifest --intake takes, and how far it is."""
    told: dict[str, object] = {}
    try:
        with open_intake(context) as intake:
            head, doubt = intake.head(), intake.doubt
        line = _line(LedgerLog(head.space, head.log, head.public, LogKind.INTAKE, None))
        told = {"log": line, "size": head.size} | ({"doubt": doubt.words} if doubt else {})
    except FolderInUse as error:  # The server runs: what is public can be looked at all the same.
        if published is None:
            raise IntakeServed(**error.facts) from error
    if published is None:
        say_result(told, as_json=as_json)
        return
    rules, now_s = trusting(context, None, None, policy).policy, files.now_s()
    note = read_public(published / FOLDER / CHECKPOINT, NOTE_BYTES_MAX)
    public = public_of(note, rules, now_s + AHEAD_S)
    if not told and note is not None:
        told = _line_beside(context, Checkpoint.parse(parse_note(note).text).origin)
    told |= {"public": public.size} | ({} if public.seen_s is None else {"cosigned": utc(public.seen_s)})
    say_result(told, as_json=as_json)
    if rules.quorum is not None and (public.seen_s is None or now_s - public.seen_s > FRESH_S):
        remark(f"What is public has {public.size} entries, {public.age(now_s)}: see that a quorum of witnesses runs.")


def serve(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What scm author publish wrote.")],
    port: PortOption = DEFAULT_PORT,
    ledger: LedgerChoice = None,
    manifests: ManifestsChoice = None,
    policy: PolicyChoice = None,
    key: KeyChoice = None,
    unwitnessed: Annotated[
        bool, typer.Option("--unwitnessed", help="Publish heads of the intake log that nobody has cosigned yet.")
    ] = False,
) -> None:
    """Serve the published ledger and take reports, until Ctrl+C. Reports are taken while the keepers list the log.

    A head of the intake log is public once a quorum of the policy's witnesses has cosigned it: this server asks them.
    Until the log is listed, and when it is not any more, the ledger is served and reports are refused.
    """
    from scmanager.api.listening import listen

    given = trusting(context, ledger, manifests, policy)
    identity = identity_of(key)
    with (
        open_intake(context) as intake,
        listen(port) as taken,
        at_work(given, intake, folder, session_of(context).folder, unwitnessed=unwitnessed) as working,
    ):
        taking, counted, delegation = working
        counted.start()
        told, taken_before = None, None

        def started(address: str) -> None:
            say(f"The ledger is served: {address}")
            remark("Stop it with Ctrl+C.")

        def look() -> bool:
            nonlocal told, taken_before
            told, taken_before = _told(taking, told), _taken(delegation, intake, taken_before)
            return taking.sequencer.ended is None

        serve_until_stopped(_app(folder, counted, identity), taken, started, look)
        if taking.sequencer.ended is not None:
            raise taking.sequencer.ended


def _app(folder: Path, counted: "OwnStatistics", identity: "Identity | None") -> "ASGIApp":
    """What is served beside the ledger published in this folder."""
    from scmanager.api.author_app import AuthorApp
    from scmanager.api.intake_app import IntakeApp
    from scmanager.api.ledger_app import make_ledger_app
    from scmanager.api.statistics_app import make_statistics_app
    from scmanager.application.reports import KINDS, allows
    from scmanager.application.statistics_reports import STATISTICS

    session = identity.channel if identity else None
    reports = IntakeApp((*KINDS, STATISTICS), counted.submit, allows, time.monotonic, session=session)
    hashes = make_ledger_app(from_folder(folder / FOLDER, SERVED), entries=False)
    ledger = make_ledger_app(from_folder(folder, SERVED), identity)
    return AuthorApp(ledger, hashes, reports, make_statistics_app(counted.proof))


@contextmanager
def at_work(
    given: Trusting, intake: OwnIntake, folder: Path, data: Path, *, unwitnessed: bool = False
) -> "Iterator[tuple[Taking, OwnStatistics, Delegation]]":
    """What writes the intake log of a data folder, and what counts; beside the ledger published in this folder."""
    from scmanager.application.delegation import Delegation
    from scmanager.author.statistics import OwnStatistics
    from scmanager.author.taking import Taking

    read, public = from_folder(folder), folder / FOLDER
    delegation = Delegation(intake.log(), lambda: _seen(given, read), time.monotonic)
    with (
        Taking(
            intake,
            delegation.check,
            public,
            lambda: _manifests(given),
            noting(data),
            None if unwitnessed else given.policy,
        ) as taking,
        OwnStatistics(
            intake,
            taking.sequencer,
            delegation.check,
            from_folder(public, SERVED),
            lambda: _versions(read),
            clock_us,
            folder,
        ) as counted,
    ):
        yield taking, counted, delegation


def open_intake(context: typer.Context) -> OwnIntake:
    """The intake folder of this data folder. Raises as `OwnIntake`."""
    session = session_of(context)
    return OwnIntake(session.settings, open_identity(session.folder, session.protection()), clock_us)


def _told(taking: "Taking", before: ScManagerError | None) -> ScManagerError | None:
    """Say what keeps heads from being cosigned, of each attempt that failed, and when one did not."""
    now = taking.unsettled
    if now is not None and now is not before:
        remark(f"{now} {now.hint}")
        remark_problems(taking.words)
    elif now is None and before is not None:
        remark("A quorum has cosigned the intake log again.")
    return now


def _taken(delegation: "Delegation", intake: OwnIntake, before: str | None) -> str:
    """Say whether reports are taken, when that has changed; why they are not, else empty."""
    from scmanager.application.delegation import NotDelegated
    from scmanager.application.run_clock import ClockAhead

    now, told = "", "Reports are taken."
    try:
        delegation.check()
        intake.clock.now_us()
    except NotDelegated as error:
        now = str(error)
        told = f"{now} The ledger is served all the same. Have the keepers list the log: scm author intake-log."
    except ClockAhead as error:
        now, told = error.code, f"{error} {error.hint}"
    if now != before:
        remark(told)
    return now


def _line_beside(context: typer.Context, shown: str) -> dict[str, object]:
    """The line of the log whose head is shown, from the store that a running server writes."""
    with reading(session_of(context).settings) as store:
        head = next((each for each in store.heads() if origin(each.space, each.log) == shown), None)
    return {} if head is None else {"log": _line(LedgerLog(head.space, head.log, head.public, LogKind.INTAKE, None))}


def _line(log: LedgerLog) -> str:
    return issuing.vkey_of(log, origin(log.space, log.log))


def _seen(given: Trusting, read: Read) -> Seen:
    """What is known of the ledger, with the keys that are published now: remembered, so that none goes back."""
    try:
        return given.memory.see(lambda before: fetch_manifests(given.known(before), read)).seen
    except SourceLacks:
        return given.known(given.memory.read())


def _versions(read: Read) -> list[str]:
    """Of the releases that the ledger knows: statistics name these, and no others."""
    from scmanager.application.published_registry import PublishedRegistry

    try:
        read(CHECKPOINT, NOTE_BYTES_MAX)
    except SourceLacks:  # No ledger is published there yet.
        return []
    registry = PublishedRegistry(read)
    if registry.follow() is None:  # Its keys are not published yet.
        return []
    rows = registry.updates(None)
    return sorted({each.said.statement.version for each in rows if isinstance(each.said, UpdateSigned)})


def _manifests(given: Trusting) -> dict[str, bytes]:
    known = given.known(given.memory.read()).manifests
    return {MANIFESTS: submission.encode(known)} if known else {}
