"""Where a ledger is fetched from: a folder that it was published to. Nothing there is trusted or read without end."""

from pathlib import Path

from scmanager.errors import Unavailable, Untrusted
from scmanager.master_ledger.fetching import Read, SourceLacks


class SourceFailed(Unavailable):
    """{path} cannot be had from {source}: {reason}."""

    code = "ledger-source-failed"
    hint = "Nothing was changed. Try again, or fetch from another source."


class SourceTooLarge(Untrusted):
    """{source} gives more for {path} than {bytes_max} bytes."""

    code = "ledger-source-too-large"
    hint = "It is no ledger, or it is made to waste your time. Fetch from another source."


def source_of(named: str) -> Read:
    """What a person names."""
    return from_folder(Path(named))


def from_folder(folder: Path) -> Read:
    """The files in this folder."""

    def read(path: str, bytes_max: int) -> bytes:
        try:
            with folder.joinpath(*path.split("/")).open("rb") as file:
                data = file.read(bytes_max + 1)
        except FileNotFoundError:
            raise SourceLacks(source=str(folder), path=path) from None
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise SourceFailed(source=str(folder), path=path, reason=reason) from error
        return checked(data, str(folder), path, bytes_max)

    return read


def checked(data: bytes, source: str, path: str, bytes_max: int) -> bytes:
    """The same bytes. Raises SourceTooLarge."""
    if len(data) > bytes_max:
        raise SourceTooLarge(source=source, path=path, bytes_max=bytes_max)
    return data
