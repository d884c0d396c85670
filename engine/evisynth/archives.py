"""Open folders and ZIP archives from outside, and write them: bounded, and with no way out of them."""

from __future__ import annotations

import io
import os
import stat
import struct
import zipfile
import zlib
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import attrs

from evisynth.errors import FormatError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

MOST_ENTRIES = 2_000
"""Files in a folder or archive, those in archives within it included; a data package has a dozen."""
MOST_BYTES = 256 * 1024 * 1024
"""Bytes that all files of an archive may come to when they are unpacked."""
DEEPEST = 3
"""Archives within archives, and folders within folders beside them."""
DEEPEST_FOLDER = 6

_DIRECTORY_BYTES = 512 * MOST_ENTRIES
_END = b"PK\x05\x06"
_END_SIZE = 22
_LOCATOR = b"PK\x06\x07"
_LOCATOR_SIZE = 20
_ZIP = (b"PK\x03\x04", _END)
_UNREADABLE = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, OSError, ValueError)


def is_zip(head: bytes) -> bool:
    """Tell whether bytes begin like a ZIP archive."""
    return head.startswith(_ZIP)


@attrs.define
class Container:
    """Hold the files of a folder or an archive: their paths within it, and a way to read each.

    Paths are relative, with slashes; a file in an archive within it is ``inner.zip/name``. Reading raises
    `FormatError` where the files come to more than `MOST_BYTES`.
    """

    name: str
    entries: Mapping[str, Path | tuple[zipfile.ZipFile, zipfile.ZipInfo]]
    _read: dict[str, bytes] = attrs.field(factory=dict[str, bytes], init=False)
    left: int = MOST_BYTES

    @property
    def names(self) -> tuple[str, ...]:
        """Paths of the files, sorted."""
        return tuple(sorted(self.entries))

    def __contains__(self, name: object) -> bool:
        """Tell whether there is a file of that path."""
        return name in self.entries

    def read(self, name: str) -> bytes:
        """Read one file, once."""
        if name not in self._read:
            entry = self.entries[name]
            content = self._of_folder(entry) if isinstance(entry, Path) else self._of_archive(name, *entry)
            self.left -= len(content)
            self._read[name] = content
        return self._read[name]

    def _of_folder(self, path: Path) -> bytes:
        with path.open("rb") as file:
            return self._bounded(file.read(self.left + 1))

    def _of_archive(self, name: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
        try:
            # What an entry says of its own size is not to be trusted: it is read up to what is left.
            with archive.open(entry) as file:
                content = file.read(self.left + 1)
        except _UNREADABLE as error:
            reason = "is encrypted" if entry.flag_bits & 1 else f"cannot be unpacked: {error}"
            msg = f"{self.name}: {name!r} {reason}"
            raise FormatError(msg) from None
        return self._bounded(content)

    def _bounded(self, content: bytes) -> bytes:
        if len(content) > self.left:
            msg = f"{self.name} unpacks to more than {MOST_BYTES:,} bytes: no review is that large"
            raise FormatError(msg)
        return content


def open_folder(path: Path) -> Container:
    """List the files below a folder; links that lead out of it and hidden files are passed over."""
    root = path.resolve()
    found: dict[str, Path] = {}
    for file in _below(root, DEEPEST_FOLDER):
        if not file.resolve().is_relative_to(root):
            continue
        found[file.relative_to(root).as_posix()] = file
        if len(found) > MOST_ENTRIES:
            msg = f"{path} holds more than {MOST_ENTRIES:,} files: give the folder of one review"
            raise FormatError(msg)
    return Container(path.name or str(path), found)


def _below(folder: Path, depth: int) -> Iterator[Path]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                if depth > 0:
                    yield from _below(Path(entry.path), depth - 1)
            elif entry.is_file():
                yield Path(entry.path)


def open_zip(content: bytes, name: str) -> Container:
    """List the files of an archive and of archives within it.

    Raises `FormatError` for a damaged archive, one of more than `MOST_ENTRIES` files or `DEEPEST` levels, and for paths
    that lead out of it.
    """
    container = Container(name, {})
    container.entries = _entries_of(content, name, container, "", DEEPEST)
    return container


def _entries_of(
    content: bytes, name: str, container: Container, prefix: str, depth: int
) -> dict[str, Path | tuple[zipfile.ZipFile, zipfile.ZipInfo]]:
    _refuse_long_directory(content, name)
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except _UNREADABLE as error:
        msg = f"{name} is not a ZIP archive that can be opened: {error}"
        raise FormatError(msg) from None
    found: dict[str, Path | tuple[zipfile.ZipFile, zipfile.ZipInfo]] = {}
    for entry in archive.infolist():
        if entry.is_dir():
            continue
        path = prefix + _safe(entry, name)
        if path in found:
            msg = f"{name} holds two files of the name {path!r}"
            raise FormatError(msg)
        if not path.lower().endswith(".zip"):
            found[path] = (archive, entry)
            continue
        if depth <= 1:
            msg = f"{name} holds archives within archives, deeper than {DEEPEST} levels"
            raise FormatError(msg)
        inner = Container(name, {path: (archive, entry)}, container.left)
        nested = inner.read(path)
        container.left -= len(nested)
        found |= _entries_of(nested, f"{name}: {path}", container, f"{path}/", depth - 1)
        if len(found) > MOST_ENTRIES:
            msg = f"{name} holds more than {MOST_ENTRIES:,} files"
            raise FormatError(msg)
    return found


def _refuse_long_directory(content: bytes, name: str) -> None:
    """Look at the end of an archive before its directory is read: a million entries take long to list."""
    at = content.rfind(_END, max(len(content) - (1 << 16) - _END_SIZE, 0))
    if at < 0 or len(content) < at + _END_SIZE:
        msg = f"{name} is not a ZIP archive that can be opened: its directory is missing"
        raise FormatError(msg)
    entries, size = struct.unpack("<HI", content[at + 10 : at + 16])
    large = content[max(at - _LOCATOR_SIZE, 0) : at].startswith(_LOCATOR)
    if large or entries > MOST_ENTRIES or size > _DIRECTORY_BYTES:
        msg = f"{name} holds more than {MOST_ENTRIES:,} files: a review's package has a few dozen"
        raise FormatError(msg)


def _safe(entry: zipfile.ZipInfo, name: str) -> str:
    path = entry.filename.replace("\\", "/")
    if stat.S_ISLNK(entry.external_attr >> 16) or _leads_out(path):
        msg = f"{name} holds {entry.filename!r}, which leads out of the archive"
        raise FormatError(msg)
    return PurePosixPath(path).as_posix()


def _leads_out(given: str) -> bool:
    parts = PurePosixPath(given).parts
    return not parts or given.startswith("/") or ".." in parts or "\0" in given or ":" in parts[0]


def write_files(target: Path, written: bytes | Mapping[str, bytes]) -> None:
    """Write one file, or several into a folder (an archive where the name ends in ``.zip``) and nowhere else.

    Raises `FormatError` for a path that leads out of the folder, before anything is written.
    """
    if isinstance(written, bytes):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(written)
        return
    outside = [name for name in written if _leads_out(name.replace("\\", "/"))]
    if outside:
        msg = f"cannot write {outside[0]!r}: it leads out of {target}"
        raise FormatError(msg)
    if target.suffix.lower() == ".zip":
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(zipped(written))
        return
    for name, content in written.items():
        path = target / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def zipped(files: Mapping[str, bytes]) -> bytes:
    """Make an archive; equal files give equal bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()
