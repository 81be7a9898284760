"""What can be told about a verb from the code and the tests alone: its events, its rights, where it is tested.

Events: those constructed by the verb's function or by any function of `domain` or `application` that it names, with
the twin (`...-for`) wherever the decision chooses one by who acts. It may name one too many, never one too few.

Tests are found by reading them. A *refusal test* has `when(decision, ...)` and then `then_refused(...)`, or says the
verb to a node inside `pytest.raises`. A *clash test* puts an event of the verb into `meanwhile(...)` or
`in_either_order(...)`, or says the verb to nodes in one `at_once(...)`: neither knew what the other said.
"""

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any, NamedTuple

from scmanager.application.desk import Desk
from scmanager.application.verbs import Verb
from scmanager.domain.event import CATALOGUE, EventMeta
from scmanager.domain.governance import Heads, needs

ROOMS = ("scmanager.domain.", "scmanager.application.")
TESTS = Path("tests")
ROOT = Path(__file__).parent.parent


def events_of(verb: Verb) -> list[str]:
    """Tags of the events that a verb may record, sorted; `heads/1`, which any of them may bring along, aside."""
    return sorted(_reached(verb.act)[1] - {Heads.tag})


def rights_of(tags: list[str]) -> list[str]:
    """The rights those events need, sorted; what is open to everybody needs none."""
    return sorted({right for tag in tags if (right := needs(tag)) is not None})


def decisions_of(verb: Verb) -> set[str]:
    """The decisions of the domain that the verb's own function asks for, as `module.function`."""
    return {
        f"{found.__module__}.{found.__name__}"
        for found in _named(verb.act)
        if isinstance(found, FunctionType) and found.__module__.startswith("scmanager.domain.")
    }


def _reached(start: Callable[..., Any]) -> tuple[set[Any], set[str]]:
    seen: set[Any] = set()
    tags: set[str] = set()
    waiting: list[Any] = [start]
    while waiting:
        function = waiting.pop()
        if function in seen:
            continue
        seen.add(function)
        tags |= _made(function)
        waiting += [
            found
            for found in _named(function)
            if isinstance(found, FunctionType) and found.__module__.startswith(ROOMS)
        ]
    if any(function.__name__ == "_voiced" for function in seen):
        tags |= {twin for tag in tags if (twin := _twin(tag)) in CATALOGUE}
    return seen, tags


def _twin(tag: str) -> str:
    name, _, version = tag.partition("/")
    return f"{name}-for/{version}"


@cache
def _tree(function: Any) -> ast.AST:
    return ast.parse(textwrap.dedent(inspect.getsource(function)))


@cache
def _walked(node: ast.AST) -> tuple[ast.AST, ...]:
    """It and everything below it. Looked at again and again: each way of reading a function asks for it."""
    return tuple(ast.walk(node))


@cache
def _named(function: Any) -> tuple[Any, ...]:
    """What of the outer world the function's body names, resolved."""
    names = (node for node in _walked(_tree(function)) if isinstance(node, ast.Name | ast.Attribute))
    return tuple(found for node in names if (found := _resolve(node, function)) is not None)


@cache
def _made(function: Any) -> frozenset[str]:
    """Tags of the events whose classes the body calls."""
    calls = (node.func for node in _walked(_tree(function)) if isinstance(node, ast.Call))
    made = (_resolve(func, function) for func in calls)
    return frozenset({each.tag for each in made if isinstance(each, EventMeta) and getattr(each, "tag", "")})


def _resolve(node: ast.AST, function: Any) -> Any:
    if isinstance(node, ast.Name):
        return function.__globals__.get(node.id)
    if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
        if node.value.id in {"desk", "self"}:
            return inspect.getattr_static(Desk, node.attr, None)
        owner = function.__globals__.get(node.value.id)
        return getattr(owner, node.attr, None) if isinstance(owner, ModuleType) else None
    return None


class Tested(NamedTuple):
    """A test function, and what it shows."""

    place: str
    """`tests/domain/test_fleet.py::test_...`."""
    refused: frozenset[str]
    """Decisions (`module.function`) and verbs that it sees refused."""
    met: frozenset[str]
    """Events (`module.Class`) that it lets meet something said at the same time."""


@cache
def tests() -> tuple[Tested, ...]:
    """Every test function there is, in order of place."""
    found = []
    for path in sorted((ROOT / TESTS).rglob("test_*.py")):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported, constants = _imported(tree), _assigned(tree.body)
        for node in tree.body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                place = f"{path.relative_to(ROOT).as_posix()}::{node.name}"
                refused = {imported.get(name, name) for name in (*_refused(node, constants), *_refused_verbs(node))}
                met = {imported.get(name, name) for name in _met(node, constants)} | _met_verbs(node)
                found.append(Tested(place, frozenset(refused), frozenset(met)))
        _walked.cache_clear()  # All that there are would fill a few hundred megabytes.
    return tuple(found)


def _imported(tree: ast.Module) -> dict[str, str]:
    """Local name -> where it comes from; for a name of an imported module, `module.name` too."""
    found = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    dotted = {spelt for node in _walked(tree) if isinstance(node, ast.Attribute) for spelt in _dotted(node)}
    return found | {f"{owner}.{name}": f"{found[owner]}.{name}" for owner, name in dotted if owner in found}


def _dotted(node: ast.Attribute) -> Iterator[tuple[str, str]]:
    if isinstance(node.value, ast.Name):
        yield node.value.id, node.attr


def _names(*nodes: ast.AST) -> set[str]:
    """Names and `module.name`s in these."""
    found = set()
    for node in nodes:
        for each in _walked(node):
            if isinstance(each, ast.Name):
                found.add(each.id)
            elif isinstance(each, ast.Attribute):
                found |= {f"{owner}.{name}" for owner, name in _dotted(each)}
    return found


def _calls(node: ast.AST, *names: str) -> list[ast.Call]:
    calls = [each for each in _walked(node) if isinstance(each, ast.Call)]
    return [each for each in calls if _called(each) in names]


def _called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _refused(test: ast.FunctionDef, constants: dict[str, set[str]]) -> set[str]:
    """What the last `when` before a `then_refused` decided; a loop's variable means all it goes through."""
    constants = constants | _assigned([each for each in _walked(test) if isinstance(each, ast.Assign)])
    loops: dict[str, set[str]] = {}
    for loop in (each for each in _walked(test) if isinstance(each, ast.For)):
        for name in _names(loop.target):
            through = _names(loop.iter)
            loops.setdefault(name, set()).update(through, *(constants.get(each, ()) for each in through))
    found: set[str] = set()
    last: set[str] = set()
    for call in sorted(_calls(test, "when", "then_refused"), key=lambda each: each.lineno):
        if _called(call) == "when" and call.args:
            last = {meant for name in _names(call.args[0]) for meant in loops.get(name, {name})}
        elif _called(call) == "then_refused":
            found |= last
    return found


def _refused_verbs(test: ast.FunctionDef) -> set[str]:
    """Verbs said to a node where the test expects an error."""
    found = set()
    for block in (each for each in _walked(test) if isinstance(each, ast.With)):
        if any(_calls(item.context_expr, "raises") for item in block.items):
            for call in (each for line in block.body for each in _calls(line, "do", "submit")):
                found |= {str(each.value) for each in call.args if isinstance(each, ast.Constant)}
    return found


def _assigned(body: list[ast.stmt]) -> dict[str, set[str]]:
    """Variable -> the names in what it was set to."""
    return {
        name: _names(node.value)
        for node in body
        if isinstance(node, ast.Assign)
        for target in node.targets
        for name in _names(target)
    }


def _met(test: ast.FunctionDef, constants: dict[str, set[str]]) -> set[str]:
    """What stands in `meanwhile(...)` or `in_either_order(...)`, variables followed."""
    known = constants | _assigned([each for each in _walked(test) if isinstance(each, ast.Assign)])
    found: set[str] = set()
    waiting = {
        name for call in _calls(test, "meanwhile", "own_meanwhile", "in_either_order") for name in _names(*call.args)
    }
    while waiting:
        name = waiting.pop()
        found.add(name)
        waiting |= known.get(name, set()) - found
    return found


def _met_verbs(test: ast.FunctionDef) -> set[str]:
    """Verbs said to nodes in one `at_once(...)`."""
    inside = [each for call in _calls(test, "at_once") for each in _walked(call)]
    return {each.value for each in inside if isinstance(each, ast.Constant) and isinstance(each.value, str)}


def refusal_test(verb: Verb) -> str | None:
    """The first test that sees this verb, or its decision, refused."""
    wanted = decisions_of(verb) | {verb.name}
    return next((each.place for each in tests() if wanted & each.refused), None)


def clash_test(verb: Verb) -> str | None:
    """The first test in which what this verb says meets something said at the same time."""
    classes = {f"{CATALOGUE[tag].__module__}.{CATALOGUE[tag].__name__}" for tag in events_of(verb)}
    return next((each.place for each in tests() if (classes | {verb.name}) & each.met), None)
