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
MOST_LOOKED_AT = 50_000
"""Entries of a folder that are looked at while its files are listed, folders and hidden files included."""

_DIRECTORY_BYTES = 512 * MOST_ENTRIES
_END = b"PK\x05\x06"
_END_SIZE = 22
_LOCATOR = b"PK\x06\x07"
_LOCATOR_SIZE = 20
# Of the others the library unpacks without a bound: 100 bytes of bzip2 may stand for a megabyte, all of it at once.
_UNPACKED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
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
        try:
            with path.open("rb") as file:
                return self._bounded(file.read(self.left + 1))
        except OSError as error:
            msg = f"{self.name}: {path.name!r} cannot be read: {error.strerror}"
            raise FormatError(msg) from None

    def _of_archive(self, name: str, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
        if entry.compress_type not in _UNPACKED:
            msg = f"{self.name}: {name!r} is compressed by method {entry.compress_type}: deflated files are unpacked"
            raise FormatError(msg)
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
    """List the files below a folder; links that lead out of it and hidden files are passed over.

    Raises `FormatError` for a folder that cannot be listed, and for one of more than `MOST_ENTRIES` files or
    `MOST_LOOKED_AT` entries.
    """
    root = path.resolve()
    found: dict[str, Path] = {}
    looked_at = 0
    try:
        for entry in _below(root, DEEPEST_FOLDER):
            looked_at += 1
            file = Path(entry.path)
            if not entry.name.startswith(".") and entry.is_file() and file.resolve().is_relative_to(root):
                found[file.relative_to(root).as_posix()] = file
            if len(found) > MOST_ENTRIES or looked_at > MOST_LOOKED_AT:
                most = f"{MOST_ENTRIES:,} files" if len(found) > MOST_ENTRIES else f"{MOST_LOOKED_AT:,} entries"
                msg = f"{path} holds more than {most}: give the folder of one review"
                raise FormatError(msg)
    except (OSError, RuntimeError) as error:
        # Links that lead in a circle are a RuntimeError.
        msg = f"{path} cannot be listed: {getattr(error, 'strerror', None) or error}"
        raise FormatError(msg) from None
    return Container(path.name or str(path), found)


def _below(folder: Path, depth: int) -> Iterator[os.DirEntry[str]]:
    with os.scandir(folder) as entries:
        for entry in entries:
            yield entry
            if depth > 0 and not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                yield from _below(Path(entry.path), depth - 1)


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
    root = target.resolve()
    for name in written:
        # A link that lies in the folder may lead out of it.
        if not (root / name).resolve().is_relative_to(root):
            msg = f"cannot write {name!r}: a link in {target} leads out of it"
            raise FormatError(msg)
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
