"""Sets the event store up in a PostgreSQL database: tables, triggers, and roles that cannot break them.

- The owner creates and never logs in: only it (and a superuser) could switch the triggers off.
- The writer may add, move heads and the position forward, and erase parts. It may change nothing else.
- The reader may look, but not at what waits: nothing that is computed from entries may see it.

Of a password the server is given its SCRAM verifier, never the word: a log of statements holds none.
"""

import msgspec
import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from scmanager.errors import Misconfigured, ScManagerError
from scmanager.eventstore.named_sql import load
from scmanager.eventstore.postgres_connections import connect, parts_of, translated

SCHEMA_VERSION = 4
_LOCK = 0x5CA1AB1E
"""The advisory lock under which one process at a time sets up."""

_ADDRESS = frozenset(
    {"host", "hostaddr", "port", "sslmode", "sslrootcert", "channel_binding", "target_session_attrs"}
)

_GRANTS = """
GRANT USAGE ON SCHEMA scm_events TO {writer}, {reader};
GRANT SELECT ON ALL TABLES IN SCHEMA scm_events TO {writer}, {reader};
GRANT INSERT ON scm_events.space, scm_events.log, scm_events.branch, scm_events.head, scm_events.entry,
    scm_events.note, scm_events.part, scm_events.outcome, scm_events.tracking TO {writer};
GRANT UPDATE (size, id, hlc, tree) ON scm_events.head TO {writer};
GRANT UPDATE (last) ON scm_events.position TO {writer};
GRANT UPDATE (pos) ON scm_events.tracking TO {writer};
GRANT UPDATE (id) ON scm_events.space TO {writer};
GRANT DELETE ON scm_events.part TO {writer};
"""
_GRANTS_2 = """
GRANT SELECT ON scm_events.originator, scm_events.arrival TO {writer}, {reader};
GRANT INSERT ON scm_events.originator, scm_events.arrival TO {writer};
"""
_GRANTS_3 = """
GRANT SELECT, INSERT, DELETE ON scm_events.pending, scm_events.pending_entry, scm_events.pending_part TO {writer};
"""
_GRANTS_4 = """
GRANT SELECT, INSERT, DELETE ON scm_events.pending_dropped TO {writer};
"""
# UPDATE on space is what FOR UPDATE asks for; a trigger refuses every real update there.


class NewerSchema(Misconfigured):
    """The event store in this database has schema {version}; this release knows {known}."""

    code = "store-schema-newer"
    hint = "A newer release set it up. Update this one, or name another database."


class InstallRefused(Misconfigured):
    """This user may not set an event store up: {reason}."""

    code = "store-install-refused"
    hint = (
        "Nothing was changed. Name a superuser of that PostgreSQL server; later the writer and the reader are enough."
    )


class Roles(msgspec.Struct, frozen=True):
    """The names of the three roles. They belong to the whole server: two stores on one server may share them."""

    owner: str = "scm_events_owner"
    writer: str = "scm_events_writer"
    reader: str = "scm_events_reader"


class Standing(msgspec.Struct, frozen=True):
    """What there is of an event store in a database, and of its roles on the server."""

    version: int
    """Of the schema; 0: there is none."""
    logging_in: frozenset[str]
    """Those of the roles that may log in."""
    database: str
    address: dict[str, str]
    """Where it is, by libpq's words, and nothing secret."""

    def dsn(self, role: str) -> str:
        """The address for one of the roles, without a password."""
        return make_conninfo(**self.address, user=role)


def standing(admin_dsn: str, roles: Roles | None = None) -> Standing:
    """Look, and change nothing. Raises NewerSchema, StoreUnreachable, StoreDsnUnreadable, InstallRefused."""
    roles = roles or Roles()
    try:
        with connect(admin_dsn) as connection:
            found = connection.execute(
                "SELECT rolname::text FROM pg_roles WHERE rolcanlogin AND rolname = ANY(%s)",
                ([roles.writer, roles.reader],),
            ).fetchall()
            at, said = connection.info, parts_of(admin_dsn)
            kept = {name: value for name, value in said.items() if name in _ADDRESS and value}
            address = {"host": at.host, "port": str(at.port), **kept, "dbname": at.dbname}
            return Standing(_version(connection), frozenset(name for (name,) in found), at.dbname, address)
    except psycopg.Error as error:
        raise _refused(error) from None


def install(
    admin_dsn: str, writer_password: str | None, reader_password: str | None, roles: Roles | None = None
) -> None:
    """Create what is missing, as a superuser. Harmless twice, and from several processes at once.

    Without a password a role stays as it is: one that is new cannot log in. Raises NewerSchema, StoreUnreachable,
    StoreBusy, StoreDsnUnreadable or InstallRefused; then nothing was changed.
    """
    roles = roles or Roles()
    try:
        with connect(admin_dsn) as connection, connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(%s::bigint)", (_LOCK,))
            _create_roles(connection, roles, writer_password, reader_password)
            here, both = (
                sql.Identifier(connection.info.dbname),
                (sql.Identifier(roles.writer), sql.Identifier(roles.reader)),
            )
            connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}, {}").format(here, *both))
            version = _version(connection)
            if version < 1:
                _add(connection, roles, 1, load("postgres.sql")["tables"], _GRANTS)
            if version < 2:
                _add(connection, roles, 2, load("originators-postgres.sql")["tables"], _GRANTS_2)
            if version < 3:
                _add(connection, roles, 3, load("pending-postgres.sql")["tables"], _GRANTS_3)
            if version < 4:
                _add(connection, roles, 4, load("pending-postgres.sql")["tables_4"], _GRANTS_4)
    except psycopg.Error as error:
        raise _refused(error) from None  # its context may quote a password


def _refused(error: psycopg.Error) -> ScManagerError:
    if error.sqlstate == "42501":
        return InstallRefused(reason=(error.diag.message_primary or "it lacks a right").rstrip("."))
    return translated(error)


def _create_roles(
    connection: psycopg.Connection, roles: Roles, writer_password: str | None, reader_password: str | None
) -> None:
    for name, password in ((roles.owner, None), (roles.writer, writer_password), (roles.reader, reader_password)):
        # Roles belong to the server, the lock to the database: another database's setup may be first.
        try:
            with connection.transaction():
                connection.execute(sql.SQL("CREATE ROLE {} NOLOGIN").format(sql.Identifier(name)))
        except (psycopg.errors.DuplicateObject, psycopg.errors.UniqueViolation):
            pass
        if password is not None:
            verifier = connection.pgconn.encrypt_password(password.encode(), name.encode()).decode()
            connection.execute(
                sql.SQL(
                    "ALTER ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD {}"
                ).format(sql.Identifier(name), sql.Literal(verifier))
            )


def _version(connection: psycopg.Connection) -> int:
    found = connection.execute("SELECT to_regclass('scm_events.schema_version') IS NOT NULL").fetchone()
    if not found or not found[0]:
        return 0
    row = connection.execute("SELECT max(version) FROM scm_events.schema_version").fetchone()
    version = int(row[0]) if row else 0
    if version > SCHEMA_VERSION:
        raise NewerSchema(version=version, known=SCHEMA_VERSION)
    return version


def _add(connection: psycopg.Connection, roles: Roles, version: int, tables: bytes, grants: str) -> None:
    """What one version of the schema brought."""
    names = {name: sql.Identifier(getattr(roles, name)) for name in ("owner", "writer", "reader")}
    if version == 1:
        connection.execute(sql.SQL("CREATE SCHEMA scm_events AUTHORIZATION {owner}").format(**names))
    connection.execute(sql.SQL("SET LOCAL ROLE {owner}").format(**names))
    connection.execute("SET LOCAL search_path = scm_events")
    connection.execute(tables)
    connection.execute("INSERT INTO schema_version VALUES (%s)", (version,))
    connection.execute(sql.SQL(grants).format(**names))
    connection.execute("RESET ROLE")
