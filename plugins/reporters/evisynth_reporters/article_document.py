"""Render an article as a Word document: headings, links within, tables, and bitmaps with their texts in words."""

from __future__ import annotations

import zipfile
from io import BytesIO
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape, quoteattr

from evisynth import MissingExtraError
from evisynth_reporters.article import Grid, Link, Listing, Paragraph, Picture, Script
from evisynth_reporters.pictures import Painter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from evisynth_reporters.article import Article, Block, Cells, Parts
    from evisynth_reporters.words import Words

A4 = (841.9, 595.3)
"""Width and height of a page in points: it lies, for the width of forest plots."""
MARGIN = 45.0
ROOM_FOR_TEXT = 60.0
"""Height that a figure leaves for the heading above it."""
COLOURS = {"note": "7A3B00", "statistic": "404040"}
WORD = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
RELATIONS = 'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships"'
HYPERLINK = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/hyperlink"


def article_document(article: Article, words: Words, progress: Callable[[str], object] | None = None) -> bytes:
    """Render as the bytes of a document; ``progress`` is told the place of every outcome.

    Raises `MissingExtraError` without python-docx.
    """
    made = _Document(article, words)
    for block in article.lead:
        made.put(block)
    made.contents()
    for depth, section in article.every_section:
        made.heading(section.title, section.identifier, depth)
        for block in section.blocks:
            made.put(block)
        if section.place is not None and progress is not None:
            progress(section.place)
    made.put(Paragraph(article.close, "statistic"))
    return made.saved()


class _Document:
    """Build a document; tables are written as XML, which python-docx is slow at."""

    def __init__(self, article: Article, words: Words) -> None:
        try:
            import docx  # noqa: PLC0415 - optional
        except ImportError:
            what = "the docx reporter"
            raise MissingExtraError(what, "python-docx", "office") from None
        self.article, self.words, self.painter = article, words, Painter(words)
        self.made: Any = docx.Document()
        self.bookmarks = {
            section.identifier: (i, f"s{i}_{section.identifier}"[:40].replace("-", "_"))
            for i, (_, section) in enumerate(article.every_section)
        }
        self._page()
        core = self.made.core_properties
        core.title, core.author, core.comments, core.language = article.title[:255], "", "", words.language
        self.made.add_heading(article.title, level=0)

    def _page(self) -> None:
        from docx.enum.section import WD_ORIENT  # noqa: PLC0415 - optional
        from docx.shared import Pt  # noqa: PLC0415 - as above

        page = self.made.sections[0]
        page.orientation = WD_ORIENT.LANDSCAPE
        page.page_width, page.page_height = Pt(A4[0]), Pt(A4[1])
        page.left_margin = page.right_margin = page.top_margin = page.bottom_margin = Pt(MARGIN)
        normal = self.made.styles["Normal"]
        normal.font.name, normal.font.size = "Calibri", Pt(10.5)
        normal.element.get_or_add_rPr().append(self._xml(f'<w:lang {WORD} w:val="{self.words.language}"/>'))

    def _xml(self, written: str) -> Any:  # noqa: ANN401 - lxml's own type
        from docx.oxml.parser import parse_xml  # noqa: PLC0415 - optional

        return parse_xml(written)

    def _append(self, written: str) -> None:
        # What python-docx itself adds comes before the body's last element too.
        self.made.element.body.sectPr.addprevious(self._xml(written))

    def heading(self, title: str, identifier: str, depth: int) -> None:
        """Write a heading that links lead to."""
        number, name = self.bookmarks[identifier]
        heading = self.made.add_heading(title.replace("\n", " "), level=min(depth, 9))
        element = heading._p  # noqa: SLF001 - how python-docx gives its XML
        element.insert(1, self._xml(f'<w:bookmarkStart {WORD} w:id="{number}" w:name="{name}"/>'))
        element.append(self._xml(f'<w:bookmarkEnd {WORD} w:id="{number}"/>'))

    def contents(self) -> None:
        """List the parts and outcomes with links."""
        self.made.add_paragraph(self.words("Contents"), style="TOC Heading" if self._has("TOC Heading") else None)
        listed: list[Link] = []
        for section in self.article.sections:
            listed.append(Link(section.title, section.identifier))
            listed += [Link(one.title, one.identifier) for one in section.sections if one.place is not None]
        for link in listed:
            self._append(self._paragraph((link,), "List Bullet"))

    def _has(self, style: str) -> bool:
        return style in self.made.styles

    def put(self, block: Block) -> None:
        """Write a block."""
        if isinstance(block, Paragraph):
            self._append(self._paragraph(block.parts, None, COLOURS.get(block.tone)))
        elif isinstance(block, Listing):
            for item in block.items:
                self._append(self._paragraph(item, "List Bullet", COLOURS.get(block.tone)))
        elif isinstance(block, Script):
            for line in block.text.split("\n"):
                self._append(_code(line))
        elif isinstance(block, Picture):
            self._picture(block)
        else:
            self._grid(block)

    def _picture(self, picture: Picture) -> None:
        from docx.shared import Pt  # noqa: PLC0415 - optional

        drawn = self.painter.bitmap(picture)
        if isinstance(drawn, str):
            self.put(Paragraph(drawn, "note"))
            return
        across = (A4[0] - 2 * MARGIN) / drawn.width
        down = (A4[1] - 2 * MARGIN - ROOM_FOR_TEXT) / drawn.height
        # Word cuts what is higher than a page.
        share = min(1.0, across, down)
        placed = self.made.add_picture(BytesIO(drawn.png), width=Pt(drawn.width * share))
        properties = placed._inline.docPr  # noqa: SLF001 - how python-docx gives its XML
        properties.set("descr", drawn.description)
        properties.set("title", picture.title)

    # -- text ---------------------------------------------------------------------------------------------------------

    def _paragraph(self, parts: Parts, style: str | None, colour: str | None = None, *, bold: bool = False) -> str:
        identifier = self.made.styles[style].style_id if style else None
        looks = f'<w:pPr><w:pStyle w:val="{identifier}"/></w:pPr>' if identifier else ""
        return f"<w:p {WORD} {RELATIONS}>{looks}{self._runs(parts, colour, bold=bold)}</w:p>"

    def _runs(self, parts: Parts, colour: str | None = None, *, bold: bool = False) -> str:
        made: list[str] = []
        for part in parts:
            if not isinstance(part, Link):
                made.append(_run(part, colour, bold=bold))
            elif part.outward:
                target = self.made.part.relate_to(part.target, HYPERLINK, is_external=True)
                made.append(f'<w:hyperlink r:id="{target}">{_run(part.text, "0B57A4", bold=bold)}</w:hyperlink>')
            elif part.target in self.bookmarks:
                name = self.bookmarks[part.target][1]
                made.append(f'<w:hyperlink w:anchor="{name}">{_run(part.text, "0B57A4", bold=bold)}</w:hyperlink>')
            else:
                made.append(_run(part.text, colour, bold=bold))
        return "".join(made)

    # -- tables -------------------------------------------------------------------------------------------------------

    def _grid(self, grid: Grid) -> None:
        if not grid.quiet:
            self._append(
                f'<w:p {WORD}><w:pPr><w:keepNext/><w:spacing w:before="120" w:after="40"/></w:pPr>'
                f"{_run(grid.caption, None, bold=True)}</w:p>"
            )
        heads = "".join(
            _cell(_run(heading.text, None, bold=True), number=heading.number, rule=True) for heading in grid.headings
        )
        rows = "".join(self._row(row, grid) for row in grid.rows)
        columns = "<w:gridCol/>" * len(grid.headings)
        described = f"<w:tblDescription w:val={quoteattr(grid.caption)}/>"
        self._append(
            f'<w:tbl {WORD} {RELATIONS}><w:tblPr><w:tblW w:w="5000" w:type="pct"/><w:tblBorders>'
            '<w:top w:val="single" w:sz="8" w:color="8B949C"/><w:bottom w:val="single" w:sz="8" w:color="8B949C"/>'
            '<w:insideH w:val="single" w:sz="4" w:color="C9CED3"/></w:tblBorders><w:tblLayout w:type="autofit"/>'
            '<w:tblCellMar><w:left w:w="60" w:type="dxa"/><w:right w:w="60" w:type="dxa"/></w:tblCellMar>'
            f'<w:tblLook w:firstRow="1" w:firstColumn="1"/>{described}</w:tblPr><w:tblGrid>{columns}</w:tblGrid>'
            f"<w:tr><w:trPr><w:cantSplit/><w:tblHeader/></w:trPr>{heads}</w:tr>{rows}</w:tbl>"
        )
        self._append(f"<w:p {WORD}/>")

    def _row(self, row: Cells, grid: Grid) -> str:
        if row.band or len(row.cells) == 1:
            runs = self._runs(row.cells[0], None, bold=row.band)
            cells = _cell(runs, span=len(grid.headings), shade="EEF2F5" if row.band else None)
        else:
            cells = "".join(
                _cell(
                    self._runs(cell, None, bold=row.bold),
                    number=heading.number,
                    indent=200 * row.depth if i == 0 else 0,
                )
                for i, (cell, heading) in enumerate(zip(row.cells, grid.headings, strict=True))
            )
        return f"<w:tr><w:trPr><w:cantSplit/></w:trPr>{cells}</w:tr>"

    def saved(self) -> bytes:
        """Give the bytes, the same ones for the same article."""
        held = BytesIO()
        self.made.save(held)
        return _dateless(held)


def _run(text: str, colour: str | None, *, bold: bool = False, mono: bool = False) -> str:
    looks = ('<w:rFonts w:ascii="Consolas" w:hAnsi="Consolas" w:cs="Consolas"/>' if mono else "") + (
        "<w:b/>" if bold else ""
    )
    looks += (f'<w:color w:val="{colour}"/>' if colour else "") + ('<w:sz w:val="16"/>' if mono else "")
    lines: Iterable[str] = text.split("\n")
    inner = "<w:br/>".join(f'<w:t xml:space="preserve">{escape(line)}</w:t>' for line in lines)
    return f"<w:r><w:rPr>{looks}</w:rPr>{inner}</w:r>"


def _code(line: str) -> str:
    return f'<w:p {WORD}><w:pPr><w:spacing w:before="0" w:after="0"/></w:pPr>{_run(line, None, mono=True)}</w:p>'


def _cell(
    runs: str, *, number: bool = False, rule: bool = False, span: int = 1, shade: str | None = None, indent: int = 0
) -> str:
    looks = '<w:tcW w:w="0" w:type="auto"/>' + (f'<w:gridSpan w:val="{span}"/>' if span > 1 else "")
    looks += '<w:tcBorders><w:bottom w:val="single" w:sz="8" w:color="8B949C"/></w:tcBorders>' if rule else ""
    looks += f'<w:shd w:val="clear" w:color="auto" w:fill="{shade}"/>' if shade else ""
    inside = '<w:spacing w:before="20" w:after="20"/>' + (f'<w:ind w:left="{indent}"/>' if indent else "")
    inside += '<w:jc w:val="right"/>' if number else ""
    small = runs.replace("</w:rPr>", '<w:sz w:val="17"/></w:rPr>')
    return f"<w:tc><w:tcPr>{looks}</w:tcPr><w:p><w:pPr>{inside}</w:pPr>{small}</w:p></w:tc>"


def _dateless(held: BytesIO) -> bytes:
    """Write an archive anew without the times at which its files were written."""
    out = BytesIO()
    with zipfile.ZipFile(held) as archive, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as anew:
        for entry in archive.infolist():
            anew.writestr(zipfile.ZipInfo(entry.filename), archive.read(entry), zipfile.ZIP_DEFLATED)
    return out.getvalue()
