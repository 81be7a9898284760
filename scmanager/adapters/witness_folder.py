"""A witness's folder: its keys under its name, the logs that it witnesses, and what it has cosigned. Or a mirror's.

The keys lie there in clear, for their owner only: a witness answers while nobody is there to type a passphrase. They
sign cosignatures and nothing else. A key signs for one purpose, as a mirror's says more than a witness's: that it
holds the log. The list of logs is read anew when it changes.
"""

import enum
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from scmanager.adapters.private_files import parse_json, private_folder, read_private, write_private
from scmanager.adapters.public_files import write_public
from scmanager.adapters.space_file import read_bytes
from scmanager.adapters.witness_memory import WitnessMemory
from scmanager.errors import Conflict, Refused, Unavailable, Untrusted
from scmanager.eventstore.signing import SigningKey
from scmanager.master_ledger import log_list
from scmanager.master_ledger.cosignature import NAME_BYTES_MAX, CosignerKey, cosign, cosign_subtree, witness_of
from scmanager.master_ledger.log_list import BadLogList, ListedLog
from scmanager.master_ledger.ml_dsa import MlDsaKey
from scmanager.master_ledger.policy import ED25519, Vkey
from scmanager.master_ledger.subtrees import AskedSubtree
from scmanager.master_ledger.witnessing import Asked, LogFrozen, LogNotWitnessed, signed

LOGS_FILE, MEMORY_FILE = "logs", "cosigned.sqlite"
_NAME = re.compile(r"[!-*,-~]+")

Seed = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class Purpose(enum.StrEnum):
    """What a folder's keys stand for."""

    WITNESS = "witness"
    MIRROR = "mirror"

    @property
    def key_file(self) -> str:
        """Its name in the folder."""
        return f"{self}.json"


class WitnessThere(Conflict):
    """{folder} holds a witness or a mirror already."""

    code = "witness-there"
    hint = "Go on with it: scm witness serve, scm mirror serve. For another one, use a folder of its own."


class WitnessMissing(Unavailable):
    """There is no {purpose} in {folder}."""

    code = "witness-missing"
    hint = "Make one: scm witness init DIR --name NAME, scm mirror init DIR --name NAME."


class WitnessKeyDamaged(Untrusted):
    """The witness's key file does not hold together: it was changed or cut short."""

    code = "witness-key-damaged"
    hint = "Bring a copy of it, with the newest cosigned.sqlite beside it. Or begin anew, with another name."


class WitnessNameUnusable(Refused):
    """{typed} is no name that a witness can sign under."""

    code = "witness-name-unusable"
    hint = "An address without https://, such as example.org/witness: plain letters, no blanks, no plus, 255 at most."


class LogKeyUnusable(Refused):
    """A log's checkpoints are signed with Ed25519 here; this key is of another kind."""

    code = "log-key-unusable"
    hint = "Take the log's key of type 01, if it has one: scm author log prints ours."


class WitnessKeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The key file: a name, and the seeds of both keys."""

    format: Literal["scm-witness-key/1", "scm-mirror-key/1"]
    name: str
    ed25519: Seed
    ml_dsa_44: Seed


class WitnessFolder:
    """An open one. Any number of threads may ask."""

    def __init__(
        self, folder: Path, state: Path, now_s: Callable[[], int], purpose: Purpose = Purpose.WITNESS
    ) -> None:
        """`state`: this user's state folder. Raises WitnessMissing, WitnessKeyDamaged, BadLogList, as the memory."""
        raw = read_private(folder / purpose.key_file)
        if raw is None:
            raise WitnessMissing(folder=str(folder), purpose=purpose.value)
        file = parse_json(raw, WitnessKeyFile, WitnessKeyDamaged())
        if not _is_name(file.name) or file.format != _format(purpose):
            raise WitnessKeyDamaged
        self.name = file.name
        self._keys: tuple[CosignerKey, ...] = (SigningKey(file.ed25519), MlDsaKey(file.ml_dsa_44))
        self._list, self._now_s = folder / LOGS_FILE, now_s
        self._listed: tuple[tuple[int, int], dict[str, ListedLog]] | None = None
        self.logs()
        mark = sha256("\n".join(self.vkeys).encode()).hexdigest()[:16]
        self.memory = WitnessMemory(folder / MEMORY_FILE, state / f"{purpose}-{mark}.mark", self.vkeys)

    @property
    def vkeys(self) -> tuple[str, ...]:
        """What goes into policies: the Ed25519 key, and the ML-DSA-44 key."""
        found = (witness_of(self.name, key) for key in self._keys)
        return tuple(Vkey(each.name, each.kind, each.key).text() for each in found)

    def logs(self) -> dict[str, ListedLog]:
        """The list as it is now. Raises BadLogList, FileUnreadable."""
        try:
            found = self._list.stat()
        except FileNotFoundError:
            return {}
        stamp = found.st_mtime_ns, found.st_size
        if self._listed is None or self._listed[0] != stamp:
            self._listed = stamp, log_list.parse(read_bytes(self._list, log_list.FILE_BYTES_MAX))
        return self._listed[1]

    def check_signed(self, asked: Asked) -> None:
        """Raises LogNotWitnessed, NotByTheLog."""
        signed(asked, self.logs().get(asked.point.origin))

    def add_checkpoint(self, asked: Asked) -> bytes:
        """The witness's lines. Raises what `witnessing` and the memory raise."""
        return self.memory.consider(asked, self.logs().get(asked.point.origin), self.cosign)

    def sign_subtree(self, asked: AskedSubtree) -> bytes:
        """The line of the ML-DSA-44 key for a part of a tree that it cosigned.

        Raises LogNotWitnessed, NotCosignedHere, LogFrozen, and as the memory.
        """
        origin = asked.point.origin
        if origin not in self.logs():
            raise LogNotWitnessed(origin=origin)
        asked.check_cosigned(witness_of(self.name, key) for key in self._keys)
        if self.evidence(sha256(origin.encode()).digest()) is not None:
            raise LogFrozen
        part = origin, asked.start, asked.end, asked.root, self.name
        return b"".join(cosign_subtree(*part, key) for key in self._keys if isinstance(key, MlDsaKey))

    def checkpoint(self, name: bytes) -> bytes | None:
        """The note last cosigned of a log, by the SHA-256 of its origin; None without one."""
        return self.memory.newest(name)

    def evidence(self, name: bytes) -> bytes | None:
        """What convicts that log; None if nothing does."""
        return self.memory.evidence(name)

    def cosign(self, text: str) -> bytes:
        """The lines of both keys for a checkpoint that is kept; whether to sign at all is for the caller."""
        now_s = self._now_s()
        return b"".join(cosign(text, self.name, key, now_s) for key in self._keys)

    def close(self) -> None:
        """Let go of the memory."""
        self.memory.close()


def make(folder: Path, name: str, purpose: Purpose = Purpose.WITNESS) -> None:
    """A fresh one with no log. Raises WitnessNameUnusable, WitnessThere, PrivateFileFailed."""
    if not _is_name(name):
        raise WitnessNameUnusable(typed=name)
    private_folder(folder)
    if _held(folder) or (folder / MEMORY_FILE).exists():
        raise WitnessThere(folder=str(folder))
    seeds = SigningKey.generate().reveal_seed(), MlDsaKey.generate().reveal_seed()
    file = WitnessKeyFile(_format(purpose), name, *seeds)
    write_private(
        folder / purpose.key_file, msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n", replace=False
    )


def add_log(folder: Path, key: Vkey, origin: str | None) -> int:
    """List a log; what is listed already stays so. How many there are. Raises LogKeyUnusable, BadLogList."""
    if key.kind != ED25519:
        raise LogKeyUnusable
    path = folder / LOGS_FILE
    if not _held(folder):
        raise WitnessMissing(folder=str(folder), purpose="witness or mirror")
    held = read_bytes(path, log_list.FILE_BYTES_MAX) if path.exists() else f"{log_list.HEADER}\n".encode()
    before = log_list.parse(held)
    if key not in before.get(origin or key.name, ListedLog("", ())).keys:
        held = held.rstrip(b"\n") + b"\n" + log_list.entry_of(key, origin).encode()
    after = log_list.parse(held)
    if key not in after.get(origin or key.name, ListedLog("", ())).keys:
        raise BadLogList(line=0, reason="this origin is not one line of text")
    write_public(path, held)
    return len(after)


def _held(folder: Path) -> bool:
    return any((folder / each.key_file).exists() for each in Purpose)


def _format(purpose: Purpose) -> Literal["scm-witness-key/1", "scm-mirror-key/1"]:
    return "scm-witness-key/1" if purpose == Purpose.WITNESS else "scm-mirror-key/1"


def _is_name(name: str) -> bool:
    return bool(_NAME.fullmatch(name)) and len(name) <= NAME_BYTES_MAX
