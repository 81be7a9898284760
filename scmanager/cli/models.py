"""Models of ships on the command line: recognised as in an imported list, looked up, and refused where misspelt."""

from typing import Annotated

import typer

from scmanager.adapters.ship_catalogue import Catalogue, Match, Ship
from scmanager.application.ship_names import compact, manufacturer_code
from scmanager.cli.output import JsonFlag, remark, say_json, say_table
from scmanager.errors import Refused

UnlistedFlag = Annotated[
    bool, typer.Option("--unlisted", help="Take the model as typed: the catalogue does not list it yet.")
]


class ModelUnknown(Refused):
    """The catalogue of ships has no {model}. {known}"""

    code = "ship-model-unknown"
    hint = "Look it up: scm ship models TEXT. A ship newer than the catalogue is taken with --unlisted."


def read_model(typed: str, *, unlisted: bool) -> str:
    """The catalogue's key for a key, a name or a class code; with `unlisted` what was typed. Raises ModelUnknown."""
    catalogue = Catalogue.load()
    if unlisted or catalogue.get(typed):
        return typed
    found = _matched(catalogue, typed)
    if found.key is None:
        known = ", ".join(found.suggestions)
        raise ModelUnknown(model=typed, known=f"It could be: {known}." if known else "Nothing in it looks alike.")
    remark(f"{typed} is {found.key}.")
    return found.key


def list_models(
    text: Annotated[str, typer.Argument(metavar="[TEXT]", help="Part of a name, a key or a maker.")] = "",
    as_json: JsonFlag = False,
) -> None:
    """The ships of the catalogue: what a model is called when a ship is added or asked for."""
    catalogue = Catalogue.load()
    rows = [
        {"key": ship.key, "name": ship.name, "maker": ship.manufacturer}
        for ship in catalogue.ships
        if _fits(ship, text)
    ]
    if as_json:
        say_json(rows)
        return
    alike = ", ".join(_matched(catalogue, text).suggestions)
    empty = f"It could be: {alike}" if alike else "Nothing looks alike. See all: scm ship models"
    say_table(("key", "name", "maker"), [tuple(row.values()) for row in rows], f"No model is called so. {empty}")


def _matched(catalogue: Catalogue, typed: str) -> Match:
    """What a name or a class code such as `DRAK_Corsair` stands for."""
    maker, sign, rest = typed.partition("_")
    if sign and manufacturer_code(maker):
        return catalogue.match(rest, maker, typed)
    return catalogue.match(typed, code=typed)


def _fits(ship: Ship, text: str) -> bool:
    said = text.casefold()
    return compact(text) in compact(ship.name) or said in ship.key.casefold() or said in ship.manufacturer.casefold()
