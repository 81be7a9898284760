"""The registry of the author's ledger: what his logs say of updates and plugins (SPEC A3, A4; ADR 21).

A row is what stands in one log. What of it counts all logs of the ledger say together, with what this machine has
seen: whoever reads the rows asks `application.home_ledger.judged`. Whose ledger that is stands in each row: anybody
can found a space of kind `author`. Which of them this installation trusts `adapters.ledger_spaces` says.
"""

from collections.abc import Iterator

from scmanager.domain.catalogue import REGISTRY
from scmanager.domain.event import Id, Id32, State
from scmanager.domain.ledger import KeysPublished, Plugin, PluginSigned, Signed, Update, UpdateSigned
from scmanager.domain.registry import Register, Statement
from scmanager.master_ledger.manifest import TrustedKeys
from scmanager.projections.copy_text import ident, line, number, seconds, text, texts
from scmanager.projections.read_model import Look, ReadModel, Row, Table
from scmanager.spaces.ledger import Entered, keys_of


def rows(look: Look, entity: Id) -> Iterator[Row]:
    """The rows of a register: of each update and plugin that a release key of this log's manifests stands under."""
    register: Register = look.state(REGISTRY, entity)
    if look.kind != "author" or not register.statements:
        return
    keys = keys_of(Entered(each.index, each.said) for each in register.statements)
    if keys is None:
        return
    for one in register.statements:
        match one.said:
            case UpdateSigned(statement=said):
                yield from _rows("registered_update", look, entity, keys, one, _update(said))
            case PluginSigned(statement=said):
                yield from _rows("registered_plugin", look, entity, keys, one, _plugin(said))


def _rows(
    table: str, look: Look, entity: Id, keys: TrustedKeys, one: Statement, said: tuple[str, ...]
) -> Iterator[Row]:
    held = look.scene.words.get(one.entry)
    known = keys.release_at(one.log, one.index).keys
    signed: Signed | None = next((each for each in one.said.signatures if each.key in known), None)
    if held is not None and signed is not None:
        place = ident(one.log), number(one.index), ident(held[0].entry.id)
        whose = ident(look.space), ident(entity), ident(keys.ledger)
        yield table, line(*whose, *said, ident(signed.key), ident(signed.signature), *place)


def _update(said: Update) -> tuple[str, ...]:
    return (
        text(said.version), said.channel.value, text(said.content_hash), text(said.min_supported_version),
        said.update_type.value, number(said.size_bytes), seconds(said.signed_at), text(said.changelog_url),
    )  # fmt: skip


def _plugin(said: Plugin) -> tuple[str, ...]:
    searched = "\n".join((said.id, said.name, said.author, said.description)).lower()
    return (
        text(said.id), text(said.version), text(said.name), text(said.name.lower()), text(said.author),
        text(said.description), text(searched), text(said.content_hash), texts(said.permissions),
        text(said.required_core_version), ident(said.tos_compliance_hash), said.audit_status.value,
        said.category.value, seconds(said.registered_at), seconds(said.updated_at),
    )  # fmt: skip


def _words(state: State) -> Iterator[Id32]:
    """No words, but the entries: their ids are asked for."""
    if isinstance(state, Register):
        yield from (each.entry for each in state.statements if not isinstance(each.said, KeysPublished))


MODEL = ReadModel(
    "registry", (Table("registered_update", "registry"), Table("registered_plugin", "registry")), (REGISTRY,), rows,
    _words,
)  # fmt: skip
