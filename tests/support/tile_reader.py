"""A reader of a published log, written from the C2SP pages alone (tlog-tiles, tlog-checkpoint, signed-note).

It imports nothing of ours. It gets a folder and the log's public key, and comes back with the entries, or says what
does not fit. A client that fetches over a network reads the same paths.
"""

from base64 import b64decode, b64encode
from hashlib import sha256
from pathlib import Path

from nacl.signing import VerifyKey


class Wrong(Exception):
    """What lies there does not fit together."""


def head(folder: Path, origin: str, public: bytes) -> tuple[int, bytes]:
    """The size and root that the log signed."""
    text, gap, lines = (folder / "checkpoint").read_bytes().decode("utf-8").partition("\n\n")
    if not gap:
        raise Wrong("a note has an empty line")
    text += "\n"
    key_id = sha256(origin.encode() + b"\n\x01" + public).digest()[:4]
    signatures = [line.split(" ") for line in lines.splitlines()]
    mine = [b64decode(value)[4:] for dash, name, value in signatures if (dash, name) == ("—", origin)
            and b64decode(value)[:4] == key_id]  # fmt: skip
    if len(mine) != 1:
        raise Wrong("the log has not signed it")
    VerifyKey(public).verify(text.encode(), mine[0])
    name, size, root = text.splitlines()
    if name != origin or str(int(size)) != size or b64encode(b64decode(root)).decode() != root:
        raise Wrong("a checkpoint is spelled in one way")
    return int(size), b64decode(root)


def path_of(level: str, index: int, width: int) -> str:
    """`<level>/x001/x234/067[.p/<width>]`."""
    digits = str(index)
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    name = "/".join([*(f"x{group}" for group in groups[:-1]), groups[-1]])
    return f"{level}/{name}" + ("" if width == 256 else f".p/{width}")


def widths(size: int) -> list[tuple[int, int]]:
    """(index, width) of each tile of a level that has so many hashes."""
    whole = [(index, 256) for index in range(size // 256)]
    return [*whole, (size // 256, size % 256)] if size % 256 else whole


def bundles(folder: Path, level: str, size: int) -> list[bytes]:
    """What stands in bundles: each piece after its length as u16."""
    found = []
    for index, width in widths(size):
        data = (folder / path_of(level, index, width)).read_bytes()
        before = len(found)
        while data:
            length = int.from_bytes(data[:2], "big")
            if len(data) < 2 + length:
                raise Wrong("a bundle is cut short")
            found.append(data[2 : 2 + length])
            data = data[2 + length :]
        if len(found) - before != width:
            raise Wrong("a bundle has as many pieces as its path says")
    return found


def level(folder: Path, number: int, size: int) -> list[bytes]:
    """The hashes of one level."""
    found: list[bytes] = []
    for index, width in widths(size):
        data = (folder / path_of(f"tile/{number}", index, width)).read_bytes()
        if len(data) != 32 * width:
            raise Wrong("a tile has as many hashes as its path says")
        found += [data[at : at + 32] for at in range(0, len(data), 32)]
    return found


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1, over leaf hashes."""
    if not leaves:
        return sha256().digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return sha256(b"\x01" + mth(leaves[:split]) + mth(leaves[split:])).digest()


def entries(folder: Path, origin: str, public: bytes) -> list[bytes]:
    """Every entry of the log, each proved to stand under the signed root. Raises Wrong and what reading raises."""
    size, root = head(folder, origin, public)
    found = bundles(folder, "tile/entries", size)
    hashes, number = [sha256(b"\x00" + entry).digest() for entry in found], 0
    if mth(hashes) != root:
        raise Wrong("the entries do not make the root")
    while hashes:
        if level(folder, number, len(hashes)) != hashes:
            raise Wrong(f"level {number} is not made of what is below")
        hashes = [mth(hashes[at : at + 256]) for at in range(0, len(hashes) - 255, 256)]
        number += 1
    return found
