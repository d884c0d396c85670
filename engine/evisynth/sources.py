"""Hold what `load` was given until a converter has recognised it."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import attrs

from evisynth.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from evisynth.archives import Container

MAX_BYTES = 64 * 1024 * 1024
"""Largest file that is read; a review of 800 rows takes about 4 MB."""
_HEAD = 4096


@attrs.frozen
class Source:
    """Hold a path, or a value in memory such as a DataFrame or a mapping of columns."""

    value: Any

    @property
    def path(self) -> Path | None:
        """The path, where the source is a file."""
        return self.value if isinstance(self.value, Path) else None

    @property
    def name(self) -> str:
        """Name for messages and provenance: the file's name, or "the table" for a value in memory."""
        return self.path.name if self.path is not None else "the table"

    @property
    def suffix(self) -> str:
        """The file's suffix in lower case, with its dot; empty for a value."""
        return self.path.suffix.lower() if self.path is not None else ""

    @cached_property
    def content(self) -> bytes:
        """The file's bytes; raises `FormatError` where there is no file, it is empty or beyond `MAX_BYTES`."""
        if self.path is None:
            msg = f"a {self.name} is not a file"
            raise FormatError(msg)
        try:
            is_file, is_folder = self.path.is_file(), self.path.is_dir()
        except OSError:
            # A text too long for a name is no path.
            is_file = is_folder = False
        if not is_file:
            kind = "a folder" if is_folder else "not there"
            msg = f"{str(self.path)[:200]} is {kind}: give the path of a file"
            raise FormatError(msg)
        try:
            size = self.path.stat().st_size
            with self.path.open("rb") as file:
                # A file of the system may hold more than it says.
                content = file.read(MAX_BYTES + 1) if size <= MAX_BYTES else b""
        except OSError as error:
            msg = f"{self.path} cannot be read: {error.strerror}"
            raise FormatError(msg) from None
        size = max(size, len(content))
        if size > MAX_BYTES:
            msg = f"{self.path} has {size:,} bytes; files of up to {MAX_BYTES:,} are read"
            raise FormatError(msg)
        if not content.strip():
            msg = f"{self.path} is empty"
            raise FormatError(msg)
        return content

    @cached_property
    def head(self) -> bytes:
        """The first bytes of the file, for recognition; empty for a folder and a value."""
        return b"" if self.path is None or self.is_folder else self.content[:_HEAD]

    @cached_property
    def is_folder(self) -> bool:
        """Whether the source is a folder."""
        try:
            return self.path is not None and self.path.is_dir()
        except OSError:
            return False  # a text too long for a name is no path

    @cached_property
    def container(self) -> Container | None:
        """The files of a folder or a ZIP archive; None for anything else. Raises `FormatError` for a hostile one."""
        from evisynth.archives import is_zip, open_folder, open_zip  # noqa: PLC0415 - only for sources of many files

        if self.path is not None and self.is_folder:
            return open_folder(self.path)
        return open_zip(self.content, self.name) if is_zip(self.head) else None

    @cached_property
    def text(self) -> str:
        """The file's text: UTF-8 (with or without a mark), or else Windows' Western encoding."""
        try:
            return self.content.decode("utf-8-sig")
        except UnicodeDecodeError:
            return self.content.decode("cp1252", errors="replace")


@attrs.frozen
class Table:
    """Hold columns as a source gave them: heading → values, all of one length."""

    columns: Mapping[str, Sequence[Any]]
    decimal_comma: bool = False
    origins: Mapping[int, tuple[str, ...]] = attrs.field(factory=dict[int, tuple[str, ...]])
    """Where numbers of a row come from, where that is not the table itself; stands in the result. Rows count from 0."""
    notes: tuple[str, ...] = ()
    """What a reader should look at."""
