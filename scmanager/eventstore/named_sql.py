"""SQL lies in files of its own, in pieces that begin with `-- name: something`."""

import re
from collections.abc import Mapping
from importlib.resources import files

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


def load(file: str) -> Mapping[str, bytes]:
    """Every named piece of one file in `sql/`, by its name."""
    text = files("scmanager.eventstore").joinpath("sql", file).read_text(encoding="utf-8")
    pieces = _NAME.split(text)[1:]
    return {
        name: body.strip().removesuffix(";").encode() for name, body in zip(pieces[::2], pieces[1::2], strict=True)
    }
