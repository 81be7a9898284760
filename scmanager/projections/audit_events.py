"""Audit events of the owner, a row a series. In other spaces anybody could write some: there they show nothing."""

from collections.abc import Iterator

from scmanager.domain.audit_event import AuditDetail, Series
from scmanager.domain.catalogue import AUDIT
from scmanager.domain.event import Id, Id32, State
from scmanager.projections.copy_text import NULL, ident, line, number, seconds, text
from scmanager.projections.read_model import Look, ReadModel, Row, Table, spoken


def rows(look: Look, entity: Id) -> Iterator[Row]:
    """A series' row."""
    series: Series = look.state(AUDIT, entity)
    if not series.log or look.kind != "personal":
        return
    words = look.words(series.detail, AuditDetail)
    told = (text(words.source), text(words.text)) if isinstance(words, AuditDetail) else (NULL, NULL)
    yield (
        "audit_event",
        line(
            ident(look.space), ident(entity), ident(series.log), text(series.type), text(series.severity),
            text(series.code or None), number(series.count), seconds(series.first_s), seconds(series.last_s),
            text(series.version or None), text(series.region), ident(series.source), ident(series.payload),
            *told, spoken(words),
        ),
    )  # fmt: skip


def _words(state: State) -> Iterator[Id32]:
    if isinstance(state, Series) and state.detail:
        yield state.detail


MODEL = ReadModel("audit_events", (Table("audit_event", "id", ("origin", "detail")),), (AUDIT,), rows, _words)
