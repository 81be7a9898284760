"""Numbers as Prometheus reads them (text format 0.0.4). Names carry no labels: this is one node."""

import re
from collections.abc import Mapping

_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*\Z")


def exposition(numbers: Mapping[str, float]) -> str:
    """One gauge or counter a line; what ends in `_total` only grows."""
    lines: list[str] = []
    for name, value in sorted(numbers.items()):
        if not _NAME.match(name):
            raise ValueError(f"{name!r} is no name of a metric")
        lines += [f"# TYPE {name} {'counter' if name.endswith('_total') else 'gauge'}", f"{name} {_number(value)}"]
    return "\n".join(lines) + "\n"


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) and abs(value) < 2**53 else repr(float(value))
