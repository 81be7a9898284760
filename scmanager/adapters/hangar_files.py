"""Hangar exports: the one way in. Detects the tool by the file's shape and returns what it says, in our own words.

Reading changes nothing anywhere: what becomes of the ships is decided by a person on the preview (`hangar_diff`).
"""

from collections import Counter
from collections.abc import Iterable

from scmanager.adapters.hangar_formats import Odd, Reading, read_row, rows_of, tool_of
from scmanager.adapters.hangar_text import HangarEmpty, HangarTooLarge, parse_text
from scmanager.adapters.ship_catalogue import Catalogue, Match
from scmanager.application.hangar_ships import HangarFile, ImportedShip, Note, Tool, Unrecognised, fingerprinted
from scmanager.errors import Untrusted

SHIPS_MAX = 5000
"""Hulls in one file, wishes included."""


class HangarUnknown(Untrusted):
    """No hangar tool we know writes such a file."""

    code = "hangar-unknown"
    hint = (
        "Export with HangarXPLOR (JSON or CSV), SC Bridge, FleetYards, Starship42 or FleetView, and choose that file."
    )


def read_hangar(data: bytes, catalogue: Catalogue | None = None) -> HangarFile:
    """Read one export. Pass a catalogue that remembers a person's answers, else the shipped one is used.

    Raises `HangarEmpty`, `HangarTooLarge`, `HangarNotText`, `HangarNotReadable`, `HangarUnknown`: all `Untrusted`.
    """
    value = parse_text(data)
    if value in ([], {}):
        raise HangarEmpty()
    tool = tool_of(value)
    if tool is None:
        raise HangarUnknown()
    odd: Odd = Counter()
    rows = rows_of(tool, value)
    readings = list(_readings(tool, rows[: SHIPS_MAX + 1], odd))
    if len(rows) > SHIPS_MAX or sum(max(reading.owned, 1) for _, reading in readings) > SHIPS_MAX:
        raise HangarTooLarge(what="ships", most=SHIPS_MAX)
    if not readings:
        raise HangarEmpty()
    return _file(tool, readings, odd, catalogue or Catalogue.load())


def _readings(tool: Tool, rows: Iterable[object], odd: Odd) -> Iterable[tuple[int, Reading]]:
    if tool == "starship42":
        odd["layout-says-nothing-of-ownership"] += 1
    for number, row in enumerate(rows, 1):
        if not isinstance(row, dict):
            odd["row-without-name"] += 1
            continue
        if row.get("contains"):
            odd["contents-of-pledges-left-out"] += 1
        reading = read_row(tool, row, odd)
        if reading is not None:
            yield number, reading


def _file(tool: Tool, readings: list[tuple[int, Reading]], odd: Odd, catalogue: Catalogue) -> HangarFile:
    matches: dict[tuple[str, str | None, str | None], Match] = {}
    asked: Counter[str] = Counter()
    suggestions: dict[str, tuple[str, ...]] = {}
    ships: list[ImportedShip] = []
    wishes: list[ImportedShip] = []
    for row, said in readings:
        wanted = (said.name, said.maker, said.code)
        match = matches.get(wanted) or matches.setdefault(wanted, catalogue.match(*wanted))
        if match.key is None:
            asked[said.name] += max(said.owned, 1)
            suggestions.setdefault(said.name, match.suggestions)
        (ships if said.owned else wishes).extend([_ship(match.key, said, row)] * max(said.owned, 1))
    return HangarFile(
        tool,
        fingerprinted(ships),
        tuple(Unrecognised(name, count, suggestions[name]) for name, count in sorted(asked.items())),
        fingerprinted(wishes),
        tuple(Note(code, count) for code, count in sorted(odd.items())),
    )


def _ship(key: str | None, said: Reading, row: int) -> ImportedShip:
    return ImportedShip(
        key=key,
        name=said.name,
        nickname=said.nickname,
        serial=said.serial,
        pledge_id=said.pledge_id,
        pledge_name=said.pledge_name,
        pledge_date=said.pledge_date,
        insurance_months=said.insurance_months,
        lti=said.lti,
        row=row,
    )
