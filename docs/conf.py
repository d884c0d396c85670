"""Build the site: the pages of this folder, and those that `site_pages` makes of the registry and the reference sets.

``make docs`` writes it to ``docs/_build/html``, readable from disk without a network: formulas are text, search and
fonts are part of the site.
"""  # noqa: INP001 - read by Sphinx, not a package

from __future__ import annotations

import os
import sys
from importlib.metadata import version as installed_version
from pathlib import Path
from typing import TYPE_CHECKING, Any

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS / "making"))

from site_contents import with_contents  # noqa: E402 - of a folder of scripts
from site_pages import made_pages, write_pages  # noqa: E402 - of a folder of scripts
from validation_status import read_status  # noqa: E402 - of a folder of scripts

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "evisynth"
author = "The evisynth founders"
copyright = f"2026, {author}"  # noqa: A001 - Sphinx's word
release = version = installed_version("evisynth")

extensions = ["myst_parser", "sphinx.ext.autodoc"]
source_suffix = {".md": "markdown"}
root_doc = "index"
exclude_patterns = ["_build", "making"]

# Links to headings are those of GitHub, which the pages are also read on.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "fieldlist"]

# Pages name files of the project that are not part of the site as code, not as links, so nothing needs downloading.
nitpicky = True
# Annotations name numpy's and typing's types, which no page here documents.
nitpick_ignore_regex = [("py:.*", ".*")]
default_role = "code"
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True}
python_maximum_signature_line_length = 100

html_theme = "pydata_sphinx_theme"
html_title = "evisynth"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_js_files = [("filter.js", {"defer": "defer"})]
html_copy_source = False
html_show_sphinx = False
# Summaries are fetched from the pages, which a browser does not allow from disk.
html_show_search_summary = False
html_theme_options: dict[str, Any] = {
    "navbar_align": "left",
    "header_links_before_dropdown": 7,
    "navigation_depth": 2,
    "show_prev_next": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "navbar_end": ["theme-switcher"],
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
# A page of a method links to the list of its kind, which is shorter to read than hundreds of names at its side; these
# others have no pages below or beside them.
ALONE = ("tutorial", "differences", "gallery", "site/changes", "site/readme", "site/contributing")
html_sidebars: dict[str, list[str]] = {"site/methods/**": [], **{name: [] for name in ALONE}}

linkcheck_timeout = 30
linkcheck_anchors = False

evisynth_validation = os.environ.get("EVISYNTH_VALIDATION", "")
"""What ``evisynth validate --json FILE`` wrote; the stored one where it is empty."""


def _make_pages(app: Sphinx) -> None:
    path = app.config.evisynth_validation
    status = read_status(Path(path) if path else DOCS / "validation.json")
    write_pages(DOCS / "site", made_pages(status))


def _add_contents(_: Sphinx, name: str, source: list[str]) -> None:
    source[0] = with_contents(name, source[0])


def setup(app: Sphinx) -> None:
    """Make the pages before Sphinx looks for them, and give the index its table of contents."""
    app.add_config_value("evisynth_validation", "", "env", [str])
    app.connect("config-inited", lambda app, _: _make_pages(app))
    app.connect("source-read", _add_contents)
