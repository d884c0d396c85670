"""Hold the files of a review's folder while it is read: nothing outside it, and what was not read is known."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

import attrs

from evisynth import FormatError
from evisynth_converters.csv_cells import CsvTable, read_csv

if TYPE_CHECKING:
    from evisynth import Source

MAIN = "review.toml"
_OURS = (".csv", ".toml", ".xml")


@attrs.define
class Folder:
    """Hold the files below the folder (within a folder or an archive) that holds the main file."""

    source: Source
    prefix: str
    notes: list[str] = attrs.field(factory=list[str])
    _used: set[str] = attrs.field(factory=set[str])

    def has(self, path: str) -> bool:
        """Tell whether there is a file of that path."""
        return self.source.container is not None and self.prefix + path in self.source.container

    def read(self, path: str, where: str) -> bytes:
        """Read a file that ``where`` names; raises `FormatError` for one that is absent, or outside the folder."""
        parts = PurePosixPath(path).parts
        if not parts or ".." in parts or path.startswith("/") or "\\" in path or ":" in parts[0]:
            msg = f"{where}: {path!r} leads out of the folder; files are named from it on, with slashes"
            raise FormatError(msg)
        name = "/".join(parts)
        container = self.source.container
        if container is None or not self.has(name):
            names = [] if container is None else [one.removeprefix(self.prefix) for one in container.names]
            near = get_close_matches(name, names, n=1, cutoff=0.6)
            msg = f"{where}: there is no file {path!r} in {self.source.name}" + (
                f" (did you mean {near[0]!r}?)" if near else ""
            )
            raise FormatError(msg)
        self._used.add(name)
        try:
            return container.read(self.prefix + name)
        except OSError as error:
            msg = f"{path} cannot be read: {error.strerror}"
            raise FormatError(msg) from None

    def table(self, path: str, where: str) -> CsvTable:
        """Read a file of cells."""
        return read_csv(self.read(path, where), path, self.notes)

    @property
    def unread(self) -> tuple[str, ...]:
        """Files of the kinds that such a folder has, which nothing names."""
        names = () if self.source.container is None else self.source.container.names
        own = [name.removeprefix(self.prefix) for name in names if name.startswith(self.prefix)]
        return tuple(name for name in own if name.lower().endswith(_OURS) and name not in self._used)


def find_folder(source: Source) -> Folder | None:
    """Find the folder that holds the main file: the root, or the only folder in it.

    Raises `FormatError` for a source that must not, or cannot, be opened.
    """
    try:
        names = () if source.container is None else source.container.names
    except OSError as error:
        msg = f"{source.name} cannot be read: {error.strerror}"
        raise FormatError(msg) from None
    if MAIN in names:
        return Folder(source, "")
    tops = {name.partition("/")[0] for name in names if "/" in name}
    # A computer of Apple's adds a folder of its own to archives.
    tops.discard("__MACOSX")
    top = f"{tops.pop()}/" if len(tops) == 1 else ""
    return Folder(source, top) if top and top + MAIN in names else None
