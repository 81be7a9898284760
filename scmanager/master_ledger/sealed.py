"""What an installation and a server say in a session: sealed by both, so that nobody in between reads or makes it.

Who got the server's name, but not its key, can pass a handshake on to the server and have the session's token. What
follows is sealed with a secret that only the keys of the handshake give (X25519, XChaCha20-Poly1305): he can hold it
back, and sees its path, its size and when it comes; he reads nothing, and neither side takes a word of his for the
other's. Each side makes one of these keys for the one handshake and forgets it: who kept what was sent and steals the
other keys later reads nothing of it.
"""

from collections.abc import Callable
from typing import Final

from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as unseal
from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_encrypt as seal
from nacl.bindings import crypto_scalarmult, crypto_scalarmult_base
from nacl.exceptions import CryptoError

from scmanager.errors import Untrusted
from scmanager.eventstore.entry import digest, u64
from scmanager.eventstore.signing import SigningKey

MEDIA: Final = "application/x-scm-sealed"
"""The type of a body that is sealed."""
NONCE_BYTES: Final = 24
OVERHEAD_BYTES: Final = NONCE_BYTES + 16
"""A sealed body is so much longer."""


class SessionSealBroken(Untrusted):
    """This was not sealed by the other side of the session, or not for this."""

    code = "session-seal-broken"
    hint = "Somebody stands between you and changed it, or one side is faulty. Greet again."


class Once:
    """A key for one handshake (X25519)."""

    def __init__(self, secret: bytes) -> None:
        """`secret`: 32 fresh random bytes."""
        self._secret, self.public = secret, bytes(crypto_scalarmult_base(secret))

    def agreed(self, mine: SigningKey, theirs: bytes, once: bytes) -> bytes:
        """The secret of both sides, from the keys that sign and from those made for this handshake.

        Raises SessionSealBroken for keys of nobody.
        """
        if len(once) != len(self.public):
            raise SessionSealBroken
        try:
            lasting, passing = mine.shared_with(theirs), bytes(crypto_scalarmult(self._secret, once))
        except (ValueError, CryptoError):
            raise SessionSealBroken from None
        return digest("scm/sealed/2", passing, lasting, *sorted((self.public, once)), *sorted((mine.public, theirs)))


class Channel:
    """One side's end of a session. `nonce` gives 32 fresh random bytes."""

    def __init__(self, key: bytes, theirs: bytes, nonce: Callable[[], bytes]) -> None:
        """`key`: as `agreed`; `theirs`: the key, 32 bytes, that the handshake proved to be the other side's."""
        self.theirs, self._key, self._nonce = theirs, key, nonce

    def seal_request(self, path: str, body: bytes) -> bytes:
        """What is sent to this path."""
        return self._sealed(_request(path), body)

    def open_request(self, path: str, sealed: bytes) -> bytes:
        """What came to this path. Raises SessionSealBroken and nothing else."""
        return self._opened(_request(path), sealed)

    def seal_answer(self, request: bytes, status: int, body: bytes) -> bytes:
        """What is answered to a sealed request."""
        return self._sealed(_answer(request, status), body)

    def open_answer(self, request: bytes, status: int, sealed: bytes) -> bytes:
        """What was answered to it. Raises SessionSealBroken and nothing else."""
        return self._opened(_answer(request, status), sealed)

    def _sealed(self, meant: bytes, body: bytes) -> bytes:
        nonce = self._nonce()[:NONCE_BYTES]
        return nonce + bytes(seal(body, meant, nonce, self._key))

    def _opened(self, meant: bytes, sealed: bytes) -> bytes:
        if len(sealed) < OVERHEAD_BYTES:
            raise SessionSealBroken
        try:
            return bytes(unseal(sealed[NONCE_BYTES:], meant, sealed[:NONCE_BYTES], self._key))
        except CryptoError:
            raise SessionSealBroken from None


def _request(path: str) -> bytes:
    return b"scm/sealed-request/1\n" + path.encode()


def _answer(request: bytes, status: int) -> bytes:
    return b"scm/sealed-answer/1\n" + digest("scm/sealed-asked/1", request, u64(status))
