"""Print a page to PDF by a browser that is there already."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from evisynth import MissingProgramError, PluginError

NAMES = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome", "msedge", "microsoft-edge"),
    "microsoft-edge-stable",
)
PLACES = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge",
    r"C:\Program Files\Google\Chrome\Application\chrome.exe",
    r"C:\Program Files (x86)\Microsoft\Edge\Application\msedge.exe",
    r"C:\Program Files\Microsoft\Edge\Application\msedge.exe",
)
"""Where these programs are installed without being on the path."""
LONGEST = 300.0
"""Seconds for one page; a report of a hundred outcomes takes a few."""

_DATES = re.compile(rb"(/(?:CreationDate|ModDate) \(D:)(\d{14})(\D)")
_DAY = b"20000101000000"


def find_browser(given: str | None = None) -> str:
    """Find a browser that prints: the one given by name or path, else one that is usually there.

    Raises `MissingProgramError` where there is none.
    """
    for name in (given,) if given else (*NAMES, *PLACES):
        found = shutil.which(name)
        if found is not None:
            return found
    looked_for = (given,) if given else NAMES
    what = "the pdf reporter"
    raise MissingProgramError(what, looked_for, "a browser of the Chromium family", "browser='/path/to/it'")


def printed_page(html: str, browser: str | None = None) -> bytes:
    """Print a page as PDF, with no header or footer of the browser's own.

    Raises `MissingProgramError` without a browser and `PluginError` where it prints nothing.
    """
    program = find_browser(browser)
    with tempfile.TemporaryDirectory(prefix="evisynth-", ignore_cleanup_errors=True) as folder:
        page, made = Path(folder) / "page.html", Path(folder) / "page.pdf"
        page.write_text(html, encoding="utf-8", errors="replace")
        command = [
            program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--no-pdf-header-footer", f"--user-data-dir={folder}/profile", f"--print-to-pdf={made}", page.as_uri(),
        ]  # fmt: skip
        try:
            done = subprocess.run(command, capture_output=True, timeout=LONGEST, check=False)  # noqa: S603 - a program that was found, and a page of ours
        except (OSError, subprocess.TimeoutExpired) as error:
            msg = f"{program} could not print the page: {error}"
            raise PluginError(msg) from None
        if not made.is_file():
            said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
            msg = f"{program} printed no page (exit status {done.returncode}): {' '.join(said)}"
            raise PluginError(msg)
        return _DATES.sub(_the_same_day, made.read_bytes())


def _the_same_day(found: re.Match[bytes]) -> bytes:
    """Put a fixed day in the place of today, as long as it is, for the addresses of what follows."""
    return found[1] + _DAY + found[3] if len(found[2]) == len(_DAY) else found[0]
