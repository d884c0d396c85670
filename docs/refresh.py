"""Renew what the pages show: the output of their examples, and the tables made from the engine's own data.

::

    python docs/refresh.py            # write the pages anew
    python docs/refresh.py --check    # say which pages are out of step

A page's ``python`` blocks are run in order, in one namespace and an empty folder; the ``text`` block after one is what
it prints. A block with a title, such as ``title="evisynth_hs.py"``, is a module that later blocks of the page import;
one whose title names a folder is a file of a package, for readers.
The lines of a ``console`` block that begin with ``$`` are run in the page's folder, and the lines after each are its
output.
"""  # noqa: INP001 - a script, not a package

from __future__ import annotations

import contextlib
import inspect
import io
import os
import re
import subprocess
import sys
import tempfile
import warnings
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import attrs

from evisynth import (
    Adjustment,
    BiasTest,
    Conversion,
    EffectMeasure,
    FigureSpec,
    Reporter,
    Settings,
    columns,
    default_registry,
    presets,
)
from evisynth.requests import schema
from evisynth.settings import OPEN

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r"^```(?P<kind>\w+)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)
TABLE = re.compile(r"(?P<begin><!-- table: (?P<name>[\w-]+) -->\n).*?(?P<end><!-- end of table -->)", re.DOTALL)
OUTPUT = re.compile(r"\n*```text\n(?P<output>.*?)^```$", re.MULTILINE | re.DOTALL)

BY_OTHER_WORDS = set(OPEN)


class PageError(Exception):
    """Report a block that cannot be run, or that prints what the page does not show."""


def pages() -> list[Path]:
    """List the pages whose examples are run."""
    docs = ROOT / "docs"
    made = (docs / "_build", docs / "site")
    ours = [path for path in sorted(docs.rglob("*.md")) if not any(path.is_relative_to(folder) for folder in made)]
    return [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ours]


def refreshed(page: str) -> str:
    """Give a page's text with outputs and tables as they are now."""
    page = TABLE.sub(lambda found: found["begin"] + TABLES[found["name"]]() + "\n" + found["end"], page)
    with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder), _modules_put_back():
        return _with_outputs(page)


def modules(page: str) -> dict[str, str]:
    """Give the code of the blocks that are modules, by file name."""
    return {
        found["title"]: found["code"] for found in FENCE.finditer(page) if found["kind"] == "python" and found["title"]
    }


def _with_outputs(page: str) -> str:
    namespace: dict[str, object] = {"__name__": "page"}
    made: list[str] = []
    place = 0
    for found in FENCE.finditer(page):
        if found.start() < place or found["kind"] not in {"python", "console"}:
            continue
        if found["kind"] == "console":
            made += [page[place : found.start("code")], _console(found["code"])]
            place = found.end("code")
            continue
        if "/" in (found["title"] or ""):
            continue
        if found["title"]:
            _import_module(found["title"], found["code"])
            continue
        printed = _run(found["code"], namespace, f"line {page.count(chr(10), 0, found.start()) + 2}")
        shown = OUTPUT.match(page, found.end())
        if shown is not None:
            made += [page[place : shown.start("output")], printed]
            place = shown.end("output")
        elif printed:
            msg = f"{found['code']}prints what the page does not show: {printed}"
            raise PageError(msg)
    return "".join([*made, page[place:]])


def _run(code: str, namespace: dict[str, object], place: str) -> str:
    out = io.StringIO()
    with contextlib.redirect_stdout(out), warnings.catch_warnings():
        warnings.simplefilter("error")
        exec(compile(code, place, "exec"), namespace)  # noqa: S102 - our own pages
    # A line's end is not seen, and an editor may take it away.
    return re.sub(r"[ ]+$", "", out.getvalue(), flags=re.MULTILINE).strip("\n") + "\n" if out.getvalue().strip() else ""


def _import_module(title: str, code: str) -> None:
    module = ModuleType(title.removesuffix(".py"))
    sys.modules[module.__name__] = module
    exec(compile(code, title, "exec"), module.__dict__)  # noqa: S102 - our own pages


@contextlib.contextmanager
def _modules_put_back() -> Generator[None]:
    before = set(sys.modules)
    yield
    for name in [name for name in set(sys.modules) - before if not hasattr(sys.modules[name], "__file__")]:
        del sys.modules[name]


def commands(page: str) -> list[str]:
    """List the commands that a page shows."""
    blocks = [found["code"] for found in FENCE.finditer(page) if found["kind"] == "console"]
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines() if line.startswith("$ ")]


def _console(code: str) -> str:
    asked = [line for line in code.splitlines() if line.startswith("$ ")]
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path, "COLUMNS": "100", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    made: list[str] = []
    for line in asked:
        answer = subprocess.run(  # noqa: S602 - our own pages
            line.removeprefix("$ "), shell=True, capture_output=True, encoding="utf-8", env=environment, check=False
        )
        shown = re.sub(r"[ ]+$", "", answer.stdout + answer.stderr, flags=re.MULTILINE).strip("\n")
        made += [line, *([shown] if shown else [])]
    return "\n".join(made) + "\n"


# -- tables ---------------------------------------------------------------------------------------------------


def _markdown(headings: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    lines = [headings, tuple("---" for _ in headings), *rows]
    return "\n".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in line)} |" for line in lines)


def _word(value: object) -> str:
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value in BY_OTHER_WORDS else f"`{value}`"


def _presets() -> str:
    words = dict.fromkeys(word for preset in presets.PRESETS.values() for word in preset)
    rows = [
        (
            f"`{word}`",
            *(
                _word(preset[word]) + (" (unverified)" if (name, word) in presets.UNVERIFIED else "")
                for name, preset in presets.PRESETS.items()
            ),
        )
        for word in words
    ]
    return _markdown(("word", *(f"`{name}`" for name in presets.PRESETS)), rows)


def _predictions() -> str:
    tables = presets.PREDICTION_BY_INTERVAL
    words = dict.fromkeys(interval for table in tables.values() for interval in table)
    rows = [(f"`{word}`", *(_word(table.get(word)) for table in tables.values())) for word in words]
    return _markdown(("interval", *(f"`{name}`" for name in tables)), rows)


def _centres() -> str:
    rows = [(f"`{name}`", ", ".join(f"`{word}`" for word in words)) for name, words in presets.CENTRED_TAU2.items()]
    return _markdown(("preset", "estimators whose Q is taken about the M-H estimate"), rows)


def _combinations() -> str:
    tables = presets.COMBINATIONS
    methods = dict.fromkeys(method for table in tables.values() for method in table)
    rows = [(f"`{method}`", *(", ".join(table[method]) for table in tables.values())) for method in methods]
    return _markdown(("method", *(f"`{name}` ({presets.PROGRAMS[name]})" for name in tables)), rows)


def _words() -> str:
    described = schema("request")["properties"]
    defaults = {field.name: field.default for field in attrs.fields(Settings)}
    fixed = {word for preset in presets.PRESETS.values() for word in preset}
    rows = [
        (f"`{name}`", str(described[name]["description"]), "by preset" if name in fixed else _word(default))
        for name, default in defaults.items()
        if name != "preset"
    ]
    return _markdown(("word", "what it says", "default"), rows)


def _input_columns() -> str:
    names = {**columns.TEXT, **columns.NUMERIC}
    rows = [(f"`{name}`", ", ".join(f"`{alias}`" for alias in aliases)) for name, aliases in names.items()]
    return _markdown(("column", "also found as"), rows)


def _output_columns() -> str:
    return _markdown(("column", "meaning"), [(f"`{name}`", meaning) for name, meaning in columns.OUTPUT.items()])


def _measures() -> str:
    """List the measures that are shipped, under what their modules compare."""
    registry = default_registry()
    of_module: dict[str, list[EffectMeasure]] = {}
    for record in registry.all(EffectMeasure):
        if registry.provider(record).distribution == "evisynth":
            of_module.setdefault(registry.provider(record).module, []).append(record)
    parts: list[str] = []
    for module, records in of_module.items():
        heading = (import_module(module).__doc__ or "").partition("\n")[0].rstrip(".")
        rows = [
            (
                f"`{record.name}`",
                record.label,
                ", ".join(f"`{name}`" for name in record.columns) or "see below",
                record.scale if isinstance(record.scale, str) else record.scale.name,
                ", ".join(record.variances) or "one",
                f"`{record.r_equivalent}`" if record.r_equivalent else "none",
            )
            for record in records
        ]
        table = _markdown(("measure", "name", "columns", "analysis scale", "variance types", "R"), rows)
        parts.append(f"### {heading}\n\n{table}")
    return "\n\n".join(parts)


def _conversions() -> str:
    registry = default_registry()
    rows = [
        (
            f"`{record.name}`",
            ", ".join(record.sources),
            ", ".join(record.targets),
            record.summary.rstrip("."),
            record.reference,
        )
        for record in registry.all(Conversion)
        if registry.provider(record).distribution == "evisynth"
    ]
    return _markdown(("conversion", "from", "to", "what it does", "source"), rows)


def _small_study(kind: type[BiasTest | Adjustment]) -> str:
    registry = default_registry()
    rows = [
        (
            f"`{record.name}`",
            record.summary.rstrip(".").replace("``", "`"),
            ", ".join(f"`{option}={default}`" for option, default in _options(record.function)) or "none",
            record.reference,
        )
        for record in registry.all(kind)
        if registry.provider(record).distribution == "evisynth"
    ]
    return _markdown(("method", "what it does", "options", "source"), rows)


def _options(function: Callable[..., object]) -> list[tuple[str, str]]:
    parameters = list(inspect.signature(function).parameters.values())[1:]
    return [(parameter.name, repr(parameter.default).replace("'", '"')) for parameter in parameters]


def _figures() -> str:
    """List the figures with what they are of and the options of each."""
    rows = ["| figure | of | shows | options of its own | source |", "|---|---|---|---|---|"]
    common = set(FigureSpec.option_names())
    words = {"review data": "a review", "analysis": "an analysis", "review": "a review that is analysed"}
    for record in default_registry().all(Reporter):
        if record.spec is None:
            continue
        own = ", ".join(f"`{name}`" for name in record.spec.option_names() if name not in common)
        rows.append(f"| `{record.name}` | {words[record.of]} | {record.summary} | {own} | {record.reference} |")
    return "\n".join(rows)


def _tables() -> str:
    """List the tables with what they are of and their options."""
    rows = ["| table | of | shows | options | source |", "|---|---|---|---|---|"]
    for record in default_registry().all(Reporter):
        if ".docx" not in record.media_types or ".csv" not in record.media_types:
            continue
        of = {"review data": "a review", "analysis": "an analysis"}[record.of]
        of += " or a whole review" if record.review is not None else ""
        own = ", ".join(f"`{name}`" for name in list(record.parameters)[2:])
        rows.append(f"| `{record.name}` | {of} | {record.summary} | {own} | {record.reference} |")
    return "\n".join(rows)


TABLES: Mapping[str, Callable[[], str]] = {
    "words": _words,
    "presets": _presets,
    "predictions": _predictions,
    "centres": _centres,
    "combinations": _combinations,
    "input-columns": _input_columns,
    "output-columns": _output_columns,
    "measures": _measures,
    "conversions": _conversions,
    "bias-tests": lambda: _small_study(BiasTest),
    "adjustments": lambda: _small_study(Adjustment),
    "figures": _figures,
    "tables": _tables,
}


def main() -> int:
    """Write the pages anew, or with ``--check`` say which are out of step."""
    check = "--check" in sys.argv
    late = 0
    for page in pages():
        text = page.read_text(encoding="utf-8")
        new = refreshed(text)
        if new != text:
            late += 1
            print(page.relative_to(ROOT))  # noqa: T201 - a script
            if not check:
                page.write_text(new, encoding="utf-8")
    return late if check else 0


if __name__ == "__main__":
    sys.exit(main())
