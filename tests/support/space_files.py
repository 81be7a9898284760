"""Space files as tests want them: whole in memory, also from bytes that never were a file."""

import io
from pathlib import Path

from scmanager.adapters.space_reading import SpaceFile, space_in


def parse_space(data: bytes) -> SpaceFile:
    read = space_in(lambda: io.BytesIO(data), "bytes")
    return SpaceFile(read.space, tuple(read.logs), read.keys)


def read_whole(path: Path) -> SpaceFile:
    return parse_space(path.read_bytes())
