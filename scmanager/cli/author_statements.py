"""The author's word on an artefact: updates and plugins, signed by release keys on a machine without a network."""

from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from scmanager.adapters.space_file import read_bytes
from scmanager.cli import author_files as files
from scmanager.cli.author_files import KeyOption, ManifestsOption
from scmanager.cli.output import JsonFlag, remark, say_result
from scmanager.cli.spaces import OutOption
from scmanager.cli.targets import check_target
from scmanager.domain.ledger import AuditStatus, Category, Channel, Plugin, Update, UpdateType
from scmanager.errors import Untrusted
from scmanager.master_ledger import issuing, manifest, submission
from scmanager.master_ledger.content_hash import cid
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.master_ledger.verification import Artefact

LedgerOption = Annotated[
    str, typer.Option("--ledger", metavar="ID", help="The ledger's id, as the author publishes it.")
]
ArtefactArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The artefact itself.")]


class PluginFormDamaged(Untrusted):
    """This is no form of a plugin's entry: {reason}."""

    code = "plugin-form-damaged"
    hint = (
        "A JSON object with id, version, name, author, description, permissions, required_core_version, "
        "tos_compliance_hash (64 hex digits), audit_status, category and registered_at (UTC seconds); nothing else."
    )


class PluginForm(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the author fills in. The rest is taken from the artefact and the clock."""

    id: str
    version: str
    name: str
    author: str
    description: str
    permissions: tuple[str, ...]
    required_core_version: str
    tos_compliance_hash: str
    audit_status: AuditStatus
    category: Category
    registered_at: int


def sign_update(
    file: ArtefactArgument,
    output: OutOption,
    manifests: ManifestsOption,
    ledger: LedgerOption,
    version: Annotated[str, typer.Option("--version", metavar="X.Y.Z", help="Semantic, such as 8.0.0-alpha.1.")],
    channel: Annotated[Channel, typer.Option("--channel", help="Who gets it.")],
    min_supported_version: Annotated[
        str, typer.Option("--min-supported-version", metavar="X.Y.Z", help="What is older has to be updated.")
    ],
    changelog_url: Annotated[str, typer.Option("--changelog-url", metavar="URL", help="Begins with https://.")],
    update_type: Annotated[UpdateType, typer.Option("--type", help="How much it changes.")],
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Sign a release of this program."""
    check_target(output)
    keys, artefact = _keys(manifests, ledger), files.artefact_of(file)
    statement = Update(
        keys.ledger, cid(artefact.sha256), version, channel, min_supported_version, files.now_s(), changelog_url,
        artefact.size_bytes, update_type,
    )  # fmt: skip
    _sign(output, statement, keys, key, as_json=as_json)


def sign_plugin(
    file: ArtefactArgument,
    output: OutOption,
    manifests: ManifestsOption,
    ledger: LedgerOption,
    entry: Annotated[Path, typer.Option("--entry", metavar="FILE", help="Its entry in the registry, as JSON.")],
    key: KeyOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Sign a plugin's whole entry in the registry, permissions included. Sign it anew to block or deprecate it."""
    check_target(output)
    keys, artefact = _keys(manifests, ledger), files.artefact_of(file)
    _sign(output, _plugin(_form(read_bytes(entry)), keys, artefact), keys, key, as_json=as_json)


def _form(raw: bytes) -> PluginForm:
    try:
        return msgspec.json.decode(raw, type=PluginForm)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:  # The decoder leaks the latter two.
        raise PluginFormDamaged(reason=str(error)) from error


def _plugin(form: PluginForm, keys: TrustedKeys, artefact: Artefact) -> Plugin:
    given: dict[str, Any] = {name: getattr(form, name) for name in form.__struct_fields__}
    given["permissions"] = tuple(sorted(set(form.permissions)))
    try:
        given["tos_compliance_hash"] = bytes.fromhex(form.tos_compliance_hash)
    except ValueError:
        raise PluginFormDamaged(reason="tos_compliance_hash is not in hex digits") from None
    return Plugin(ledger=keys.ledger, content_hash=cid(artefact.sha256), updated_at=files.now_s(), **given)


def _keys(manifests: Path, ledger: str) -> TrustedKeys:
    return manifest.walk(files.ledger_id(ledger), files.read_submissions(manifests))


def _sign(
    output: Path, statement: Update | Plugin, keys: TrustedKeys, paths: list[Path] | None, *, as_json: bool
) -> None:
    opened = files.open_keys(paths, "release")
    issuing.check_releases(keys.manifest, [each.public for each in opened])
    signed = submission.make(statement, opened)
    files.write_submissions(output, (signed,))
    lacking = issuing.missing(None, signed, keys.manifest.release)
    result = {"file": str(output), "content_hash": statement.content_hash, "missing": lacking}
    say_result(result, as_json=as_json)
    remark(
        f"Others sign it next: scm author countersign {output.name} --key KEY -o SIGNED"
        if lacking
        else files.APPEND.format(file=output.name)
    )
