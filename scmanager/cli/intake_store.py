"""`scm author intake-store`: sets up, once, where an author's server keeps reports in a PostgreSQL of his own.

No password is an argument, and none is printed: they come from the environment, or are typed unseen.
"""

import os
import sys
from typing import Annotated

import typer

from scmanager.cli.output import JsonFlag, remark, say_result
from scmanager.errors import Refused

ADMIN, WRITER, READER = "SCM_INTAKE_ADMIN_DSN", "SCM_INTAKE_PASSWORD", "SCM_INTAKE_READER_PASSWORD"
PASSWORD_CHARS_MIN = 8


class StorePasswordShort(Refused):
    """A password of the event store has {least} characters at least."""

    code = "store-password-short"
    hint = "Nothing was changed. Choose a longer one; nobody has to remember it."


def install(
    reader: Annotated[
        bool, typer.Option("--reader", help="Let scm_events_reader log in too: it may look, and change nothing.")
    ] = False,
    new_password: Annotated[
        bool, typer.Option("--new-password", help="Ask for passwords of roles that have one already.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Set the event store up in the PostgreSQL database that reports shall lie in. Harmless again, at each update.

    As its superuser: in SCM_INTAKE_ADMIN_DSN, or asked for. Makes the schema scm_events and three roles:
    scm_events_owner, who never logs in; scm_events_writer, for the server; scm_events_reader. Their passwords:
    SCM_INTAKE_PASSWORD and SCM_INTAKE_READER_PASSWORD, or asked for. Then set SCM_INTAKE_DSN, before intake-init.
    """
    from scmanager.eventstore import postgres_install  # Most authors have no PostgreSQL of their own.

    admin = _known(ADMIN, "DSN of a superuser, such as postgresql://postgres@db.example/scm")
    roles = postgres_install.Roles()
    before = postgres_install.standing(admin, roles)
    passwords: dict[str, str | None] = {roles.writer: None, roles.reader: None}
    for role, name, wanted in ((roles.writer, WRITER, True), (roles.reader, READER, reader)):
        if wanted and (new_password or role not in before.logging_in):
            passwords[role] = _password(name, role)
    postgres_install.install(admin, passwords[roles.writer], passwords[roles.reader], roles)
    now = postgres_install.standing(admin, roles)
    result = {
        "database": now.database,
        "schema": _schema(before.version, now.version),
        **{role: _login(role in now.logging_in, new=passwords[role] is not None) for role in passwords},
        "dsn": now.dsn(roles.writer),
    }
    say_result(result, as_json=as_json)
    remark(
        "Next, where the server runs: SCM_INTAKE_DSN with this dsn, the password in PGPASSWORD or in ~/.pgpass; then"
        " scm author intake-init."
    )


def _schema(before: int, now: int) -> str:
    if before == now:
        return f"scm_events, version {now}: there already"
    return f"scm_events, version {now}: made" if not before else f"scm_events, version {now}: was {before}"


def _login(may: bool, *, new: bool) -> str:
    if new:
        return "may log in, with the new password"
    return "may log in, its password as it was" if may else "may not log in"


def _known(name: str, question: str, *, twice: bool = False) -> str:
    """From the environment, or typed unseen, or from a pipe."""
    said = os.environ.get(name)
    if said:
        return said
    answer: str = typer.prompt(question, hide_input=sys.stdin.isatty(), confirmation_prompt=twice, err=True)
    return answer


def _password(name: str, role: str) -> str:
    """Raises StorePasswordShort."""
    said = _known(name, f"New password of {role} ({PASSWORD_CHARS_MIN} characters at least)", twice=True)
    if len(said) < PASSWORD_CHARS_MIN:
        raise StorePasswordShort(least=PASSWORD_CHARS_MIN)
    return said
