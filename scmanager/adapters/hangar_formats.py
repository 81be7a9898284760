"""The shapes of seven hangar exports: which tool wrote a file, and what its rows mean (research: ships and fleets).

A row is a mapping of the tool's own field names. Values may be of any type: what cannot be read is left out, counted.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from scmanager.application.hangar_ships import NoteCode, Tool
from scmanager.application.ship_names import compact, visible
from scmanager.domain.words import NAME_LENGTH_MAX, seen_of

Row = Mapping[str, Any]
TEXT_CHARACTERS_MAX = 200
NICKNAME_CHARACTERS_MAX = NAME_LENGTH_MAX
OWNED_MAX = 1000
"""Hulls of one model in one row of a FleetView file."""

_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_SPOKEN = re.compile(r"([A-Za-z]{3,9})\.? (\d{1,2}),? (\d{4})")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[T ].*)?")
_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_SPAN = re.compile(r"(\d{1,4})[ -]*(month|year)", re.IGNORECASE)
_YES = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_NOTHING = {"", "-", "none", "null", "n/a"}


class Reading(msgspec.Struct, frozen=True):
    """One row understood. `maker` and `code` help to find the hull and are not kept."""

    name: str
    maker: str | None = None
    code: str | None = None
    nickname: str | None = None
    serial: str | None = None
    pledge_id: str | None = None
    pledge_name: str | None = None
    pledge_date: str | None = None
    insurance_months: int | None = None
    lti: bool | None = None
    owned: int = 1
    """How many hulls; 0 is a wish."""


Odd = Counter[NoteCode]
"""What could not be read, by the code of its note."""


def tool_of(value: Any) -> Tool | None:
    """Which tool writes this shape; None for none we know."""
    match value:
        case {"ships": list()}:
            return "fleetview"
        case tuple():
            header = {compact(cell) for cell in value[0]}
            return "hangarxplor-csv" if {"manufacturer", "ship", "lti"} <= header else None
        case list():
            return _tool_of_rows([row for row in value if isinstance(row, dict)])
    return None


def _tool_of_rows(rows: list[Row]) -> Tool | None:
    """By the fields most rows have: one odd row does not change the tool."""
    fields = Counter(field for row in rows for field in row)
    usual = {field for field, count in fields.items() if 2 * count > len(rows)}
    if {"name", "shipname", "type"} <= usual:
        return "starship42"
    if "name" in usual and usual & {"ship_code", "manufacturer_code"}:
        insured = any(isinstance(row.get("insurance"), dict) for row in rows)
        return "sc-bridge" if insured else "hangarxplor"
    if {"name", "slug"} <= usual or ("name" in usual and usual & {"purchased", "wanted"}):
        return "fleetyards"
    if {"name", "manufacturer"} <= usual and usual & {"package_id", "pledge", "lti"}:
        return "hangarxplor-legacy"
    return None


def rows_of(tool: Tool, value: Any) -> list[Any]:
    """The rows of a file, whatever they are."""
    if tool == "fleetview":
        return list(value["ships"])
    if tool == "hangarxplor-csv":
        header = [compact(cell) for cell in value[0]]
        return [dict(zip(header, row, strict=False)) for row in value[1:]]
    return list(value)


def read_row(tool: Tool, row: Row, odd: Odd) -> Reading | None:
    """What one row says; None if it is no ship or names none."""
    kind = _text(row, "entity_type", "kind", "type")
    if tool != "fleetyards" and kind is not None and kind.casefold() not in {"ship", "vehicle", "ground vehicle"}:
        odd["row-is-no-ship"] += 1
        return None
    name = _text(row, "ship" if tool == "hangarxplor-csv" else "name")
    if name is None:
        odd["row-without-name"] += 1
        return None
    reading = Reading(
        name=name,
        maker=_maker(row),
        code=_text(row, "ship_code", "shipCode", "slug"),
        nickname=_nickname(row, name, odd),
        serial=_text(row, "ship_serial", "serial"),
        pledge_id=_text(row, "id" if tool == "hangarxplor-csv" else "pledge_id", "package_id"),
        pledge_name=_text(row, "pledge_name", "pledge"),
        pledge_date=_date(row, odd),
        owned=_owned(tool, row, odd),
    )
    return _insured(reading, row, odd)


def _text(row: Row, *fields: str) -> str | None:
    for field in fields:
        value = row.get(field)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 2**53:
            value = str(value)  # Some tools write ids as numbers.
        if isinstance(value, str):
            said = visible(value[:TEXT_CHARACTERS_MAX])
            if said.casefold() not in _NOTHING:
                return said
    return None


def _maker(row: Row) -> str | None:
    nested = row.get("manufacturer")
    if isinstance(nested, dict):
        return _text(nested, "name", "code")
    return _text(row, "manufacturer_name", "manufacturer_code", "manufacturer")


def _nickname(row: Row, name: str, odd: Odd) -> str | None:
    """A tool that repeats the model where the owner gave no name says nothing."""
    given = seen_of(_text(row, "customName", "ship_name", "shipname") or "").strip()
    if not given or compact(given) == compact(name):
        return None
    if len(given) > NICKNAME_CHARACTERS_MAX:
        odd["nickname-shortened"] += 1
    return given[:NICKNAME_CHARACTERS_MAX].rstrip()


def _owned(tool: Tool, row: Row, odd: Odd) -> int:
    if tool == "fleetview":
        count = _integer(row.get("owned", 1))
        if count is None or not 0 <= count <= OWNED_MAX:
            odd["value-not-understood"] += 1
            return 1
        return count
    if tool == "fleetyards":
        if "wanted" in row:
            return 0 if _yes(row["wanted"]) else 1
        return 0 if _yes(row.get("purchased", True)) is False else 1
    return 1


def _insured(reading: Reading, row: Row, odd: Odd) -> Reading:
    lti = _yes(row.get("lti"))
    cover = row.get("insurance")
    months: int | None = None
    if isinstance(cover, dict):
        said = list(_leaves(cover))
        months = next(
            (n for field in ("months", "duration_months", "duration") if (n := _months(cover.get(field)))), None
        )
        lti = True if _yes(cover.get("is_lifetime")) or any(map(_is_lifetime, said)) else lti
        months = months or next(filter(None, map(_span, said)), None)
    elif cover is not None:
        months = _months(cover) or _span(str(cover))
        lti = True if _is_lifetime(str(cover)) else lti
        if months is None and not lti:
            odd["value-not-understood"] += 1
    return msgspec.structs.replace(reading, lti=lti, insurance_months=None if lti else months)


def _leaves(cover: Row) -> Iterator[str]:
    return (value for value in cover.values() if isinstance(value, str))


def _is_lifetime(said: str) -> bool:
    return said.strip().casefold() in {"lti", "lifetime", "lifetime insurance"}


def _span(said: str) -> int | None:
    found = _SPAN.search(said[:TEXT_CHARACTERS_MAX])
    return _months(int(found[1]) * (12 if found[2].casefold() == "year" else 1)) if found else None


def _months(value: Any) -> int | None:
    number = _integer(value)
    return number if number is not None and not isinstance(value, bool) and 0 < number <= 1200 else None


def _integer(value: Any) -> int | None:
    if isinstance(value, bool):
        return int(value)
    if isinstance(value, int):
        return value
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,9}", value.strip()):
        return int(value)
    return None


def _yes(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return _YES.get(str(value).strip().casefold()) if isinstance(value, str | int) else None


def _date(row: Row, odd: Odd) -> str | None:
    said = _text(row, "pledge_date", "date")
    if said is None:
        return None
    if iso := _ISO.fullmatch(said):
        year, month, day = int(iso[1]), int(iso[2]), int(iso[3])
    elif spoken := _SPOKEN.fullmatch(said):
        year, month, day = int(spoken[3]), _month(spoken[1]), int(spoken[2])
    else:
        year, month, day = 0, 0, 0
    if 1 <= month <= 12 and 1 <= day <= _DAYS[month - 1]:
        return f"{year:04d}-{month:02d}-{day:02d}"
    odd["date-not-understood"] += 1
    return None


def _month(word: str) -> int:
    """1 to 12, by the first letters of the English name, whatever the machine's language; 0 for no month."""
    short = word.casefold()[:3]
    return _MONTHS.index(short) + 1 if short in _MONTHS else 0
