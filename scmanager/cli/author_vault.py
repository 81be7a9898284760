"""`scm author vault`: what was reported to the author and has to be looked at."""

from collections.abc import Callable
from pathlib import Path
from typing import cast

import typer

from scmanager.adapters import vault_book
from scmanager.auditing import leave
from scmanager.author.intake import FOLDER
from scmanager.cli.output import JsonFlag, remark, say, say_json
from scmanager.cli.session import session_of
from scmanager.domain.audit_types import AuditType
from scmanager.domain.intake import BugOpened
from scmanager.errors import utc


def show_vault(context: typer.Context, as_json: JsonFlag = False) -> None:
    """What was reported and has to be looked at: errors by shape and release, bug records, breaches of terms."""
    folder = session_of(context).folder / FOLDER
    found, breaches, beyond = vault_book.shapes(folder), vault_book.breaches(folder), vault_book.beyond(folder)
    if as_json:
        say_json({"errors": found, "beyond": beyond, "terms": breaches})
        return
    for each in found:
        opened = each["opened_s"]
        since = f"bug since {utc(opened)}" if isinstance(opened, int) else "no bug record"
        say(f"{each['error']} in {each['version']}: {each['reports']} reports, {each['errors']} times; {since}")
        for frame in each["frames"] if isinstance(each["frames"], list) else ():
            say(f"    {frame}")
    for each in beyond:
        day = utc(cast("int", each["day_s"]))[:10]
        if each["reports"]:
            remark(f"{day}: {each['reports']} reports of further shapes, in the log alone.")
        if each["terms"]:
            remark(f"{day}: {each['terms']} further breaches of terms, in the log alone.")
    if breaches:
        say(f"Breaches of terms: {len(breaches)}; with their places in the log: --json.")
    if not found and not breaches:
        remark("Nothing was reported that has to be looked at.")


def noting(folder: Path) -> Callable[[BugOpened], None]:
    """Leaves an audit event about a bug record for whoever opens this data folder next."""

    def note(bug: BugOpened) -> None:
        where = f"{bug.frames[-1].module}.{bug.frames[-1].function}" if bug.frames else "an unknown place"
        text = f"{bug.error} in {where}: {bug.reports} reports in a day, {bug.before} the day before"
        leave(folder, AuditType.BUG_REPORTED, "bug-opened", bug.version, text)

    return note
