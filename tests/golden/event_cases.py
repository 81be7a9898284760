"""One of each event: with nothing set that need not be, with everything set, and with each word it may choose.

The values follow from the type's tag and the field's name, so that a new field disturbs no other.
"""

import enum
import hashlib
import importlib
import pkgutil
import types
import typing
from collections.abc import Iterator
from typing import Any, get_args, get_origin

import msgspec

import scmanager.domain
from scmanager.domain.event import CATALOGUE, Personal

WORDS = {
    "sid": "VNGD",
    "model": "ANVL_Carrack",
    "tool": "hangar-xplor",
    "rights": ("fleet.manage", "ship.manage"),
    "ground": "request",
    "zone": "America/Argentina/Buenos_Aires",
    "code": "token-wrong",
    "version": "0.1.0",
    "region": "AR",
    "key": "fleets",
    "models": ("ANVL_Carrack", "DRAK_Corsair"),
    "content_hash": "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    "min_supported_version": "0.0.9",
    "required_core_version": "0.0.9",
    "changelog_url": "https://example.org/changelog#0.1.0",
    "id": "org.example.mining",
    "plugin": "org.example.mining",
    "error": "StoreBusy",
    "module": "scmanager.eventstore.store",
    "function": "append",
    "permissions": ("net:api.example.org", "read.fleet"),
}
"""What a string field says, where its name tells what it must look like. All others are titles or prose."""
PROSE = '\u00c6rlig \u2014 "quoted" \\ \u661f'
"""What JSON has to escape and what it must not."""


def classes() -> dict[str, type]:
    """Tag -> event class, of this project only; personal words stand under the name of their class."""
    for each in pkgutil.iter_modules(scmanager.domain.__path__):
        importlib.import_module(f"scmanager.domain.{each.name}")
    ours = {tag: kind for tag, kind in CATALOGUE.items() if kind.__module__.startswith("scmanager.")}
    return ours | {f"personal.{kind.__name__}": kind for kind in _below(Personal)}


def _below(kind: type) -> Iterator[type]:
    for each in kind.__subclasses__():
        if each.__module__.startswith("scmanager."):
            yield each
        yield from _below(each)


def family(tag: str) -> str:
    """The file a type stands in."""
    return tag.partition("/")[0].partition(".")[0]


def cases(tag: str, kind: type) -> Iterator[tuple[str, Any]]:
    """(name of the case, event)."""
    hints = typing.get_type_hints(kind, include_extras=True)
    fields = msgspec.structs.fields(kind)
    full = {field.name: value(f"{tag}.{field.name}", field.name, hints[field.name]) for field in fields}
    if not fields:
        yield "nothing", kind()
        return
    yield "everything", kind(**full)
    if any(not field.required for field in fields):
        yield "least", kind(**{field.name: full[field.name] for field in fields if field.required})
    for field in fields:
        for choice in choices(hints[field.name]):
            yield f"{field.name}: {choice.value}", kind(**full | {field.name: choice})


def choices(hint: Any) -> list[enum.Enum]:
    """The words a field may choose from."""
    return list(hint) if isinstance(hint, type) and issubclass(hint, enum.Enum) else []


def is_text(hint: Any) -> bool:
    """Whether it is made of strings: other things may have the same name."""
    return hint is str or any(map(is_text, get_args(hint)))


def value(seed: str, name: str, hint: Any) -> Any:
    """Something within the field's bounds."""
    if name in WORDS and is_text(hint):
        return WORDS[name]
    if choices(hint):
        return choices(hint)[1]  # Words are added at the end, so this one stays.
    if isinstance(hint, type) and issubclass(hint, msgspec.Struct):
        inner = typing.get_type_hints(hint, include_extras=True)
        return hint(**{each: value(f"{seed}.{each}", each, inner[each]) for each in hint.__struct_fields__})
    if get_origin(hint) in (typing.Union, types.UnionType):
        return value(seed, name, next(part for part in get_args(hint) if part is not type(None)))
    if get_origin(hint) is tuple:
        return tuple(value(f"{seed}.{number}", name, get_args(hint)[0]) for number in range(2))
    metas = [meta for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, msgspec.Meta)]
    plain = get_args(hint)[0] if metas else hint
    if get_origin(plain) is tuple:
        return value(seed, name, plain)
    return _plain(seed, plain, metas[0] if metas else msgspec.Meta())


def _plain(seed: str, kind: type, meta: msgspec.Meta) -> Any:
    drawn = hashlib.sha256(seed.encode()).digest() * 4
    if kind is bytes:
        return drawn[: meta.max_length or 32]
    if kind is int:
        top = meta.le if meta.le is not None else (meta.lt or 2**53) - 1
        return min(int.from_bytes(drawn[:6], "big"), int(top))
    if kind is bool:
        return True
    if kind is str:
        return PROSE[: meta.max_length]
    raise TypeError(f"{seed}: teach tests/golden/event_cases.py what a {kind} looks like")


def everything() -> dict[str, dict[str, dict[str, str]]]:
    """Family -> type -> case -> payload, exactly as it is written."""
    files: dict[str, dict[str, dict[str, str]]] = {}
    for tag, kind in sorted(classes().items()):
        made = {name: msgspec.json.encode(event).decode() for name, event in cases(tag, kind)}
        files.setdefault(family(tag), {})[tag] = made
    return files
