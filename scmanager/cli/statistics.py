"""What the author publishes of the program's use: read with its proof; and, on his server, released.

a machine: scm ledger statistics https://example.org --day 2026-03-01
the author, where the server does not run: scm author statistics
"""

import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from scmanager.adapters.ledger_source import ServerRefuses, Source
from scmanager.adapters.public_files import write_public
from scmanager.application.releasing import DayNotClosed, DayNotHeld
from scmanager.author.settling import WitnessesWanting
from scmanager.cli import author_files as files
from scmanager.cli.output import JsonFlag, remark, say, say_json, say_result
from scmanager.cli.session import session_of
from scmanager.cli.targets import check_target
from scmanager.cli.trusting import LedgerChoice, ManifestsChoice, PolicyChoice, trusting
from scmanager.domain.statistics import DAY_S
from scmanager.domain.statistics_published import Measure, StatisticsPublished
from scmanager.errors import Refused
from scmanager.master_ledger import statistics_proof
from scmanager.master_ledger.fetching import SourceLacks
from scmanager.master_ledger.proof import Proof
from scmanager.master_ledger.seen import proved_under
from scmanager.master_ledger.statistics_batch import PATH

LATEST_MAX = 9
"""So many days back a release is looked for, when no day is named."""


class DayMistyped(Refused):
    """{text} is no day."""

    code = "day-mistyped"
    hint = "Write it as 2026-03-01; days are of UTC."


def read(
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="FROM", help="The address of the author's server.")],
    day: Annotated[
        str | None, typer.Option("--day", metavar="DAY", help="Such as 2026-03-01; else the newest.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", metavar="FILE", help="Keep the proof in this file.")
    ] = None,
    ledger: LedgerChoice = None,
    manifests: ManifestsChoice = None,
    policy: PolicyChoice = None,
    as_json: JsonFlag = False,
) -> None:
    """What the author published of a day's use, if its proof holds: estimates, with noise, of nobody."""
    given = trusting(context, ledger, manifests, policy)
    keys = given.seen(given.memory.read()).keys()
    number, proof = _fetched(source, _day_of(day))
    said = statistics_proof.verify(proof, number, keys, given.policy, files.now_s())
    note = Proof.parse(proof).note
    outcome = given.memory.see(lambda before: proved_under(given.seen(before), note, keys, given.policy))
    if outcome.problem:
        raise outcome.problem
    if output is not None:
        check_target(output)
        write_public(output, proof)
    if as_json:
        say_json(_told(said))
        return
    say(f"Day {_date(said.day)}: what was told, and about how much that is for all who agreed to statistics.")
    for table in said.tables:
        for row in table.rows:
            once = table.measure is Measure.AVERAGE_SESSION_S
            more = "" if once else f"  {row.value * said.every_days:>12,}"
            say(f"{table.measure.value:<18} {row.key:<16} {row.value:>10,}{more}")
    if not any(table.rows for table in said.tables):
        say("Too few for anything to be said.")
    remark(f"Each machine tells of one day in {said.every_days}; epsilon is {said.epsilon_milli / 1000:g}.")


def release(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What scm author publish wrote.")],
    day: Annotated[
        str | None, typer.Option("--day", metavar="DAY", help="Up to this one; else every closed day.")
    ] = None,
    ledger: LedgerChoice = None,
    manifests: ManifestsChoice = None,
    policy: PolicyChoice = None,
    as_json: JsonFlag = False,
) -> None:
    """Release the statistics of closed days, once each, and destroy their records. A running server does it too."""
    from scmanager.cli.author_intake import at_work, open_intake

    given = trusting(context, ledger, manifests, policy)
    data = session_of(context).folder
    with open_intake(context) as intake, at_work(given, intake, folder, data) as (taking, counted, delegation):
        delegation.check()
        due = counted.releases.due(counted.today())
        if day is None:
            counted.release_due()
        else:
            counted.releases.release(_number(day), counted.today())
        left = set(counted.releases.due(counted.today()))
        wanting = None
        try:
            taking.settle()
        except WitnessesWanting as error:
            wanting = error
    say_result({"released": [_date(each) for each in due if each not in left]}, as_json=as_json)
    if wanting is not None:
        remark(f"{wanting} It stands in the log, and is public once they have cosigned it: run this again later.")


def _fetched(source: str, day: int | None) -> tuple[int, bytes]:
    """The day and its proof. Raises DayNotHeld, DayNotClosed, ServerRefuses, and SourceLacks where there is none."""
    ask = Source(source).read
    today = files.now_s() // DAY_S
    days = [day] if day is not None else list(range(today, today - LATEST_MAX, -1))
    for each in days[:-1]:
        try:
            return each, ask(_path(each), statistics_proof.FILE_BYTES_MAX)
        except (SourceLacks, ServerRefuses):
            continue
    try:
        return days[-1], ask(_path(days[-1]), statistics_proof.FILE_BYTES_MAX)
    except ServerRefuses as refusal:
        if refusal.facts["said"] == DayNotHeld.code:
            if days[-1] + 1 >= today:
                raise DayNotClosed(day=_date(days[-1])) from None
            raise DayNotHeld(day=_date(days[-1])) from None
        raise


def _path(day: int) -> str:
    return f"{PATH.lstrip('/')}/{day}"


def _day_of(text: str | None) -> int | None:
    return None if text is None else _number(text)


def _number(text: str) -> int:
    try:
        return (datetime.date.fromisoformat(text) - datetime.date(1970, 1, 1)).days
    except ValueError:
        raise DayMistyped(text=text) from None


def _date(day: int) -> str:
    return (datetime.date(1970, 1, 1) + datetime.timedelta(days=day)).isoformat()


def _told(said: StatisticsPublished) -> dict[str, Any]:
    return {
        "day": _date(said.day),
        "epsilon": said.epsilon_milli / 1000,
        "every_days": said.every_days,
        "tables": {
            table.measure.value: {
                "threshold": table.threshold,
                "scale": table.scale,
                "rows": {row.key: row.value for row in table.rows},
            }
            for table in said.tables
        },
    }
