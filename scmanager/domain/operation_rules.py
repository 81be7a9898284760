"""What must hold before something is said of an operation, and how it is refused."""

from scmanager.domain.operation import Operation
from scmanager.domain.operation_parts import Stage
from scmanager.errors import Refused


class OperationUnknown(Refused):
    """There is no such operation."""

    code = "operation-unknown"
    hint = "Plan it first; list what is planned with: scm operation list."


class OperationClosed(Refused):
    """The operation {title} is {stage}."""

    code = "operation-closed"
    hint = "Reinstate it first, scm operation reinstate, or plan another one: scm operation plan."


class OperationIsTemplate(Refused):
    """{title} is a template: nobody flies it."""

    code = "operation-is-template"
    hint = "Make an operation of it with: scm operation copy."


def check_planned(operation: Operation) -> None:
    """Raises OperationUnknown."""
    if not operation.id:
        raise OperationUnknown


def check_editable(operation: Operation) -> None:
    """It may be planned on: it is a template, or not over. Raises OperationUnknown, OperationClosed."""
    check_planned(operation)
    if operation.call.stage in (Stage.COMPLETED, Stage.CANCELLED):
        raise OperationClosed(title=operation.title, stage=operation.call.stage.value)


def check_changes(operation: Operation, *contested: object) -> None:
    """It may be planned on; what is contested is settled even when it is over. Raises as `check_editable`."""
    check_planned(operation)
    if not any(contested):
        check_editable(operation)


def check_flown(operation: Operation) -> None:
    """It is an operation and no template. Raises OperationUnknown, OperationIsTemplate."""
    check_planned(operation)
    if operation.template:
        raise OperationIsTemplate(title=operation.title)


def check_open(operation: Operation) -> None:
    """Members can come. Raises OperationUnknown, OperationIsTemplate, OperationClosed."""
    check_flown(operation)
    check_editable(operation)
