"""Log lists: which logs a witness witnesses, in the text format of the public witness network (`logs/v0`).

    logs/v0
    vkey sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8
    origin go.sum database tree
    qpd 86400
    contact somebody

`vkey` begins a log; `origin` (none, or left out: the key's name) says what its checkpoints begin with. Several keys
of one origin are one log. Other words are passed over, and so are keys of kinds that this release does not verify.
"""

import re
from typing import Final

import msgspec

from scmanager.errors import Untrusted
from scmanager.eventstore.any_checkpoint import ORIGIN_BYTES_MAX
from scmanager.master_ledger.policy import ED25519, BadVkey, Vkey

FILE_BYTES_MAX: Final = 16 << 20
LOGS_MAX: Final = 100_000
HEADER: Final = "logs/v0"
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f]")


class BadLogList(Untrusted):
    """This is no list of logs: line {line}: {reason}."""

    code = "bad-log-list"
    hint = "It begins with logs/v0; each log has a line `vkey NAME+ID+KEY`, and `origin TEXT` where that differs."


class ListedLog(msgspec.Struct, frozen=True):
    """A log by what its checkpoints begin with, and the Ed25519 keys that it signs them with."""

    origin: str
    keys: tuple[Vkey, ...]


def parse(data: bytes) -> dict[str, ListedLog]:
    """The logs by their origins. Raises BadLogList and nothing else."""
    if len(data) > FILE_BYTES_MAX:
        raise BadLogList(line=0, reason="the file is too long")
    try:
        lines = data.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise BadLogList(line=0, reason="it is not UTF-8") from None
    found: list[tuple[Vkey, str]] = []
    begun = False
    for number, line in enumerate(lines, 1):
        word, _, rest = line.removesuffix("\r").partition(" ")
        if not line.strip() or line.startswith("#"):
            continue
        if not begun and line.strip() != HEADER:
            raise BadLogList(line=number, reason="it does not begin with logs/v0")
        begun, reason = True, _take(found, word, rest)
        if reason or len(found) > LOGS_MAX:
            raise BadLogList(line=number, reason=reason or "more logs than anybody needs")
    if not begun:
        raise BadLogList(line=0, reason="it is empty")
    return _by_origin(found)


def entry_of(key: Vkey, origin: str | None = None) -> str:
    """The lines that list a log."""
    return f"\nvkey {key.text()}\norigin {'none' if origin in (None, key.name) else origin}\n"


def _take(found: list[tuple[Vkey, str]], word: str, rest: str) -> str:
    """What is wrong with this line; empty if nothing is."""
    if word == "vkey":
        try:
            key = Vkey.parse(rest.strip())
        except BadVkey as error:
            return str(error)
        found.append((key, key.name))
    if word == "origin" and rest.strip() != "none":
        if not found:
            return "an origin before any key"
        if not rest or _CONTROL.search(rest) or len(rest.encode()) > ORIGIN_BYTES_MAX:
            return "this origin is empty, too long or not text"
        found[-1] = found[-1][0], rest
    return ""


def _by_origin(found: list[tuple[Vkey, str]]) -> dict[str, ListedLog]:
    logs: dict[str, ListedLog] = {}
    for key, origin in found:
        if key.kind == ED25519:
            before = logs.get(origin, ListedLog(origin, ()))
            logs[origin] = ListedLog(origin, tuple(dict.fromkeys((*before.keys, key))))
    return logs
