"""What others vouch for: witnesses that cosign a published ledger, and what was seen of others' logs.

anybody:    scm author cosign /srv/ledger --policy witnesses.policy      (asks those that have an address there)
            scm author prove sc-manager.zip --checkpoint /srv/ledger/checkpoint
"""

from pathlib import Path
from typing import Annotated

import typer

from scmanager.adapters import witness_client
from scmanager.cli import author_files as files
from scmanager.cli.output import EXIT_REFUSED, JsonFlag, remark, say, say_json
from scmanager.errors import Refused, utc
from scmanager.eventstore.checkpoint import Checkpoint, parse_note
from scmanager.master_ledger.verification import AHEAD_S


class NoWitnessAddress(Refused):
    """No witness in this policy has an address."""

    code = "no-witness-address"
    hint = "Put it at the end of its line: witness NAME KEY https://example.org/witness."


def cosign(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What scm author publish wrote, or a mirror of it.")],
    policy: Annotated[
        Path,
        typer.Option("--policy", metavar="FILE", help="The witnesses, each with its address (C2SP tlog-policy)."),
    ],
    as_json: JsonFlag = False,
) -> None:
    """Have the published head cosigned: every witness is asked at once, and what holds is put under the checkpoint.

    Exit code 1 if those who cosigned it by now are no quorum. Needs no key, and no right to write the ledger.
    """
    rules = files.read_policy(policy)
    assert rules is not None
    if not rules.addresses:
        raise NoWitnessAddress
    until_s = files.now_s() + AHEAD_S
    note, words = witness_client.cosign_folder(folder, rules, until_s)
    parsed = parse_note(note)
    size, cosigned = Checkpoint.parse(parsed.text).size, rules.cosigned(parsed, until_s)
    met = rules.is_met(cosigned)
    if as_json:
        problems = {each.address: each.problem.code for each in words if each.problem}
        times = {name.decode("utf-8", "replace"): at_s for name, at_s in cosigned.items()}
        say_json({"size": size, "quorum": met, "cosigned": times, "problems": problems})
    else:
        for name, at_s in cosigned.items():
            say(f"{name.decode('utf-8', 'replace')}  {utc(at_s)}")
        for each in words:
            if each.problem:
                remark(f"{each.address}: {each.problem} {each.problem.hint}")
        say(f"size {size}: {'a quorum has' if met else 'no quorum has'} cosigned it")
    if not met:
        raise typer.Exit(EXIT_REFUSED)
