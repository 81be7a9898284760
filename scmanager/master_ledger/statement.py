"""Statements: the bytes that root and release keys sign, and what keeps a statement from being one.

Signed are the purpose, whom it is for, and the one JSON spelling of the statement (ADR 18).
"""

from collections.abc import Sequence
from typing import Final, TypeVar

from scmanager.domain.ledger import Channel, KeyManifest, LogKind, Plugin, Quorum, Update
from scmanager.domain.words import flaw_of_title
from scmanager.errors import Untrusted
from scmanager.eventstore.entry import digest, encode_json
from scmanager.eventstore.signing import purpose
from scmanager.master_ledger.content_hash import sha256_of
from scmanager.master_ledger.version import is_release, precedence

HASH_BYTES: Final = 32
_BEFORE_THE_FIRST: Final = bytes(HASH_BYTES)

_Sorted = TypeVar("_Sorted", bytes, str)

Statement = KeyManifest | Update | Plugin


def message(statement: Statement) -> bytes:
    """What is signed."""
    match statement:
        case KeyManifest():
            start = purpose("key-manifest", statement.prev or _BEFORE_THE_FIRST)
        case Update():
            start = purpose("update", statement.ledger)
        case Plugin():
            start = purpose("plugin", statement.ledger)
    return start + encode_json(statement)


def manifest_hash(manifest: KeyManifest) -> bytes:
    """How the next manifest names this one, 32 bytes; of the first it is the ledger's id. Signatures are no part."""
    return digest("scm/key-manifest-hash/1", encode_json(manifest))


def flaw_of(statement: Statement) -> str:
    """What keeps this from being a statement, beyond the types of its fields; empty if nothing does. Total."""
    try:
        match statement:
            case KeyManifest():
                return _flaw_of_manifest(statement)
            case Update():
                return _flaw_of_update(statement)
            case Plugin():
                return _flaw_of_plugin(statement)
    except Untrusted as error:  # A version or a hash.
        return str(error)


def _flaw_of_manifest(manifest: KeyManifest) -> str:
    first = manifest.n == 1
    if len(manifest.prev) != (0 if first else HASH_BYTES):
        return "the first manifest alone names none before it"
    if flaw := _flaw_of_quorum("root", manifest.root) or _flaw_of_quorum("release", manifest.release):
        return flaw
    if 2 * manifest.root.m <= len(manifest.root.keys):
        return "two halves of the root keys could each sign a successor"
    keys = [*manifest.root.keys, *manifest.release.keys, *(each.key for each in manifest.logs)]
    if len(set(keys)) != len(keys):
        return "one key has two roles"
    logs = [each.log for each in manifest.logs]
    if len(set(logs)) != len(logs):
        return "one log is listed twice"
    return _flaw_of_retired(manifest, set(keys), {each.log for each in manifest.logs if each.kind is LogKind.LEDGER})


def _flaw_of_retired(manifest: KeyManifest, active: set[bytes], logs: set[bytes]) -> str:
    retired = [each.key for each in manifest.retired]
    if len(set(retired)) != len(retired) or active & set(retired):
        return "a retired key is listed twice or has a role"
    for each in manifest.retired:
        named = [row.log for row in each.upto]
        if len(set(named)) != len(named) or not set(named) <= logs:
            return "a retired key counts in a log that is not listed for statements, or twice in one"
    return ""


def _flaw_of_quorum(name: str, quorum: Quorum) -> str:
    if not _ascending(quorum.keys):
        return f"the {name} keys are not distinct and in order"
    return "" if quorum.m <= len(quorum.keys) else f"more {name} keys are needed than there are"


def _flaw_of_update(update: Update) -> str:
    sha256_of(update.content_hash)
    if precedence(update.min_supported_version) > precedence(update.version):
        return "it does not support itself: its lowest supported version is above its own"
    if update.channel is Channel.STABLE and not is_release(update.version):
        return "a pre-release cannot be in the stable channel"
    return ""


def _flaw_of_plugin(plugin: Plugin) -> str:
    sha256_of(plugin.content_hash)
    precedence(plugin.version)
    precedence(plugin.required_core_version)
    if not _ascending(plugin.permissions):
        return "its permissions are not distinct and in order"
    if plugin.registered_at > plugin.updated_at:
        return "it was updated before it was registered"
    for name in ("name", "author", "description"):
        if flaw := flaw_of_title(getattr(plugin, name)):
            return f"its {name}: {flaw}"
    return ""


def _ascending(values: Sequence[_Sorted]) -> bool:
    return sorted(set(values)) == list(values)
