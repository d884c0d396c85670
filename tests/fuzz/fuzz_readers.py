"""Feed mutated files to every reader: whatever is not an error of evisynth's own is a crash.

::

    python tests/fuzz/fuzz_readers.py --seconds 600 --seed 1 [--samples FOLDER]… [--keep FOLDER]

Samples are written by our own writers from a review of our own; folders of others may be added. What is read is also
fitted, printed and written again. Crashing inputs are kept.
"""

from __future__ import annotations

import argparse
import importlib
import io
import random
import re
import signal
import tarfile
import tempfile
import time
import traceback
import warnings
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import evisynth as es
from evisynth.testing.reviews import sample_reviews

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LONGEST = 10
"""Seconds of processor time, which other work does not lengthen, after which a reader counts as hanging."""
WRITERS = (
    ("revman5", "x.rm5"),
    ("cochrane-package", "x.zip"),
    ("review-folder", "x-folder.zip"),
    ("workbook", "x.xlsx"),
    ("ris", "x.ris"),
    ("risk-of-bias", "x.csv"),
    ("prisma", "x-flow.csv"),
)
WORDS = (
    *(b"NaN", b"-Infinity", b"1e999", b"-1", b"", b"0", b"999999999999999999999", b"abc", b"1,5", b"\xff\xfe", b"\0"),
    *(
        b"YES",
        b"NO",
        b"SUB",
        b"]]>",
        b"<!--",
        b"&#x1f;",
        b"&amp;",
        b'"',
        b"\n",
        b",,,",
        b"=1+1",
        b"\xe2\x80\xae",
        b"../",
    ),
)


_NUMBER = re.compile(rb"-?\d+(\.\d+)?([eE][+-]?\d+)?")
_NUMBERS = (
    *(b"1e308", b"-1e308", b"1e-308", b"5e-324", b"NaN", b"inf", b"-0", b"0.0", b"9007199254740993", b"9" * 400),
    *(b"-5", b"1_0", b"0x1F", b"1,5", b"\xd9\xa1", b"x"),
)
_WORD = re.compile(rb"[A-Za-z][A-Za-z_0-9]{2,30}")


class HangError(Exception):
    """Report a reader that does not come back."""


def own_samples() -> Iterator[tuple[str, bytes]]:
    """Write our own reviews in every format."""
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for number, (_, review) in enumerate(sample_reviews()):
            for name, target in WRITERS:
                path = Path(folder) / f"{number}-{target}"
                try:
                    es.save(review, path, format=name)
                except es.EvisynthError:
                    continue
                yield path.name, path.read_bytes()
    yield "refs.ris", b"TY  - JOUR\nAU  - Adams, A\nPY  - 2001\nTI  - A trial\nNS  - Adams 2001\nER  - \n"
    yield "rob2.csv", b"Study,D1,D2,D3,D4,D5,Overall\nA,Low,High,Some concerns,Low,Low,High\n"
    yield (
        "prisma.csv",
        b"data,node,box,description,boxtext,tooltips,url,n\nrecords_screened,n9,box4,a,Records screened,a,u,12\n",
    )
    yield "points.csv", b"Treated,,Control,\nX,Y,X,Y\n1,2.5,1,3.5\n2,4,2,5\n"
    yield "table.json", b'{"study": ["A", "B"], "yi": [0.5, -1e-3], "vi": [1, 2.5]}'
    yield "rows.json", b'[{"study": "A", "mean_1": 1, "sd_1": 2, "n_1": 9, "mean_2": 2, "sd_2": 1, "n_2": 8}]'
    project = b"""{"version": [4, 2], "axesColl": [{"name": "XY", "type": "XYAxes", "calibrationPoints": [
{"px": 1, "py": 2, "dx": "0", "dy": "1"}]}], "datasetColl": [{"name": "means", "axesName": "XY",
"data": [{"x": 1, "y": 2, "value": [1, 2.5]}]}]}"""
    yield "project.json", project
    yield "project.tar", _tape(project)
    yield "metaview.mtv", _metaview()
    yield "table.xls", _old_workbook()
    yield "table.csv", b"study,events_1,n_1,events_2,n_2\nA,1,20,3,21\nB,0,10,2,11\n"


def _tape(project: bytes) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        member = tarfile.TarInfo("figure/wpd.json")
        member.size = len(project)
        archive.addfile(member, io.BytesIO(project))
    return out.getvalue()


def _old_workbook() -> bytes:
    xlwt: Any = importlib.import_module("xlwt")
    book = xlwt.Workbook()
    sheet = book.add_sheet("Deaths")
    rows = [("study", "e1", "n1", "e2", "n2"), ("Adams", 4, 123, 11, 139), ("Baker", 6.0, 306, 29, 303)]
    for row, cells in enumerate(rows):
        for column, value in enumerate(cells):
            sheet.write(row, column, value)
    sheet.write_merge(4, 5, 0, 0, "Clark")
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def _metaview() -> bytes:
    """Make an export of RevMan 4 of one outcome in fixed fields."""
    comparison = "3 01    Treatment versus control"
    outcome = f"{'2 D 01 01 N 4 2 2 3      Deaths':133}{'Favours treatment':20} {'Favours control':20} {'Treated':20}"
    studies = [
        f"{f'0 01 01 00 {name}':32}{year} {1:7}{20:7}{0:10}{0:10} {3:6}{21:7}{0:10}{0:10}{0:10}{0:10}{0:5}"
        for name, year in (("Adams", 2001), ("Baker", 2004))
    ]
    return "\n".join(["METAVIEW: A review", "START DATA", comparison, outcome, *studies, "END DATA", ""]).encode()


def samples_of(folders: list[Path]) -> list[tuple[str, bytes]]:
    """Gather our own samples and those of other folders."""
    others = [file for folder in folders for file in sorted(folder.rglob("*")) if file.is_file()]
    return [*own_samples(), *((file.name, file.read_bytes()) for file in others if file.stat().st_size < 600_000)]


def mutated(content: bytes, others: list[bytes], rng: random.Random) -> bytes:
    """Spoil a file in one to four ways; in an archive, one of its files."""
    if content.startswith(b"PK") and rng.random() < 0.8:
        return _mutated_archive(content, others, rng)
    made = bytearray(content)
    for _ in range(rng.randint(1, 4)):
        rng.choice(_WAYS)(made, others, rng)
    return bytes(made)


def _flip(made: bytearray, _: list[bytes], rng: random.Random) -> None:
    for _time in range(rng.randint(1, 8)):
        if made:
            made[rng.randrange(len(made))] = rng.randrange(256)


def _cut(made: bytearray, _: list[bytes], rng: random.Random) -> None:
    at = rng.randrange(len(made) + 1)
    del made[at : at + rng.randint(1, max(len(made) // 4, 1))]


def _repeat(made: bytearray, _: list[bytes], rng: random.Random) -> None:
    at = rng.randrange(len(made) + 1)
    part = made[at : at + rng.randint(1, 400)]
    made[at:at] = part * rng.randint(1, 20)


def _splice(made: bytearray, others: list[bytes], rng: random.Random) -> None:
    other = rng.choice(others)
    start = rng.randrange(len(other) + 1)
    at = rng.randrange(len(made) + 1)
    made[at:at] = other[start : start + rng.randint(1, 600)]


def _word(made: bytearray, _: list[bytes], rng: random.Random) -> None:
    """Put a word in the place of a value between quotation marks or commas."""
    at = rng.randrange(len(made) + 1)
    marks = [place for mark in (b'"', b",", b">") if (place := made.find(mark, at)) >= 0]
    if not marks:
        return
    start = min(marks) + 1
    ends = [place for mark in (b'"', b",", b"<", b"\n") if (place := made.find(mark, start)) >= 0]
    made[start : min(ends, default=start)] = rng.choice(WORDS)


def _number(made: bytearray, _: list[bytes], rng: random.Random) -> None:
    """Put another number, or none, in the place of one."""
    numbers = list(_NUMBER.finditer(made))
    if numbers:
        found = rng.choice(numbers)
        made[found.start() : found.end()] = rng.choice(_NUMBERS)


def _swap_words(made: bytearray, _: list[bytes], rng: random.Random) -> None:
    """Change two words with each other everywhere: tags, attributes, headings, keys."""
    words = sorted({found[0] for found in _WORD.finditer(made)})
    if len(words) > 1:
        one, other = rng.sample(words, 2)
        made[:] = bytes(made).replace(one, b"\1").replace(other, one).replace(b"\1", other)


def _swap_lines(made: bytearray, _: list[bytes], rng: random.Random) -> None:
    lines = bytes(made).split(b"\n")
    i, j = rng.randrange(len(lines)), rng.randrange(len(lines))
    lines[i], lines[j] = lines[j], lines[i]
    made[:] = b"\n".join(lines)


_WAYS: tuple[Callable[[bytearray, list[bytes], random.Random], None], ...] = (
    _flip,
    _cut,
    _repeat,
    _splice,
    _word,
    _word,
    _word,
    _number,
    _number,
    _swap_words,
    _swap_lines,
)


def _mutated_archive(content: bytes, others: list[bytes], rng: random.Random) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            files = {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return content
    if not files:
        return content
    chosen = rng.choice(list(files))
    what = rng.random()
    if what < 0.1:
        del files[chosen]
    elif what < 0.15:
        files[f"{chosen[:3]}x/{chosen}"] = files.pop(chosen)
    else:
        files[chosen] = mutated(files[chosen], others, rng)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, held in files.items():
            archive.writestr(name, held)
    return out.getvalue()


def crash_of(path: Path) -> str | None:
    """Read a file, and what it gives fit, print and write; give the traceback of what is no error of evisynth's."""

    def stop(*_: Any) -> None:  # noqa: ANN401 - the signal's own
        raise HangError

    signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    began = time.process_time()
    try:
        _use(path)
    except es.PluginError:
        return traceback.format_exc()
    except es.EvisynthError:
        # A reader that takes any failure of a library for a damaged file takes the signal for one.
        return f"more than {LONGEST} s\n{traceback.format_exc()}" if time.process_time() - began >= LONGEST else None
    except Exception:  # noqa: BLE001 - finding these is what this is for
        return traceback.format_exc()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    return None


def _use(path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        read = es.load(path)
        if not isinstance(read, es.Review):
            _use_studies(read, path.parent)
            return
        made = es.fit(read)
        es.render(made, "text")
        es.verify(read)
        es.render(made, "csv")
        str(made)
        for name, target in WRITERS:
            _save(read, path.parent / f"again-{target}", name)


def _use_studies(read: es.Studies, folder: Path) -> None:
    str(read)
    for name, target in (("csv", "again.csv"), ("workbook", "again.xlsx")):
        _save(read, folder / target, name)
    made = es.fit(read)
    str(made)
    made.to_json()


def _save(read: es.Studies | es.Review, target: Path, name: str) -> None:
    try:
        es.save(read, target, format=name)
    except es.PluginError:
        raise
    except es.EvisynthError:
        return


def fuzz(
    samples: list[tuple[str, bytes]], rng: random.Random, more: Callable[[int], bool], keep: Path | None = None
) -> tuple[int, list[str]]:
    """Mutate samples while ``more`` (of the number done) says so; give how many inputs and the crashes."""
    others = [content for _, content in samples]
    crashes: list[str] = []
    count = 0
    with tempfile.TemporaryDirectory() as folder:
        while more(count):
            name, content = rng.choice(samples)
            path = Path(folder) / name
            path.write_bytes(mutated(content, others, rng))
            crash = crash_of(path)
            if crash is not None:
                crashes.append(f"{name}: {crash}")
                if keep is not None:
                    keep.mkdir(parents=True, exist_ok=True)
                    (keep / f"{len(crashes)}-{name}").write_bytes(path.read_bytes())
                    (keep / f"{len(crashes)}-{name}.traceback").write_text(crash, encoding="utf-8")
            count += 1
    return count, crashes


def main() -> None:
    """Fuzz for a while and say what was found."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--samples", type=Path, action="append", default=[])
    parser.add_argument("--keep", type=Path, default=None)
    given = parser.parse_args()
    end = time.monotonic() + given.seconds
    samples = samples_of(given.samples)
    rng = random.Random(given.seed)  # noqa: S311 - repeatable, not secret
    count, crashes = fuzz(samples, rng, lambda _: time.monotonic() < end, given.keep)
    for crash in dict.fromkeys(crash.strip().rpartition("\n")[2] for crash in crashes):
        print(crash)
    if crashes:
        print(crashes[0])
    print(f"{count} inputs of {len(samples)} samples, {len(crashes)} crashes")


if __name__ == "__main__":
    main()
