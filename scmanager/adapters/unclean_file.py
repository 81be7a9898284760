"""`read-models.unclean`: keys were destroyed, and the files of the read models may hold their words in clear still.

Written before the keys go, and removed when the database was cleaned, or its files were. Whoever opens the folder and
finds it, without a node that cleans, removes the files.
"""

from pathlib import Path

from scmanager.adapters.private_files import read_private, write_private
from scmanager.errors import Unavailable

FILE_NAME = "read-models.unclean"


class ReadModelsUnclean(Unavailable):
    """The read models' files are not cleaned of the erased words yet."""

    code = "read-models-unclean"
    hint = "Repeat it in a moment. If it stays so: docs/manual-erasing.md says what a PostgreSQL of your own needs."


class UncleanFile:
    """The mark of one data folder. Raises PrivateFileFailed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE_NAME

    def mark(self, pos: int) -> None:
        """What was erased stands at this position of the store, or before."""
        write_private(self._path, b"%d" % pos)

    def is_marked(self) -> bool:
        """Whether words may be there."""
        return self._path.exists()

    def cleaned(self, pos: int) -> None:
        """Everything up to this position is projected, and its words are cleaned away."""
        raw = read_private(self._path)
        if raw is not None and (not raw.isdigit() or int(raw) <= pos):
            self._path.unlink(missing_ok=True)

    def removed(self) -> None:
        """The files are gone."""
        self._path.unlink(missing_ok=True)
