"""What can be wrong with a database file of the data folder, each with what helps. Nothing was recorded in any case.

The event store, the key vault, the audit and backups meet the same files and say it in the same words.
"""

from scmanager.errors import Unavailable


class FileUnusable(Unavailable):
    """{path} cannot be used just now ({reason})."""

    code = "file-unusable"
    hint = "Nothing was recorded. Try again; if it stays, restart the node and look at the disk."


class FileMoved(FileUnusable):
    """{path} was moved, removed or replaced while it was in use."""

    code = "file-moved"
    hint = "Nothing was recorded. Put the folder back where it was, or stop the node and open it where it is now."


class FileNotOpened(FileUnusable):
    """{path} cannot be opened ({reason})."""

    code = "file-not-opened"
    hint = "See that its disk is there, that you may read and write file and folder, and that few files are open."


class FileReadOnly(FileUnusable):
    """{path} cannot be written ({reason})."""

    code = "file-read-only"
    hint = "Nothing was recorded. Make the file, its folder and its disk writable for you, then repeat the command."


class FileHeld(FileUnusable):
    """Another program holds {path} ({reason})."""

    code = "file-held"
    hint = "Nothing was recorded. Close that program (a database viewer, a copy under way), then repeat the command."


class DiskFull(FileUnusable):
    """The disk takes no more of {path} ({reason})."""

    code = "disk-full"
    hint = "Nothing was recorded. Free space on the disk, or raise your share of it, then repeat the command."


class DiskFailed(FileUnusable):
    """The disk failed while {path} was read or written ({reason})."""

    code = "disk-failed"
    hint = "Stop the node, copy the folder to another disk, and verify it there: scm log verify --deep."
