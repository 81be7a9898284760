"""The house style as a test: what it forbids, and what to write instead. See CONTRIBUTING.md."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import scmanager
import tests.benchmarks
from scmanager.errors import FAMILIES, ScManagerError

ROOT = Path(__file__).parent.parent
SOURCES = sorted((ROOT / "scmanager").rglob("*.py"))
EVERY_FILE = [*SOURCES, *sorted((ROOT / "tests").rglob("*.py")), *sorted((ROOT / "ops").rglob("*.py"))]
LINES_MAX = 400
FUNCTION_LINES_MAX = 60
BANNED_NAMES = {"utils", "util", "helpers", "helper", "common", "base", "manager", "impl", "misc"}
OUTSIDE = {"adapters", "cli"}
"""Packages that may ask the machine: clock, environment, randomness."""
TOP = {"config.py", "runtime.py", "serving.py", "supervisor.py", "__main__.py"}
ASKING = re.compile(r"\b(datetime\.now|datetime\.utcnow|time\.time\(|random\.|os\.environ|uuid4)")
UNFINISHED = re.compile(r"\b(TO" + r"DO|FIX" + r"ME|X" + r"XX|NotImplemented" + r"Error)\b")


def relative(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_module_is_short_enough_to_be_read_at_one_sitting(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES_MAX, "split it by idea"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_a_module_is_named_after_what_it_is(path: Path) -> None:
    assert path.stem not in BANNED_NAMES, "name the thing it holds"
    assert len(path.relative_to(ROOT).parts) <= 3 or path.parent.name == "sql", "two levels of folders, no deeper"


@pytest.mark.parametrize("path", EVERY_FILE, ids=relative)
def test_nothing_is_left_unfinished(path: Path) -> None:
    assert not UNFINISHED.search(path.read_text(encoding="utf-8")), "finish it, or write it down in docs/roadmap.md"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_only_the_edge_asks_the_machine(path: Path) -> None:
    parts = path.relative_to(ROOT / "scmanager").parts
    if parts[0] in OUTSIDE | TOP:
        return
    found = ASKING.search(path.read_text(encoding="utf-8"))
    assert not found, f"{found.group() if found else ''}: take it as an argument"


@pytest.mark.parametrize("path", SOURCES, ids=relative)
def test_functions_stay_small(path: Path) -> None:
    long = [
        f"{node.name} has {node.end_lineno - node.lineno + 1} lines"
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > FUNCTION_LINES_MAX
    ]
    assert not long, "cut it where its steps have names"


def every_error() -> Iterator[type[ScManagerError]]:
    for module in pkgutil.walk_packages(scmanager.__path__, "scmanager."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    waiting = list(FAMILIES)
    while waiting:
        error = waiting.pop()
        yield error
        waiting.extend(error.__subclasses__())


def test_every_error_has_a_code_of_its_own_a_hint_and_a_sentence() -> None:
    codes: dict[str, str] = {}
    for error in every_error():
        where = f"{error.__module__}.{error.__name__}"
        assert re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", error.code), where
        assert error.code not in codes, f"{where} shares its code with {codes[error.code]}"
        codes[error.code] = where
        assert error.hint.endswith("."), f"{where}: the hint is a sentence that says what to do"
        assert (error.__doc__ or "").partition("\n")[0].endswith((".", "}")), f"{where}: its docstring is its message"


def test_every_error_stands_in_one_family() -> None:
    for error in every_error():
        assert sum(issubclass(error, family) for family in FAMILIES) == 1, error


def test_no_link_to_a_package_index_and_no_path_of_a_machine_is_committed() -> None:
    for path in (ROOT / "requirements").glob("*.txt"):
        text = path.read_text(encoding="utf-8")
        assert "://" not in text, path.name
        assert "index-url" not in text, path.name


@pytest.mark.parametrize("module", [each.name for each in pkgutil.iter_modules(tests.benchmarks.__path__)])
def test_every_measurement_can_be_asked_for_by_make_bench(module: str) -> None:
    if module != "__main__":
        assert callable(importlib.import_module(f"tests.benchmarks.{module}").measure)
