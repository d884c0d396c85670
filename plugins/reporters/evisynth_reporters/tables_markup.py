"""Write tables as HTML that can be read aloud, and as LaTeX for XeLaTeX and LuaLaTeX.

HTML is written here and not by a table library: those style each cell in place, which a strict content policy forbids.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from evisynth_reporters.interactive import policy
from evisynth_reporters.marked_up import attribute, text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from evisynth_reporters.table_sheet import TableRow, TableSheet

STYLE = (
    "body{font:16px/1.45 sans-serif;margin:1.5em;color:#1a1a1a;background:#fff}"
    "table{border-collapse:collapse}caption{font-weight:bold;text-align:left;padding:0 0 .5em}"
    "th,td{padding:.3em .7em;text-align:left;vertical-align:top;border-bottom:1px solid #ccc}"
    "thead tr:last-child th{border-bottom:2px solid #1a1a1a}.right{text-align:right;white-space:nowrap}"
    ".center{text-align:center}tr.total td,tr.total th,tr.heading th{font-weight:bold}"
    "td,th{overflow-wrap:anywhere}.note{font-size:.9em;margin:.4em 0}"
)
COLUMNS = {"left": "l", "center": "c", "right": "r"}
LONG = 35
"""Rows from which a table of LaTeX breaks across pages."""
_LATEX = str.maketrans({
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "[": "{[}", "]": "{]}", '"': r"\textquotedbl{}", "`": r"\textasciigrave{}",
})  # fmt: skip


def as_html(table: TableSheet, language: str) -> str:
    """Write a table as a page of its own, with caption and scopes."""
    return (
        f'<!doctype html>\n<html lang="{attribute(language)}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{attribute(policy(styles=[STYLE], scripts=[]))}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{text(table.title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        f"{html_table(table)}\n</main>\n</body>\n</html>\n"
    )


def html_table(table: TableSheet) -> str:
    """Write the ``table`` element with its notes."""
    return "\n".join(_html(table))


def _html(table: TableSheet) -> Iterator[str]:
    yield f"<table>\n<caption>{text(table.title)}</caption>\n<thead>"
    if table.groups:
        cells = (
            f'<th scope="colgroup" colspan="{span}" class="center">{text(name)}</th>'
            if name
            else f'<td colspan="{span}"></td>'
            for name, span in table.groups
        )
        yield f"<tr>{''.join(cells)}</tr>"
    heads = (f'<th scope="col"{_side(column.align)}>{text(column.heading)}</th>' for column in table.columns)
    yield f"<tr>{''.join(heads)}</tr>\n</thead>\n<tbody>"
    for row in table.rows:
        yield _html_row(row, table)
    yield "</tbody>\n</table>"
    for note in table.notes:
        yield f'<p class="note">{text(note)}</p>'


def _html_row(row: TableRow, table: TableSheet) -> str:
    if row.kind == "heading":
        return f'<tr class="heading"><th scope="rowgroup" colspan="{len(table.columns)}">{text(row.cells[0])}</th></tr>'
    first = f'<th scope="row">{text(row.cells[0])}</th>'
    others = (
        f"<td{_side(column.align)}>{text(cell)}</td>"
        for column, cell in zip(table.columns[1:], row.cells[1:], strict=True)
    )
    kind = ' class="total"' if row.kind == "total" else ""
    return f"<tr{kind}>{first}{''.join(others)}</tr>"


def _side(align: str) -> str:
    return "" if align == "left" else f' class="{align}"'


def as_latex(table: TableSheet) -> str:
    """Write a table for the packages booktabs and, where it is long, longtable."""
    kind = "longtable" if len(table.rows) > LONG else "tabular"
    columns = "".join(COLUMNS[column.align] for column in table.columns)
    head: list[str] = []
    if table.groups:
        head.append(" & ".join(rf"\multicolumn{{{span}}}{{c}}{{{_tex(name)}}}" for name, span in table.groups) + r" \\")
        start = 1
        for name, span in table.groups:
            if name:
                head.append(rf"\cmidrule(lr){{{start}-{start + span - 1}}}")
            start += span
    head.append(" & ".join(_tex(column.heading) for column in table.columns) + r" \\")
    body = [_latex_row(row, len(table.columns)) for row in table.rows]
    notes = [rf"\par\smallskip\footnotesize {_tex(note)}" for note in table.notes]
    needs = "% Needs XeLaTeX or LuaLaTeX with \\usepackage{booktabs" + (",longtable}" if kind == "longtable" else "}")
    if kind == "longtable":
        opening = [rf"\begin{{longtable}}{{{columns}}}", rf"\caption{{{_tex(table.title)}}} \\", r"\toprule"]
        return "\n".join(
            [needs, *opening, *head, r"\midrule", r"\endhead", *body, r"\bottomrule", r"\end{longtable}", *notes, ""]
        )
    opening = [r"\begin{table}", rf"\caption{{{_tex(table.title)}}}", rf"\begin{{tabular}}{{{columns}}}", r"\toprule"]
    closing = [r"\bottomrule", r"\end{tabular}", *notes, r"\end{table}", ""]
    return "\n".join([needs, *opening, *head, r"\midrule", *body, *closing])


def _latex_row(row: TableRow, n: int) -> str:
    if row.kind == "heading":
        return rf"\multicolumn{{{n}}}{{l}}{{\textbf{{{_tex(row.cells[0])}}}}} \\"
    cells = (rf"\textbf{{{_tex(cell)}}}" if cell and row.kind == "total" else _tex(cell) for cell in row.cells)
    return " & ".join(cells) + r" \\"


def _tex(content: str) -> str:
    return content.translate(_LATEX)
