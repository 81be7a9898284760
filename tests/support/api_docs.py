"""The operations in docs/api.md, as they stand there."""

import re
from pathlib import Path

import msgspec

GUIDE = Path(__file__).parents[2] / "docs" / "api.md"


class Documented(msgspec.Struct, frozen=True):
    kind: str
    name: str
    text: str


def documented() -> list[Documented]:
    found = re.findall(
        r"```graphql\n((query|mutation|subscription) (\w+).*?)```", GUIDE.read_text("utf-8"), re.DOTALL
    )
    return [Documented(kind, name, text) for text, kind, name in found]
