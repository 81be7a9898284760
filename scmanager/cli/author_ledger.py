"""The author's ledger on the machine that writes it: made, appended to, proved from, published as static files.

the server: scm author init --root KEY --root KEY --root KEY          (prints the line for: scm author manifest --log)
            scm author append author-keys.jsonl, then update.jsonl    (what came by stick)
            scm author prove sc-manager.zip                           (writes sc-manager.zip.tlog-proof)
            scm author publish /srv/ledger                            (what any web server can hand out)
"""

from pathlib import Path
from typing import Annotated

import typer

from scmanager.adapters import tile_folder
from scmanager.adapters.public_files import write_public
from scmanager.adapters.space_file import read_bytes
from scmanager.application import proving
from scmanager.author import ledger as own_ledger
from scmanager.cli import author_files as files
from scmanager.cli.author_statements import ArtefactArgument
from scmanager.cli.author_witnesses import Settling
from scmanager.cli.output import JsonFlag, progress, remark, say_result
from scmanager.cli.session import Place, session_of
from scmanager.cli.targets import ReplaceFlag, check_replaceable
from scmanager.domain.ledger import LedgerLog, LogKind
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, Checkpoint, origin
from scmanager.eventstore.log_tree import LogTree
from scmanager.master_ledger import issuing, proof, submission
from scmanager.master_ledger.content_hash import cid
from scmanager.master_ledger.fetching import MANIFESTS
from scmanager.spaces.ledger import Entered, keys_of, manifests_of

UNLISTED = (
    "This folder was copied or put back, so it writes a log of its own, which no key manifest lists yet. Next, where"
    " the root keys are: scm author manifest --after FILE --log LINE (scm author log); enter that file here, and"
    " publish to a fresh folder."
)


def _remark_unlisted(tree: LogTree, statements: list[Entered]) -> None:
    if tree.head.log != tree.head.space and not statements:
        remark(UNLISTED)


def _tree(place: Place) -> tuple[LogTree, list[Entered]]:
    return own_ledger.own_tree(place.shelf, place.store, place.vault, place.settings.data)


def init(
    context: typer.Context,
    root: files.RootsOption,
    roots_needed: files.RootsNeededOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Make the author's ledger in this folder, with the key of its log. It is begun by entering key manifests."""
    with session_of(context).open() as place:
        log = own_ledger.found(place.node, files.quorum_of(root, roots_needed))
    line = issuing.vkey_of(log, origin(log.space, log.log))
    say_result({"space": log.space.hex(), "log": line}, as_json=as_json)
    remark("Next, where the root keys are: scm author manifest --log LINE, with the line that begins with scm.log.")


def append(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Key manifests, or a signed update or plugin.")],
    as_json: JsonFlag = False,
) -> None:
    """Enter what the author's keys have signed. What stands there already stays as it is."""
    data = read_bytes(file, submission.FILE_BYTES_MAX)
    with session_of(context).open() as place:
        before = _tree(place)[0].head.size
        done = own_ledger.append(place.node, data, place.note)
    fresh = sum(index >= before for index in done["indices"])
    say_result(done | {"entered": fresh, "there": len(done["indices"]) - fresh}, as_json=as_json)
    remark(files.ENTERED if fresh else files.ALL_THERE)


def show_log(context: typer.Context, as_json: JsonFlag = False) -> None:
    """The log that is written to, in the line that scm author manifest --log takes, and how far it is."""
    with session_of(context).open() as place:
        tree, statements = _tree(place)
    head, keys = tree.head, keys_of(statements)
    line = issuing.vkey_of(LedgerLog(head.space, head.log, head.public, LogKind.LEDGER, None), tree.origin)
    ledger = keys.ledger.hex() if keys else "not begun"
    say_result({"log": line, "size": head.size, "ledger": ledger}, as_json=as_json)
    _remark_unlisted(tree, statements)


def prove(
    context: typer.Context,
    file: ArtefactArgument,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FILE", help=f"The proof; else FILE{proof.EXTENSION}."),
    ] = None,
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", metavar="FILE", help="The head to prove against, as witnesses cosigned it."),
    ] = None,
    replace: ReplaceFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Write the proof that what was signed for a file stands in the ledger: what scm verify asks for."""
    target = output or file.with_name(file.name + proof.EXTENSION)
    check_replaceable(target, lambda begun: begun.startswith(proof.HEADER.encode()), replace=replace)
    note = read_bytes(checkpoint, NOTE_BYTES_MAX) if checkpoint else None
    content_hash = cid(files.artefact_of(file).sha256)
    with session_of(context).open() as place:
        tree, statements = _tree(place)
        made = proving.prove(tree, statements, content_hash, note)
    write_public(target, made.to_bytes())
    size = Checkpoint.parse(made.signed().text).size
    say_result({"file": str(target), "index": made.index, "size": size}, as_json=as_json)


def publish(
    context: typer.Context,
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Made if it is not there; later only added to.")],
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy", metavar="FILE", help="Ask these witnesses first; without a quorum the old head stays."
        ),
    ] = None,
    unwitnessed: Annotated[
        bool, typer.Option("--unwitnessed", help="Put a bare head there, though a cosigned one lies there.")
    ] = False,
    as_json: JsonFlag = False,
) -> None:
    """Write the ledger as static files for any web server: checkpoint, tiles, entries (C2SP tlog-tiles), keys.

    A cosigned checkpoint gives way to a cosigned one: whoever asks for witnesses would find nothing to go by else.
    Exit code 1 if no quorum has cosigned the new head by now; then the old one stays, and it is tried again.
    """
    settling = Settling(folder, policy, unwitnessed=unwitnessed)
    with session_of(context).open() as place:
        tree, statements = _tree(place)
        manifests = manifests_of(statements)
        beside = {MANIFESTS: submission.encode(manifests)} if manifests else {}
        with progress("Writing entries", tree.head.size) as advance:
            done = tile_folder.publish(tree, folder, advance, beside, settle=settling.settle)
    told = {"folder": str(folder), "size": done.size, "files": done.files}
    say_result(told | ({} if settling.met is None else {"quorum": settling.met}), as_json=as_json)
    _remark_unlisted(tree, statements)
    settling.tell(done, tree.head.size)
