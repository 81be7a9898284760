"""The founder's seat goes to another machine by the recovery sheet: his devices are lost, or he hands over.

    new founder:  scm recovery offer --org NOVA -o offer.json
    keepers:      scm recovery sign offer.json --sheet page1.txt -o signed.json
    new founder:  scm recovery take signed.json

All may happen on one machine. Old sheets are of no use afterwards: the offer made a new one.
"""

from pathlib import Path
from typing import Annotated

import typer

from scmanager.adapters import recovery_sheet
from scmanager.adapters.private_files import write_private
from scmanager.adapters.space_file import parse_hand_over, parse_signed_hand_over, read_bytes
from scmanager.cli import names, recovery
from scmanager.cli.output import JsonFlag, remark, say_result
from scmanager.cli.session import session_of
from scmanager.cli.spaces import OutOption
from scmanager.cli.targets import check_target
from scmanager.cli.verbs import OrgOption
from scmanager.exchanging import sheet_of


def offer(
    context: typer.Context,
    output: OutOption,
    org: OrgOption = None,
    recovery_keys: Annotated[
        int | None,
        typer.Option("--recovery-keys", metavar="N", help="Pages of the new sheet; else as many as the old one has."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Ask the recovery keys for the founder's seat; a new recovery sheet is written to the data folder."""
    check_target(output)
    session = session_of(context)
    with session.open() as place:
        space = names.organisation(place, org)
        title = next(each.names[-1] for each in names.organisations(place) if each.id == space.id)
        made = place.exchange.offer(space.id, recovery_keys)
    write_private(output, made)
    file = sheet_of(made)
    recovery.remember(session.folder, recovery.new_sheet(session.folder, title, space.id.hex(), file))
    say_result({"file": str(output), "recovery_sheet": file}, as_json=as_json)
    remark(f"Next, with the old sheet at hand: scm recovery sign {output.name} -o signed.json")


def _file_of(space: bytes, key: bytes) -> str:
    """Where the node wrote the new sheet."""
    return f"recovery-{space.hex()[:12]}-{key.hex()[:6]}.txt"


def sign(
    context: typer.Context,
    offered: Annotated[Path, typer.Argument(metavar="OFFER")],
    output: OutOption,
    sheet: Annotated[
        list[Path] | None,
        typer.Option("--sheet", metavar="FILE", help="A page as text; else it is asked for."),
    ] = None,
    as_json: JsonFlag = False,
) -> None:
    """Give the founder's seat to an offer, by the word of the recovery keys."""
    check_target(output)
    read = read_bytes(offered)
    asked = parse_hand_over(read)
    texts = [read_bytes(path).decode("utf-8", "replace") for path in sheet or ()]
    texts = texts or [typer.prompt("The fourteen groups of a page, or of several", err=True)]
    for text in texts:
        recovery_sheet.parse(text)  # What is mistyped is told before anything is opened.
    with session_of(context).open() as place:
        signed = place.exchange.sign(read, texts)
    write_private(output, signed)
    say_result({"file": str(output), "space": asked.space.hex()}, as_json=as_json)
    remark(f"Next, where the offer was made: scm recovery take {output.name}")


def take(
    context: typer.Context, answer: Annotated[Path, typer.Argument(metavar="SIGNED")], as_json: JsonFlag = False
) -> None:
    """Take the founder's seat that the offer of this machine asked for."""
    signed = read_bytes(answer)
    statement, session = parse_signed_hand_over(signed).recovery.statement, session_of(context)
    with session.open() as place:
        result = place.exchange.take(signed)
    recovery.supersede(session.folder, statement.space.hex(), _file_of(statement.space, statement.key))
    say_result(result, as_json=as_json)
    remark("You are the founder now. Export the space and give it to the others: scm space export -o org.scm")
