"""What others vouch for: witnesses that cosign a published ledger, and what was seen of others' logs.

anybody:    scm author cosign /srv/ledger --policy witnesses.policy      (asks those that have an address there)
            scm author prove sc-manager.zip --checkpoint /srv/ledger/checkpoint
the author: scm author anchor others/*.note                              (what was seen of other logs, meanwhile)
"""

import secrets
from pathlib import Path
from typing import Annotated

import typer

from scmanager.adapters import mirror_client, witness_client
from scmanager.adapters.public_files import write_public
from scmanager.adapters.space_file import read_bytes
from scmanager.adapters.tile_folder import Published
from scmanager.application.proving import NotEntered, head_in
from scmanager.author import ledger as own_ledger
from scmanager.author.settling import NoWitnessAddress
from scmanager.cli import author_files as files
from scmanager.cli.output import EXIT_REFUSED, JsonFlag, remark, say, say_json, say_result
from scmanager.cli.session import Place, session_of
from scmanager.cli.targets import ReplaceFlag, check_replaceable
from scmanager.cli.trusting import LedgerChoice, ManifestsChoice, PolicyChoice, trusting
from scmanager.errors import Refused, utc
from scmanager.eventstore.checkpoint import NOTE_BYTES_MAX, Checkpoint, Note, parse_note
from scmanager.master_ledger import anchoring
from scmanager.master_ledger.anchoring import Anchor
from scmanager.master_ledger.cosigning import WitnessSawOther
from scmanager.master_ledger.policy import Policy
from scmanager.master_ledger.proof import Proof
from scmanager.master_ledger.seen import proved_under
from scmanager.master_ledger.verification import AHEAD_S
from scmanager.spaces.opening import parse_row


class CosignedThere(Refused):
    """The checkpoint in {folder} is cosigned, and this would put a bare one in its place."""

    code = "cosigned-there"
    hint = (
        "Have the new one cosigned first: --policy FILE. A bare one (--unwitnessed) fails whoever asks for witnesses."
    )


CLOSE = " Do not publish more of this log: docs/witnesses.md says what its keepers do now."


class Settling:
    """Which checkpoint a folder gets when it is published to, by what witnesses say."""

    def __init__(self, folder: Path, policy: Path | None, *, unwitnessed: bool) -> None:
        """Raises FileUnreadable, BadPolicy, NoWitnessAddress."""
        self._folder, self._unwitnessed = folder, unwitnessed
        self._rules = files.read_policy(policy)
        if self._rules is not None and self._rules.quorum is not None and not self._rules.addresses:
            raise NoWitnessAddress
        self._words: list[witness_client.Word] = []
        self.met: bool | None = None
        """Whether a quorum has cosigned the newest head; None where nobody was asked."""

    def settle(self, held: bytes | None, newest: bytes) -> bytes | None:
        """As `tile_folder.Settle`. Raises CosignedThere, and as `witness_client.cosigned_head`."""
        if self._rules is None:
            if newest != held and held is not None and not self._unwitnessed and len(parse_note(held).signatures) > 1:
                raise CosignedThere(folder=str(self._folder))
            return newest
        until_s = files.now_s() + AHEAD_S
        settled, self._words = witness_client.cosigned_head(self._folder, held, newest, self._rules, until_s)
        self.met = settled is not None and self._rules.is_met(self._rules.cosigned(parse_note(settled), until_s))
        return newest if settled is None and self._unwitnessed else settled

    def tell(self, done: Published, size: int) -> None:
        """What came of it, for people. Raises Exit where no quorum has cosigned the newest head."""
        remark_problems(self._words)
        if self.met is None:
            remark("If witnesses follow it, next: scm author cosign DIR --policy FILE.")
        elif not self.met:
            stays = "" if done.is_newest else f" What lay there stays: size {done.size}, not {size}."
            again = CLOSE if saw_other(self._words) else " Next: the same again later."
            remark(f"No quorum has cosigned it.{stays}{again}")
            raise typer.Exit(EXIT_REFUSED)


def remark_problems(words: list[witness_client.Word]) -> None:
    """Which witnesses or mirrors gave no word, and why: by their names in the policy, with the code."""
    for each in words:
        if each.problem:
            names = ", ".join(each.names)
            proof = f" The evidence, proved by the log's key: {each.evidence}." if each.evidence else ""
            remark(f"{names} ({each.address}): {each.problem.code}: {each.problem}{proof} {each.problem.hint}")


def saw_other(words: list[witness_client.Word]) -> bool:
    """Whether any of them was shown another history: no later try changes that."""
    return any(isinstance(each.problem, WitnessSawOther) for each in words)


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
    rules = _addressed(policy)
    until_s = files.now_s() + AHEAD_S
    note, words = witness_client.cosign_folder(folder, rules, until_s)
    _tell(rules, parse_note(note), words, until_s, as_json=as_json)


def upload(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What scm author publish wrote, or a mirror of it.")],
    policy: Annotated[
        Path,
        typer.Option(
            "--policy", metavar="FILE", help="The mirrors, each with its address, as witnesses stand there."
        ),
    ],
    as_json: JsonFlag = False,
) -> None:
    """Upload the published log to mirrors (C2SP tlog-mirror), and put their word that they hold it under the head.

    Only what they say now counts, not what lay there before. Exit code 1 if those who say so are no quorum. What a
    mirror has already is not sent again.
    """
    rules = _addressed(policy)
    until_s = files.now_s() + AHEAD_S
    note, words = mirror_client.upload_folder(folder, rules, until_s)
    said = _said_now(note, words)
    readers = mirror_client.readers_of(said.text, words)
    _tell(rules, said, words, until_s, as_json=as_json, readers=readers)


def _said_now(note: bytes, words: list[witness_client.Word]) -> Note:
    """The head with the lines just given alone: one that lay there may be a witness's, who holds nothing."""
    lines = b"".join(each.lines for each in words)
    return parse_note(note.rpartition(b"\n\n")[0] + b"\n\n" + lines) if lines else Note(parse_note(note).text, ())


def _addressed(path: Path) -> Policy:
    rules = files.read_policy(path)
    assert rules is not None
    if not rules.addresses:
        raise NoWitnessAddress
    return rules


def _tell(
    rules: Policy, note: Note, words: list[witness_client.Word], until_s: int, *, as_json: bool,
    readers: list[str] | None = None,
) -> None:  # fmt: skip
    """Whose word stands under the head; `readers`: where mirrors serve it. Raises Exit where that is no quorum."""
    size, cosigned = Checkpoint.parse(note.text).size, rules.cosigned(note, until_s)
    met = rules.is_met(cosigned) and (readers is None or bool(readers))
    if as_json:
        problems = {each.address: each.problem.code for each in words if each.problem}
        times = {name.decode("utf-8", "replace"): at_s for name, at_s in cosigned.items()}
        evidence = [each.evidence for each in words if each.evidence]
        say_json({"size": size, "quorum": met, "cosigned": times, "problems": problems, "evidence": evidence}
                 | ({} if readers is None else {"readers": readers}))  # fmt: skip
    else:
        for name, at_s in cosigned.items():
            say(f"{name.decode('utf-8', 'replace')}  {utc(at_s)}")
        for address in readers or ():
            say(f"readers: {address}")
        remark_problems(words)
        say(f"size {size}: {'a' if met else 'no'} quorum {'has cosigned it' if readers is None else 'holds it'}")
        if saw_other(words):
            remark(CLOSE.strip())
        elif readers is not None and not met:
            remark("Later the same again: it goes on where it ended, and sends nothing twice.")
    if not met:
        raise typer.Exit(EXIT_REFUSED)


def anchor(
    context: typer.Context,
    notes: Annotated[
        list[Path],
        typer.Argument(metavar="FILE", help="Heads of other logs, each a signed note as that log gave it."),
    ],
    checkpoint: Annotated[
        Path | None,
        typer.Option("--checkpoint", metavar="FILE", help="Anchored already: prove it under this head, as cosigned."),
    ] = None,
    replace: ReplaceFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Anchor heads of other logs in the ledger, as salted hashes; beside each, FILE.anchor proves it to anybody.

    That they were there by now is all that it says: not who signed them, nor that their logs told the truth.
    """
    targets = [each.with_name(each.name + anchoring.EXTENSION) for each in notes]
    held = [read_bytes(each, NOTE_BYTES_MAX) for each in notes]
    for said in held:
        anchoring.check_note(said)
    if checkpoint is not None:
        _prove_again(context, targets, read_bytes(checkpoint, NOTE_BYTES_MAX), as_json=as_json)
        return
    for each in targets:
        check_replaceable(each, lambda begun: begun.startswith(anchoring.HEADER.encode()), replace=replace)
    salts = [secrets.token_bytes(anchoring.SALT_BYTES) for _ in held]
    with session_of(context).open() as place:
        done = own_ledger.anchor(place.node, [anchoring.anchor_of(*each) for each in zip(held, salts, strict=True)])
        proof = _proof(place, done["index"], None)
    for target, salt in zip(targets, salts, strict=True):
        write_public(target, Anchor(salt, proof).to_bytes())
    say_result({"index": done["index"], "heads": len(held), "size": _size(proof)}, as_json=as_json)
    remark(
        "Publish it, have it cosigned, and prove it under that head: scm author anchor FILE --checkpoint CHECKPOINT."
    )


def _prove_again(context: typer.Context, targets: list[Path], note: bytes, *, as_json: bool) -> None:
    held = [Anchor.parse(read_bytes(each, anchoring.FILE_BYTES_MAX)) for each in targets]
    with session_of(context).open() as place:
        proofs = [_proof(place, each.proof.index, note) for each in held]
    for target, each, proof in zip(targets, held, proofs, strict=True):
        write_public(target, Anchor(each.salt, proof).to_bytes())
    say_result({"heads": len(held), "size": _size(proofs[0])}, as_json=as_json)


def _proof(place: Place, index: int, note: bytes | None) -> Proof:
    tree, _ = own_ledger.own_tree(place.shelf, place.store, place.vault, place.settings.data)
    signed = tree.note() if note is None else note
    size = head_in(tree, signed).size
    if index >= size:
        raise NotEntered(size=size)
    (row,) = tree.rows(index, index + 1)
    return Proof.of(parse_row(row), row.shared, tuple(tree.inclusion(index, size)), signed)


def _size(proof: Proof) -> int:
    return Checkpoint.parse(proof.signed().text).size


def verify_anchor(
    context: typer.Context,
    note: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The head that was anchored, or FILE.anchor: both lie side by side."),
    ],
    ledger: LedgerChoice = None,
    manifests: ManifestsChoice = None,
    policy: PolicyChoice = None,
    as_json: JsonFlag = False,
) -> None:
    """Check that a head of another log was there when the author anchored it. Nobody is asked."""
    beside = note.with_name(note.name + anchoring.EXTENSION)
    if note.suffix == anchoring.EXTENSION and not beside.exists():  # The anchor itself was named.
        note, beside = note.with_suffix(""), note
    given = trusting(context, ledger, manifests, policy)
    file = Anchor.parse(read_bytes(beside, anchoring.FILE_BYTES_MAX))
    keys = given.seen(given.memory.read()).keys()
    found = file.verify(read_bytes(note, NOTE_BYTES_MAX), keys, given.policy, files.now_s() + AHEAD_S)
    outcome = given.memory.see(lambda before: proved_under(given.seen(before), file.proof.note, keys, given.policy))
    if outcome.problem:
        raise outcome.problem
    told = {"origin": found.point.origin, "size": found.point.size, "index": found.index}
    say_result(told | ({"anchored_s": found.at_s} if as_json else {}), as_json=as_json)
    if not as_json:
        say(f"Proved: this head was there by {utc(found.at_s)}, as the author's log says.")
