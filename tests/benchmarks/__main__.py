"""Every measurement in turn: a table for people, `benchmarks.json` for programs. Names on the command line choose."""

import importlib
import json
import os
import pkgutil
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

import tests.benchmarks


def main(names: list[str]) -> int:
    """Run the named modules, or all of them."""
    known = sorted(
        module.name for module in pkgutil.iter_modules(tests.benchmarks.__path__) if module.name != "__main__"
    )
    results: dict[str, dict[str, object]] = {}
    for name in names or known:
        began = time.monotonic()
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else -1.0
        results[name] = importlib.import_module(f"tests.benchmarks.{name}").measure()
        print(f"\n{name}  ({time.monotonic() - began:.0f} s, load before {load:.1f})")
        for figure, value in _flat(results[name]):
            print(f"  {figure:48} {_text(value)}")
    Path("benchmarks.json").write_text(json.dumps(results, indent=2, default=str), encoding="utf-8")
    return 0


def _flat(figures: Mapping[str, object], above: str = "") -> Iterator[tuple[str, object]]:
    """Every figure by its full name; one that is itself a table of others gives theirs."""
    for name, value in figures.items():
        if isinstance(value, dict) and not {"median", "value", "max"} & value.keys():
            yield from _flat(value, f"{above}{name}, ")
        else:
            yield above + name, value


def _text(value: object) -> str:
    if not isinstance(value, dict):
        return str(value)
    spread = f"  [{value['min']} .. {value['max']}]" if {"min", "max"} <= value.keys() else ""
    main_part = value.get("median", value.get("value", ""))
    aim = f"  aim {value['aim']}" if "aim" in value else ""
    return f"{main_part}{spread}{aim}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
