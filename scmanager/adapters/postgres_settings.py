"""How a node's private PostgreSQL is set: small, quiet, and silent about the values in it.

All settings go on the server's command line: nothing in the data folder (ALTER SYSTEM, a file left by an older
release) can override them, and nobody has to write into a folder that another user owns.
"""

from hashlib import sha3_256

FLOOR = 15
"""The oldest major version that works."""

PORT = 5432
"""Names the socket file only; on Windows a free TCP port takes its place."""

_SMALL = {
    "max_connections": "20",
    "superuser_reserved_connections": "1",
    "shared_buffers": "16MB",
    "maintenance_work_mem": "32MB",
    "huge_pages": "off",
    "jit": "off",
    "max_worker_processes": "0",
    "max_parallel_workers": "0",
    "max_parallel_workers_per_gather": "0",
    "max_parallel_maintenance_workers": "0",
    "max_logical_replication_workers": "0",
    "max_wal_senders": "0",
    "autovacuum_max_workers": "1",
    # Nobody replicates from here, and a table filled in the transaction that made it (a rebuild) needs no log at all.
    "wal_level": "minimal",
    "max_wal_size": "256MB",
    "min_wal_size": "32MB",
}

_QUIET = {
    # Background processes sleep long when nothing happens; each wakes at once when there is work.
    "autovacuum_naptime": "300s",
    "bgwriter_delay": "10s",
    "wal_writer_delay": "1s",
    "checkpoint_timeout": "15min",
}

_DISPOSABLE = {
    # Read models follow the event log and keep their position in the same transaction, so a lost tail is projected
    # again: commits need not wait for the disk. fsync stays on: without it a power cut may leave a folder that
    # starts and answers wrongly, and checkpoints are rare enough not to be felt.
    "synchronous_commit": "off",
    "fsync": "on",
    # An erased personal value must not live on in a recycled log file (DESIGN 6).
    "wal_recycle": "off",
}

_SILENT = {
    "log_destination": "stderr",
    "logging_collector": "off",
    # For the server's log LOG stands above ERROR: start, stop and crashes are written, failed statements are not.
    # Even an error's message may quote a value (invalid input syntax for type integer: "...").
    "log_min_messages": "log",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",  # no DETAIL: that of a unique violation quotes the row
    "log_statement": "none",
    "log_min_duration_statement": "-1",
    "log_min_duration_sample": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
    "log_checkpoints": "off",
    "log_autovacuum_min_duration": "-1",
    "log_temp_files": "-1",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "lc_messages": "C",
}

_SINCE = {18: {"io_method": "sync"}}  # No worker processes for reading; the data fits into memory.


def settings(major: int) -> dict[str, str]:
    """Every setting that does not depend on the place, for a server of this major version."""
    chosen = _SMALL | _QUIET | _DISPOSABLE | _SILENT
    for since, more in _SINCE.items():
        if major >= since:
            chosen = chosen | more
    return chosen | {"cluster_name": f"scm-{_fingerprint(chosen)}"}


def cluster_name(major: int) -> str:
    """What a running server must call itself to be one that this release would have started."""
    return settings(major)["cluster_name"]


def _fingerprint(chosen: dict[str, str]) -> str:
    return sha3_256(repr(sorted(chosen.items())).encode()).hexdigest()[:12]
