"""A PostgreSQL that is up, and how to reach it; made here for one that others run and the administrator names."""

from types import TracebackType
from typing import Any, Self

import psycopg
from psycopg.conninfo import make_conninfo

from scmanager.adapters.postgres_settings import FLOOR
from scmanager.errors import Misconfigured, Unavailable

SETTING = "SCM_POSTGRES_DSN"
"""The environment variable that names a running server; then none is started."""

USER = "scm"
DATABASE = "postgres"

_CONNECT_TIMEOUT_S = 5


class DsnMalformed(Misconfigured):
    """The value of {setting} is not a PostgreSQL connection string."""

    code = "postgres-dsn-malformed"
    hint = "Write it like `host=db.example.org dbname=scm user=scm password=...` or `postgresql://...`."


class DsnUnreachable(Unavailable):
    """The PostgreSQL named in {setting} does not let us in: {reason}"""

    code = "postgres-dsn-unreachable"
    hint = "Start that server, correct the setting, or remove it: the node then runs a PostgreSQL of its own."


class PostgresTooOld(Misconfigured):
    """The PostgreSQL named in {setting} is version {version}; {floor} is the oldest that works."""

    code = "postgres-too-old"
    hint = "Upgrade that server, or remove the setting: the node then runs a PostgreSQL of its own."


class PostgresServer:
    """A server that is up, and how to reach it. This class: one that others run, which we neither start nor stop."""

    def __init__(self, dsn: str, version: int) -> None:
        self._dsn = dsn
        self.version = version
        """As PostgreSQL counts: 180006 is 18.6."""

    @property
    def dsn(self) -> str:
        """A psycopg connection string. Holds the password: not for diagnostics."""
        return self._dsn

    @property
    def major(self) -> int:
        """15, 16, 17, 18 ..."""
        return self.version // 10_000

    def alive(self) -> bool:
        """Whether it takes connections just now."""
        probe = make_conninfo(self._dsn, connect_timeout=_CONNECT_TIMEOUT_S)
        return psycopg.pq.PGconn.ping(probe.encode()) == psycopg.pq.Ping.OK

    def running(self) -> bool:
        """Whether its process is there, without asking it. Of a server that others run nothing is known."""
        return True

    def stop(self) -> None:
        """End it, if it is ours to end. Asking twice is harmless."""

    def restart(self) -> None:
        """End it and start it anew, if it is ours; `dsn` may change. Open connections break."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.version}>"  # Without the password, and without asking the server.


def connect_to_named(dsn: str) -> PostgresServer:
    """The server that `dsn` names. Raises DsnMalformed, DsnUnreachable, PostgresTooOld."""
    # Errors are not chained: libpq quotes what it could not read, and that may be the password.
    try:
        limited = make_conninfo(dsn, connect_timeout=_CONNECT_TIMEOUT_S)
    except psycopg.ProgrammingError:
        raise DsnMalformed(setting=SETTING) from None
    try:
        version, _ = ask(limited)
    except psycopg.Error as error:
        raise DsnUnreachable(setting=SETTING, reason=str(error).strip().partition("\n")[0]) from None
    if version // 10_000 < FLOOR:
        raise PostgresTooOld(setting=SETTING, version=version // 10_000, floor=FLOOR)
    return PostgresServer(dsn, version)


def ask(dsn: str) -> tuple[int, str]:
    """Version and cluster name. An answer also proves that both sides know the password (SCRAM)."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        row = connection.execute("select current_setting('cluster_name')").fetchone()
        return connection.info.server_version, str(row[0]) if row else ""


def private_dsn(host: str, port: int, password: str) -> str:
    """How to reach a private server as its owner."""
    more: dict[str, Any] = {"require_auth": "scram-sha-256"} if psycopg.pq.version() >= 160_000 else {}
    return make_conninfo(
        host=host,
        port=port,
        user=USER,
        password=password,
        dbname=DATABASE,
        connect_timeout=_CONNECT_TIMEOUT_S,
        sslmode="disable",
        # Said outright, or libpq would take them from the environment, where they are meant for other servers.
        hostaddr="",
        options="",
        client_encoding="UTF8",
        **more,
    )
