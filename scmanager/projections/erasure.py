"""Erasure: after words were hidden, their bytes leave the database server's files as well (DESIGN 6).

A row that was updated lives on as a dead row, in the write-ahead log and in the planner's statistics. In this order
all three go: rewrite the tables, count anew, rewrite the statistics, end the log file, and two checkpoints, so that
log files from before are removed. Needs a server that does not keep log files for reuse (`wal_recycle = off`).
"""

import psycopg

from scmanager.errors import Misconfigured
from scmanager.projections import rebuild
from scmanager.projections.gathering import MODELS
from scmanager.projections.generation import LIVE, Connection, statement


class FilesRecycled(Misconfigured):
    """The PostgreSQL server keeps old log files for reuse (wal_recycle is on), so erased words stay in them."""

    code = "postgres-recycles-log-files"
    hint = "Set wal_recycle = off on that server and reload it; the clean-up then runs by itself."


class MayNotCleanUp(Misconfigured):
    """The database user may not remove erased words from the server's files."""

    code = "postgres-may-not-clean-up"
    hint = "Give the user of the read models the right to CHECKPOINT, to switch log files and to VACUUM pg_statistic."


def clean_up(connection: Connection) -> None:
    """Remove what was hidden from the server's files. Takes a fraction of a second; writers and readers wait briefly.

    The connection must be in autocommit mode and outside of a transaction. Raises FilesRecycled, MayNotCleanUp.
    """
    try:
        _clean_up(connection)
    except psycopg.errors.InsufficientPrivilege as error:
        raise MayNotCleanUp from error


def _clean_up(connection: Connection) -> None:
    row = connection.execute("SELECT current_setting('wal_recycle')").fetchone()
    if row is None or row[0] != "off":
        raise FilesRecycled
    rebuild.forget(connection)  # A generation kept for rolling back shows what was erased since.
    personal = [table.name for model in MODELS for table in model.tables if table.personal]
    for table in personal:
        connection.execute(statement("VACUUM (FULL) {schema}.{table}", LIVE, table))
    for table in personal:
        connection.execute(statement("ANALYZE {schema}.{table}", LIVE, table))
    connection.execute("VACUUM (FULL) pg_catalog.pg_statistic")
    connection.execute("SELECT pg_switch_wal()")
    connection.execute("CHECKPOINT")
    connection.execute("CHECKPOINT")
    connection.execute(statement("UPDATE {schema}.progress SET clean_up_due = false WHERE clean_up_due", LIVE))
