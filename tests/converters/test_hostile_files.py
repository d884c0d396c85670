"""Attacks on the readers: each is refused or cleaned with a named error, and nothing is written or opened elsewhere."""

from __future__ import annotations

import contextlib
import io
import os
import random
import resource
import struct
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from click.testing import CliRunner

import evisynth as es
from evisynth import archives
from evisynth.cli import main
from evisynth.testing.reviews import sample_reviews

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = "<COCHRANE_REVIEW REVMAN_VERSION='5'>"
REVIEW = f"{ROOT}<COVER_SHEET><TITLE>%s</TITLE></COVER_SHEET></COCHRANE_REVIEW>"
LAUGHS = "".join(f'<!ENTITY l{i} "{f"&l{i - 1};" * 10}">' for i in range(1, 10))
SUFFIXES = (".rm5", ".xml", ".csv", ".mtv", ".zip", ".xlsx", ".ris", ".toml", "")
MEMORY = 1_500_000_000
"""Bytes of address space in which every reader has to do with any file; libraries take about a third of it."""

DOCUMENTS = {
    "an entity bomb": f'<!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]>{REVIEW % "&l9;"}',
    "quadratic blow-up": f'<!DOCTYPE x [<!ENTITY a "{"a" * 50_000}">]>{REVIEW % ("&a;" * 2_000)}',
    "a file as entity": f'<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]>{REVIEW % "&a;"}',
    "an address as entity": f'<!DOCTYPE x [<!ENTITY a SYSTEM "http://localhost:9/x">]>{REVIEW % "&a;"}',
    "a parameter entity": f'<!DOCTYPE x [<!ENTITY % p SYSTEM "file:///etc/passwd">%p;]>{REVIEW % ""}',
    "a document type alone": f'<!DOCTYPE x SYSTEM "http://localhost:9/x.dtd">{REVIEW % ""}',
}


def wide_element(attributes: int) -> str:
    return f"{ROOT}<A " + " ".join(f"a{i}=''" for i in range(attributes)) + "/></COCHRANE_REVIEW>"


@pytest.mark.parametrize("kind", DOCUMENTS)
@pytest.mark.parametrize("suffix", [".rm5", ".xml", ""])
def test_entities_are_refused_unread(kind: str, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"review{suffix}"
    path.write_text(DOCUMENTS[kind], encoding="utf-8")
    with pytest.raises(es.FormatError, match=r"declares a document type or entities|no converter reads"):
        es.load(path)


WATCHING = """
import sys, evisynth as es
es.default_registry()
seen = []
sys.addaudithook(lambda event, args: seen.append(str(args[0])) if event in {"open", "socket.connect"} else None)
for path in sys.argv[1:]:
    try:
        es.load(path)
    except es.FormatError:
        continue
    raise SystemExit("read " + path)
print([name for name in seen if "passwd" in name or "localhost" in name])
"""


def test_nothing_is_opened_for_an_entity(tmp_path: Path) -> None:
    # In a process of its own: what listens to its events cannot be taken away again.
    paths = [tmp_path / f"{i}.rm5" for i in range(len(DOCUMENTS))]
    for path, text in zip(paths, DOCUMENTS.values(), strict=True):
        path.write_text(text, encoding="utf-8")
    done = subprocess.run(  # noqa: S603 - the script is ours
        [sys.executable, "-c", WATCHING, *map(str, paths)], capture_output=True, check=True, text=True, timeout=120
    )
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    "content",
    [
        b"",
        b" \n\t ",
        b"<!DOCTYPE html><html><body>Log in</body></html>",
        b"\xef\xbb\xbf<HTML><head></head></HTML>",
        b"\0" * 99,
    ],
    ids=["empty", "white space", "HTML", "HTML with a mark", "zero bytes"],
)
def test_what_is_no_review_is_called_what_it_is(content: bytes, suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"review{suffix}"
    path.write_bytes(content)
    with pytest.raises(es.FormatError) as caught:
        es.load(path)
    assert str(path.name) in str(caught.value)


def test_deep_and_long_xml_is_refused(tmp_path: Path) -> None:
    deep = ROOT + "<A>" * 100_000 + "</A>" * 100_000 + "</COCHRANE_REVIEW>"
    many = ROOT + "<A/>" * 1_100_000 + "</COCHRANE_REVIEW>"
    wide = wide_element(300_000)
    for name, text, reason in (("deep", deep, "deeper than"), ("many", many, "more than"), ("wide", wide, None)):
        path = tmp_path / f"{name}.rm5"
        path.write_text(text, encoding="utf-8")
        if reason is None:
            assert es.load(path).comparisons == ()
        else:
            with pytest.raises(es.FormatError, match=reason):
                es.load(path)
    path = tmp_path / "large.rm5"
    path.write_text(REVIEW % ("x" * (33 * 1024 * 1024)), encoding="utf-8")
    with pytest.raises(es.FormatError, match="XML of up to"):
        es.load(path)


def test_bytes_of_windows_are_read_under_another_name(tmp_path: Path) -> None:
    path = tmp_path / "review.rm5"
    for encoding in ("ISO-8859-1", "UTF-8", "windows-1252"):
        path.write_bytes(
            f'<?xml version="1.0" encoding="{encoding}"?>'.encode() + (REVIEW % "M\x96ller \x80").encode("latin-1")
        )
        assert es.load(path).title == "M–ller €"


@pytest.mark.parametrize("encoding", ["utf-7", "cp037", "no-such-thing"])
def test_encodings_that_hide_something_are_refused_or_harmless(encoding: str, tmp_path: Path) -> None:
    path = tmp_path / "review.rm5"
    path.write_bytes(f'<?xml version="1.0" encoding="{encoding}"?>{REVIEW % "+ADw-b+AD4-"}'.encode())
    try:
        title = es.load(path).title
    except es.FormatError:
        return
    assert "<" not in title or encoding == "utf-7"


# -- archives ---------------------------------------------------------------------------------------------------------


def archive_of(files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made:
        for name, content in files.items():
            made.writestr(zipfile.ZipInfo(name), content, zipfile.ZIP_DEFLATED)
    return out.getvalue()


def nested(levels: int) -> bytes:
    content = archive_of({"a-data-rows.csv": b"Study\nA\n"})
    for _ in range(levels):
        content = archive_of({"inner.zip": content})
    return content


def link() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as made:
        entry = zipfile.ZipInfo("review.toml")
        entry.external_attr = 0o120777 << 16
        made.writestr(entry, "/etc/passwd")
    return out.getvalue()


def encrypted() -> bytes:
    content = bytearray(archive_of({"review.toml": b"title = 'x'"}))
    content[6] |= 1
    content[content.rindex(b"PK\x01\x02") + 8] |= 1
    return bytes(content)


def of_many_entries(entries: int, *, lying: bool = False, large: bool = False) -> bytes:
    """Make an archive's directory of very many entries, which are never unpacked."""
    entry = b"PK\x01\x02" + bytes(24) + struct.pack("<HHH", 1, 0, 0) + bytes(12) + b"a"
    directory = entry * entries
    count = 1 if lying else min(entries, 0xFFFF)
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, count, count, len(directory), 4, 0)
    locator = b"PK\x06\x07" + bytes(16) if large else b""
    return b"PK\x03\x04" + directory + locator + end


ARCHIVES = {
    "a path above": (archive_of({"../review.toml": b"x"}), "leads out"),
    "a path above within": (archive_of({"a/../../review.toml": b"x"}), "leads out"),
    "an absolute path": (archive_of({"/etc/review.toml": b"x"}), "leads out"),
    "a drive": (archive_of({"C:/review.toml": b"x"}), "leads out"),
    "backslashes": (archive_of({"..\\review.toml": b"x"}), "leads out"),
    "a link": (link(), "leads out"),
    "an encrypted file": (encrypted(), "is encrypted"),
    "half an archive": (archive_of({"review.toml": b"x" * 500})[:60], "ZIP archive|Excel"),
    "archives within archives": (nested(5), "deeper than"),
    "a million entries": (of_many_entries(1_000_000), "more than"),
    "entries that are not counted": (of_many_entries(100_000, lying=True), "more than"),
    "a directory of the large kind": (of_many_entries(10, large=True), "more than"),
}


@pytest.mark.parametrize("suffix", [".zip", ".xlsx", ""])
@pytest.mark.parametrize("kind", ARCHIVES)
def test_archives_that_lead_out_or_have_no_end_are_refused(kind: str, suffix: str, tmp_path: Path) -> None:
    content, reason = ARCHIVES[kind]
    path = tmp_path / "inside" / f"review{suffix}"
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(es.FormatError, match=reason):
        es.load(path)
    assert sorted(tmp_path.rglob("*")) == [path.parent, path]


def test_an_archive_that_unpacks_to_gigabytes_is_refused() -> None:
    """Its headers may say what they like: what is unpacked is counted."""
    content = archive_of({f"{i}.bin": bytes(60 * 1024 * 1024) for i in range(5)})
    opened = archives.open_zip(content, "bomb.zip")
    with pytest.raises(es.FormatError, match=f"more than {archives.MOST_BYTES:,} bytes"):
        [opened.read(name) for name in opened.names]


READING = """
import sys, warnings, evisynth as es
warnings.simplefilter("ignore")
try:
    es.load(sys.argv[1])
except es.EvisynthError as error:
    print(type(error).__name__)
"""
HEAVY: dict[str, Callable[[], bytes]] = {
    "bomb.zip": lambda: archive_of({"review.toml": b"title='x'\n" + b"#" * (900 * 1024 * 1024)}),
    "cells.xlsx": lambda: archive_of(
        {"[Content_Types].xml": b"<Types/>", "xl/workbook.xml": b"<workbook/>" + b" " * (700 * 1024 * 1024)}
    ),
    "wide.rm5": lambda: wide_element(2_500_000).encode(),
    "many.rm5": (ROOT + "<A/>" * 7_000_000 + "</COCHRANE_REVIEW>").encode,
    "entries.zip": lambda: of_many_entries(1_000_000),
    "line.csv": lambda: b"study,yi,vi\n" + b"a" * (40 * 1024 * 1024),
}


@pytest.mark.sweep
@pytest.mark.parametrize("name", HEAVY)
def test_the_heaviest_files_are_done_with_in_bounded_memory(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(HEAVY[name]())
    script = READING

    def bound() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    done = subprocess.run(  # noqa: S603 - the bound is what is tested, and the script is ours
        [sys.executable, "-c", script, str(path)],
        preexec_fn=bound,
        capture_output=True,
        timeout=120,
        check=False,
        text=True,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr[-2000:]


# -- folders and what is written --------------------------------------------------------------------------------------


def test_links_out_of_a_folder_and_pipes_are_passed_over(tmp_path: Path) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("study,yi,vi\nSecret,1,1\n", encoding="utf-8")
    folder = tmp_path / "review"
    folder.mkdir()
    (folder / "data.csv").symlink_to(secret)
    os.mkfifo(folder / "pipe.csv")
    with pytest.raises(es.FormatError):
        es.load(folder)
    assert archives.open_folder(folder).names == ()


def test_folders_of_very_many_files_are_refused(tmp_path: Path) -> None:
    for i in range(archives.MOST_ENTRIES + 1):
        (tmp_path / f"{i}.csv").touch()
    with pytest.raises(es.FormatError, match="more than"):
        es.load(tmp_path)


EVIL = ("../../evil", "/etc/evil", "a/../../../evil", "..\\evil", "C:\\evil", "\0evil", "=cmd|' /C calc'!A0", "x" * 300)


@pytest.mark.filterwarnings("ignore::evisynth.DataWarning")
@pytest.mark.parametrize("name", EVIL)
@pytest.mark.parametrize("target", ["review.rm5", "review.zip", "review", "review.xlsx"])
def test_names_cannot_lead_what_is_written_elsewhere(name: str, target: str, tmp_path: Path) -> None:
    outcome = es.ReviewOutcome(number=1, name=name, data_type="dichotomous", measure="RR", id=name)
    review = es.Review(
        title=name,
        id=name,
        studies=(es.ReviewStudy(id=name, name=name),),
        comparisons=(es.ReviewComparison(number=1, name=name, id=name, outcomes=(outcome,)),),
        risk_of_bias=(es.RiskOfBias(tool=name, domains=(es.BiasDomain(id=name, name=name),)),),
        parts={name: "<x/>"},
    )
    folder = tmp_path / "a" / "b"
    folder.mkdir(parents=True)
    formats = {"review": "review-folder", "review.zip": "cochrane-package"}
    with contextlib.suppress(es.InputError):
        es.save(review, folder / target, format=formats.get(target))
    outside = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_relative_to(folder / target)]
    assert outside == []


def test_formulas_and_control_codes_in_names_are_shown_as_text(tmp_path: Path) -> None:
    (_, _), (_, hostile), _ = sample_reviews()
    names = [study.name for study in hostile.studies]
    assert any(name.startswith("=") for name in names)
    assert any("<" in name for name in names)
    made = es.fit(hostile)
    for cell in str(es.render(made, "csv")).replace("\n", ",").split(","):
        assert not cell.strip('"').startswith(("=", "@", "+cmd")), cell
    es.save(hostile, tmp_path / "package.zip", format="cochrane-package")
    with zipfile.ZipFile(tmp_path / "package.zip") as package:
        for file in package.namelist():
            if file.endswith(".csv"):
                rows = package.read(file).decode("utf-8-sig").splitlines()
                assert not [row for row in rows if row.startswith(("=", "@"))], file
    es.save(hostile, tmp_path / "review.rm5")
    shown = CliRunner().invoke(main, ["review", str(tmp_path / "review.rm5")])
    assert shown.exit_code == 0, shown.output
    assert "\x1b" not in shown.stdout


@pytest.mark.parametrize("kind", ["an entity bomb", "a document type alone"])
def test_the_command_line_says_it_in_a_line(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "review.rm5"
    path.write_text(DOCUMENTS[kind], encoding="utf-8")
    for command in ("review", "verify"):
        shown = CliRunner().invoke(main, [command, str(path)])
        assert shown.exit_code == 2
        assert len(shown.stderr.strip().splitlines()) == 1
        assert "Traceback" not in shown.output


def test_spoilt_files_give_no_crash() -> None:
    from importlib.util import module_from_spec, spec_from_file_location  # noqa: PLC0415 - a script beside the tests

    def first_300(done: int) -> bool:
        return done < 300

    spec = spec_from_file_location("fuzz_readers", Path(__file__).parents[1] / "fuzz" / "fuzz_readers.py")
    assert spec is not None
    assert spec.loader is not None
    script = module_from_spec(spec)
    spec.loader.exec_module(script)
    count, crashes = script.fuzz(script.samples_of([]), random.Random(7), first_300)  # noqa: S311 - repeatable
    assert count == 300
    assert crashes == []


def test_files_compressed_by_other_methods_are_not_unpacked(tmp_path: Path) -> None:
    """A hundred bytes of bzip2 may stand for a megabyte, all of it at once."""
    path = tmp_path / "review.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_BZIP2) as made:
        made.writestr("review.toml", "title = 'x'\nevisynth_review = 1\n")
    with pytest.raises(es.FormatError, match="compressed by method"):
        es.load(path)


def test_a_link_in_the_folder_leads_no_file_out_of_it(tmp_path: Path) -> None:
    folder = tmp_path / "review"
    folder.mkdir()
    (folder / "data").symlink_to(tmp_path)
    (_, review), *_ = sample_reviews()
    with pytest.raises(es.FormatError, match="leads out of it"):
        es.save(review, folder)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["review"]
