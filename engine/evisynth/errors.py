"""Draw the exception tree.

::

    EvisynthError
    ├── InputError (ValueError)          what was given cannot be used
    │   ├── DataError                    offending rows and columns of a table, all of them
    │   ├── FormatError                  a file or value that no converter can read
    │   ├── SettingsError                a word of a request that is not understood
    │   ├── UnknownMethodError           no method of that kind has that name
    │   └── CombinationError             methods that do not go together, or that a preset's program lacks
    ├── PluginError (RuntimeError)       a plugin's function failed; names plugin, method and input
    ├── MissingExtraError (ImportError)  an optional library is absent; names the extra that brings it
    └── MissingProgramError (OSError)    a program of the machine is absent; names those that would do

    PluginWarning (UserWarning)          a plugin was left out
    DataWarning (UserWarning)            data that can be used, but that a reader should look at

A message says who, what was given and what would do.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import attrs

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence


class EvisynthError(Exception):
    """Anything that evisynth raises on purpose."""

    code: ClassVar[str] = "error"

    def to_dict(self) -> dict[str, object]:
        """Describe the error as JSON-ready values: its code, type and message."""
        return {"code": self.code, "type": type(self).__name__, "message": str(self)}


class InputError(EvisynthError, ValueError):
    """Report something given that cannot be used."""

    code = "input"


@attrs.frozen
class Problem:
    """Point at one offending cell of a table.

    ``row`` counts the data rows from 1; ``study`` is the row's label where there is one.
    """

    row: int | None
    study: str | None
    column: str | None
    value: str | None
    message: str

    def __str__(self) -> str:
        """Say where and what in one line."""
        place = [f"row {self.row}" if self.row is not None else "", f"({self.study})" if self.study else ""]
        place.append(f"column {self.column}" if self.column else "")
        given = f" (given: {self.value})" if self.value is not None else ""
        where = " ".join(part for part in place if part)
        return f"{where}: {self.message}{given}" if where else f"{self.message}{given}"


class DataError(InputError):
    """Report every offending row and column of a table at once."""

    code = "data"

    SHOWN: ClassVar[int] = 20

    def __init__(self, summary: str, problems: Iterable[Problem] = ()) -> None:
        """Keep all problems; the message shows the first ``SHOWN``."""
        self.summary = summary
        self.problems = tuple(problems)
        lines = [summary, *(f"  {problem}" for problem in self.problems[: self.SHOWN])]
        if len(self.problems) > self.SHOWN:
            lines.append(f"  … and {len(self.problems) - self.SHOWN} more (see .problems)")
        super().__init__("\n".join(lines))

    def __reduce__(self) -> tuple[type[DataError], tuple[str, tuple[Problem, ...]]]:
        """Pickle what it was made of, so that it crosses processes."""
        return DataError, (self.summary, self.problems)

    def to_dict(self) -> dict[str, object]:
        """Add every problem to the description."""
        return {**super().to_dict(), "problems": [attrs.asdict(problem) for problem in self.problems]}


class FormatError(InputError):
    """Report a source that no converter can read, or that breaks its own format."""

    code = "format"


class SettingsError(InputError):
    """Report a word of a request that is not understood."""

    code = "settings"


class UnknownMethodError(InputError):
    """Report that no method of a kind has the name asked for."""

    code = "unknown-method"

    def __init__(self, kind: str, name: str, available: Sequence[str], broken: Sequence[str] = ()) -> None:
        """Suggest near names, list what is there and name the plugins that could not be used."""
        # difflib is slow to import and only an error needs it.
        from difflib import get_close_matches  # noqa: PLC0415

        self.kind, self.name, self.available, self.broken = kind, name, tuple(available), tuple(broken)
        folded = {known.casefold(): known for known in reversed(available)}
        near = [folded[match] for match in get_close_matches(name.casefold(), folded, n=3, cutoff=0.5)]
        # Whoever mistypes a name rarely mistypes its first letter.
        near.sort(key=lambda known: known[:1].casefold() != name[:1].casefold())
        message = f"no {kind} named {name!r}"
        if near:
            message += f" (did you mean {' or '.join(repr(match) for match in near)}?)"
        message += f"; available: {', '.join(available) or 'none'}"
        if broken:
            message += f"; left out because they are broken: {'; '.join(broken)}"
        super().__init__(message)

    def __reduce__(self) -> tuple[type[UnknownMethodError], tuple[str, str, tuple[str, ...], tuple[str, ...]]]:
        """Pickle what it was made of, so that it crosses processes."""
        return UnknownMethodError, (self.kind, self.name, self.available, self.broken)


class CombinationError(InputError):
    """Report methods that do not go together, or that the preset's program lacks."""

    code = "combination"


class PluginError(EvisynthError, RuntimeError):
    """Report a failure inside a plugin's function, with plugin, method and input."""

    code = "plugin"


class MissingExtraError(EvisynthError, ImportError):
    """Report that an optional library is absent, with the extra that brings it."""

    code = "missing-extra"

    def __init__(self, what: str, library: str, extra: str) -> None:
        """Say which command installs what is missing."""
        self.what, self.library, self.extra = what, library, extra
        super().__init__(f"{what} needs {library}, which is not installed: pip install 'evisynth[{extra}]'")

    def __reduce__(self) -> tuple[type[MissingExtraError], tuple[str, str, str]]:
        """Pickle what it was made of, so that it crosses processes."""
        return MissingExtraError, (self.what, self.library, self.extra)


class MissingProgramError(EvisynthError, OSError):
    """Report that a program which is no library is absent, with the names it was looked for by."""

    code = "missing-program"

    def __init__(self, what: str, looked_for: Sequence[str], kind: str, option: str) -> None:
        """Say what was looked for, and how to point at it."""
        self.what, self.looked_for, self.kind, self.option = what, tuple(looked_for), kind, option
        found = f"none was found (looked for {', '.join(looked_for)}); install one or give {option}"
        super().__init__(f"{what} needs {kind}: {found}")

    def __str__(self) -> str:
        """Give the message: one of the system's own would be made of its arguments."""
        return str(self.args[0])

    def __reduce__(self) -> tuple[type[MissingProgramError], tuple[str, tuple[str, ...], str, str]]:
        """Pickle what it was made of, so that it crosses processes."""
        return MissingProgramError, (self.what, self.looked_for, self.kind, self.option)


class PluginWarning(UserWarning):
    """Warn that a plugin was left out."""


class DataWarning(UserWarning):
    """Warn about data that can be used but that a reader should look at."""
