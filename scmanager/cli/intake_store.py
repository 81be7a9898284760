"""A PostgreSQL database made ready for an author's intake log: `scm author intake-store`, by its administrator."""

import secrets
from typing import Annotated

import typer

from scmanager.cli.output import JsonFlag, remark, say_result


def make(
    admin: Annotated[
        str,
        typer.Argument(metavar="ADDRESS", help="Of the database, as its administrator: host=... dbname=... user=..."),
    ],
    as_json: JsonFlag = False,
) -> None:
    """Set up the tables of an event store in an empty database, with names that can only add to it and read it.

    Harmless twice; both names get new passwords then, on the whole server. The administrator's password is best left
    out of the address: PGPASSWORD, or a password file.
    """
    from psycopg.conninfo import make_conninfo

    from scmanager.eventstore.postgres_connections import parts_of
    from scmanager.eventstore.postgres_install import Roles, install

    parts, roles = parts_of(admin), Roles()
    writer, reader = secrets.token_urlsafe(24), secrets.token_urlsafe(24)
    install(admin, writer, reader, roles)
    kept = {key: parts[key] for key in ("host", "hostaddr", "port", "dbname", "sslmode") if parts.get(key)}
    told = {
        "writer": make_conninfo("", **kept, user=roles.writer, password=writer),
        "reader": make_conninfo("", **kept, user=roles.reader, password=reader),
    }
    say_result(told, as_json=as_json)
    remark("Keep them as passwords. Next: set SCM_INTAKE_DSN to the writer's, and only then scm author intake-init.")
