"""Author keys: the secret halves of root and release keys, in files for machines without a network (SPEC A1, ADR 18).

A key is 64 bytes, the secret half (its seed) and then the public one. Its file is either just that, or JSON that says
in clear which key it is and holds the 64 bytes sealed under a passphrase.
"""

import hmac
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from scmanager.adapters.private_files import parse_json, read_private, write_private
from scmanager.adapters.wrapping import PassphraseLock, PassphraseProtection, SealBroken, unwrap, wrap
from scmanager.errors import Refused, Unavailable, Untrusted
from scmanager.eventstore.signing import PUBLIC_BYTES, SEED_BYTES, SigningKey

KEY_BYTES = SEED_BYTES + PUBLIC_BYTES

_FORMAT = "scm-author-key/1"
FORMAT_WITHIN = 64
"""So far into a sealed file its format is said."""

Role = Literal["root", "release", "server"]
Key32 = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class AuthorKeyMissing(Unavailable):
    """There is no key file {path}."""

    code = "author-key-missing"
    hint = "Check the name, and that the stick it is on is there."


class AuthorKeyLength(Untrusted):
    """A key has 64 bytes, this file has {found}."""

    code = "author-key-length"
    hint = "It is cut short, or is no key file. Take the other copy."


class AuthorKeyHalves(Untrusted):
    """The two halves of this key do not belong together."""

    code = "author-key-halves"
    hint = "The public half must be that of the secret one, and come second. Take the other copy."


class AuthorKeyDamaged(Untrusted):
    """This key file does not hold together: it was changed, cut short, or belongs to another key."""

    code = "author-key-damaged"
    hint = "Take the other copy of this key."


class AuthorPassphraseWrong(Refused):
    """The passphrase does not open this key."""

    code = "author-passphrase-wrong"
    hint = "Type it again; nobody can reset it. If it is surely right, the file was changed: take the other copy."


class AuthorKeyRole(Refused):
    """This is a {found} key, a {wanted} key is needed here."""

    code = "author-key-role"
    hint = "Root keys sign key manifests, release keys updates and plugins, server keys handshakes, and nothing else."


class AuthorKeyFile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A sealed key file. The seal covers all that is in clear."""

    format: Literal["scm-author-key/1"]
    role: Role
    public: Key32
    lock: PassphraseLock
    sealed: Annotated[bytes, msgspec.Meta(max_length=256)]

    def context(self) -> bytes:
        """What the seal authenticates."""
        return b"scm/author-key-file/1\n" + msgspec.json.encode(msgspec.structs.replace(self, sealed=b""))


def write_author_key(path: Path, role: Role, key: SigningKey, protection: PassphraseProtection | None) -> None:
    """Write a new file for its owner only; without a protection, the 64 bytes as they are.

    Raises PrivateFileExists, PrivateFileFailed, PassphraseTooShort.
    """
    plain = key.reveal_seed() + key.public
    if protection is None:
        write_private(path, plain, replace=False)
        return
    lock, wrapping = protection.make()
    if not isinstance(lock, PassphraseLock):
        raise TypeError("a passphrase makes passphrase locks")
    empty = AuthorKeyFile("scm-author-key/1", role, key.public, lock, b"")
    file = msgspec.structs.replace(empty, sealed=wrap(wrapping, plain, empty.context()))
    write_private(path, msgspec.json.format(msgspec.json.encode(file), indent=2) + b"\n", replace=False)


def read_author_key(path: Path) -> bytes:
    """The file's bytes. Raises AuthorKeyMissing, PrivateFileFailed."""
    raw = read_private(path)
    if raw is None:
        raise AuthorKeyMissing(path=str(path))
    return raw


def is_sealed(raw: bytes) -> bool:
    """Whether a passphrase has to be asked for."""
    return len(raw) != KEY_BYTES and raw.lstrip()[:1] == b"{"


def parse_plain(raw: bytes) -> SigningKey:
    """The key with these 64 bytes. Raises AuthorKeyLength, AuthorKeyHalves and nothing else."""
    if len(raw) != KEY_BYTES:
        raise AuthorKeyLength(found=len(raw))
    key = SigningKey(raw[:SEED_BYTES])
    if not hmac.compare_digest(key.public, raw[SEED_BYTES:]):
        raise AuthorKeyHalves
    return key


def parse_sealed(raw: bytes) -> AuthorKeyFile:
    """A sealed file, unopened. Raises AuthorKeyDamaged and nothing else."""
    return parse_json(raw, AuthorKeyFile, AuthorKeyDamaged())


def told_of(raw: bytes) -> tuple[Role | None, bytes] | None:
    """Role and public half that a key file tells of itself; no role of a plain one. None: it is no key file.

    Nothing proves the public half of a sealed file before it is opened. Raises AuthorKeyHalves, AuthorKeyDamaged.
    """
    if len(raw) == KEY_BYTES:
        return None, parse_plain(raw).public
    if _FORMAT.encode() not in raw[:FORMAT_WITHIN]:
        return None
    file = parse_sealed(raw)
    return file.role, file.public


def open_author_key(raw: bytes, wanted: Role, protection: PassphraseProtection | None = None) -> SigningKey:
    """The key in a file, for work of this role; 64 plain bytes do not say theirs.

    Raises AuthorKeyLength, AuthorKeyHalves, AuthorKeyDamaged, AuthorKeyRole, AuthorPassphraseWrong.
    """
    if not is_sealed(raw):
        return parse_plain(raw)
    file = parse_sealed(raw)
    if file.role != wanted:
        raise AuthorKeyRole(found=file.role, wanted=wanted)
    if protection is None:
        raise AuthorPassphraseWrong
    try:
        plain = unwrap(protection.open(file.lock), file.sealed, file.context())
    except SealBroken as error:
        raise AuthorPassphraseWrong from error  # Changed bytes look alike, and shall.
    key = parse_plain(plain)
    if key.public != file.public:
        raise AuthorKeyDamaged
    return key
