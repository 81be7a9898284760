"""What waits to be sent to the author, word for word, and what was sent, with the receipts."""

from datetime import UTC, datetime
from typing import Annotated, Any

import msgspec
import typer

from scmanager.adapters.backup_file import INTAKE_FOLDER
from scmanager.adapters.outbox import Outbox
from scmanager.application.privacy import consents_in
from scmanager.cli import author_files as files
from scmanager.cli.output import EXIT_REFUSED, JsonFlag, counted, remark, say, say_json, say_table
from scmanager.cli.session import Place, session_of
from scmanager.cli.trusting import LedgerChoice, ManifestsChoice, PolicyChoice, Trusting, trusting
from scmanager.domain.consent import Consents, standing
from scmanager.errors import utc

NOTHING_WAITS = "Nothing waits to be sent."
NOTHING_SENT = "Nothing was sent."
NO_CONSENT = "You consent to nothing, so nothing is sent: scm privacy show"
NODE_WITHOUT = (
    "The node that runs here was started without SCM_REPORT_TO, so it sends nothing. Start it anew with an address."
)
NO_SERVER = "No node runs here, and SCM_REPORT_TO names no server: a node that is started like this sends nothing."
HELD_UP = "Not sent at {at}, tried again at {until} (UTC): {why}"
DROPPED = "{count} more found no room and were dropped."


def waiting(context: typer.Context, as_json: JsonFlag = False) -> None:
    """What would be sent to the author, word for word: each batch as the body of its request."""
    session = session_of(context)
    with session.open() as place:
        said = next((consents_in(space) for space in place.personal_spaces()), Consents())
        unsent = why_unsent(place)
    outbox = Outbox(session.folder)
    try:
        found, dropped, held_up = outbox.waiting(), sum(outbox.dropped().values()), outbox.held_up()
    finally:
        outbox.close()
    if as_json:
        say_json([_opened(each.kind, each.purpose, each.body) for each in found])
        return
    for each in found:
        say(f"{each.kind} ({counted(each.count, 'report')}):")
        say(each.body.decode())
    if not found:
        remark(NOTHING_WAITS)
    if not standing(said):
        remark(NO_CONSENT)
    elif unsent:
        remark(unsent)
    elif found and held_up:
        remark(HELD_UP.format(at=_moment(held_up.at_s), until=_moment(held_up.until_s), why=held_up.why))
    if dropped:
        remark(DROPPED.format(count=dropped))


def why_unsent(place: Place) -> str:
    """Why nothing goes out, whatever is consented to: as the running node has it, else we. Empty: it does."""
    if place.api is not None:
        return "" if place.api.reports_to else NODE_WITHOUT
    return "" if place.settings.report_to else NO_SERVER


def sent(
    context: typer.Context,
    source: Annotated[
        str | None,
        typer.Option("--verify", metavar="FROM", help="Look for it in the log that is published there: an address."),
    ] = None,
    ledger: LedgerChoice = None,
    manifests: ManifestsChoice = None,
    policy: PolicyChoice = None,
    as_json: JsonFlag = False,
) -> None:
    """What was sent to the author, the newest last, and where it stands in his log: the last thousand batches.

    By itself this is what his server said. With --verify the entries are made anew from what was sent, and looked for
    under the published head; exit code 1 if some are not there.
    """
    outbox = Outbox(session_of(context).folder)
    try:
        found = outbox.sent()
    finally:
        outbox.close()
    if source is not None:
        _verified(trusting(context, ledger, manifests, policy), source, found, as_json=as_json)
        return
    if as_json:
        say_json(
            [_opened(row["kind"], row["purpose"], row["body"]) | {
                "at_s": row["at_s"], "answer": msgspec.json.decode(row["answer"]),
            } for row in found]
        )  # fmt: skip
        return
    say_table(
        ("when (UTC)", "what", "reports", "where"),
        [(_moment(row["at_s"]), row["kind"], str(row["count"]), _where(row["answer"])) for row in found],
        NOTHING_SENT,
    )  # fmt: skip


def _verified(given: Trusting, source: str, found: list[dict[str, Any]], *, as_json: bool) -> None:
    """Raises what is wrong with the published log, and Exit where a batch is not in it."""
    from scmanager.adapters.ledger_source import Source
    from scmanager.application.published import Published
    from scmanager.application.receipt_check import IntakeLog, Standing
    from scmanager.master_ledger.fetching import SourceLacks, fetch_manifests

    read = Source(source).read
    try:
        seen = given.memory.see(lambda before: fetch_manifests(given.known(before), read)).seen
    except SourceLacks:  # A mirror of the intake log alone; the keys are known here.
        seen = given.seen(given.memory.read())
    log = IntakeLog(
        Published(lambda path, most: read(f"{INTAKE_FOLDER}/{path}", most)), seen, given.policy, files.now_s()
    )
    standings = [log.standing(row["kind"], row["count"], row["body"], row["answer"], row["at_s"]) for row in found]
    if as_json:
        rows = zip(found, standings, strict=True)
        say_json([{"at_s": row["at_s"], "kind": row["kind"], "standing": each} for row, each in rows])
    else:
        say_table(
            ("when (UTC)", "what", "reports", "where", "in the log"),
            [(_moment(row["at_s"]), row["kind"], str(row["count"]), _where(row["answer"]), each.value)
             for row, each in zip(found, standings, strict=True)],
            NOTHING_SENT,
        )  # fmt: skip
        when = "" if log.seen_s is None else f", as a quorum of witnesses saw it at {utc(log.seen_s)}"
        remark(f"Held against the first {log.size} entries of the log{when}.")
    if {Standing.MISSING, Standing.LATE} & set(standings):
        raise typer.Exit(EXIT_REFUSED)


def _moment(at_s: int) -> str:
    return f"{datetime.fromtimestamp(at_s, UTC):%Y-%m-%d %H:%M:%S}"


def _opened(kind: str, purpose: str, body: bytes) -> dict[str, Any]:
    return {"kind": kind, "purpose": purpose, "body": msgspec.json.decode(body)}


def _where(answer: bytes) -> str:
    said = msgspec.json.decode(answer)
    if "first" not in said:
        return f"refused: {said.get('code', '')}"
    return f"entries {said['first']} to {said['first'] + said['count'] - 1}"
