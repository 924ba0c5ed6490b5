"""The page of a run as HTML: one file that needs no other."""

import base64
from html import escape

from gan.report_page.content import ReportContent

_STYLE = """
body { font: 15px/1.45 sans-serif; color: #222; max-width: 1240px; margin: 0 auto; padding: 1.5em }
h1, h2 { font-weight: 600; line-height: 1.2 } h2 { margin: 1.8em 0 0.6em }
h1 { margin-top: 0 } h1, td { overflow-wrap: anywhere }
table { border-collapse: collapse } td, th { padding: 2px 18px 2px 0; text-align: left }
th { font-weight: normal; color: #666; vertical-align: top } .name, p.conditions { color: #999 }
figure { display: inline-block; margin: 0 16px 12px 0; vertical-align: bottom }
img { max-width: 100%; height: auto } figcaption { color: #666 }
.charts { display: grid; gap: 12px }
.charts { grid-template-columns: repeat(auto-fill, minmax(min(100%, 480px), 1fr)) }
.charts img { width: 100%; max-width: 600px }
@media (max-width: 600px) { .name { display: none } }
.warning { color: #a00; font-weight: 600 }
"""


def html_page(content: ReportContent) -> bytes:
    """The page, in UTF-8; pictures are in it."""
    title = escape(content.title)
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        _table(content.facts),
    ]
    if content.warning:
        parts.append(f'<p class="warning">{escape(content.warning)}</p>')
    parts.append("<h2>Samples</h2>")
    # The newest first, and large; the way there below it.
    parts += [
        f"<figure>{_image(grid.png, 'sample grid')}"
        f"<figcaption>step {grid.step:,}</figcaption></figure>"
        for grid in [*content.grids[-1:], *content.grids[:-1]]
    ] or ["<p>None yet.</p>"]
    if content.evaluation:
        parts += [
            "<h2>Newest evaluation</h2>",
            f'<p class="conditions">{escape(content.conditions)}</p>',
            _table(content.evaluation),
        ]
    parts.append("<h2>Curves</h2>")
    charts = [_image(png, "curves") for png in content.charts]
    parts.append(f'<div class="charts">{"".join(charts)}</div>' if charts else "<p>None yet.</p>")
    settings = [(name, str(value)) for name, value in content.settings.items()]
    parts += [
        "<h2>Configuration</h2>",
        *_differences(content),
        f"<details><summary>All settings</summary>{_table(settings)}</details>",
        "</body></html>",
    ]
    # A path may hold bytes that are no text.
    return "\n".join([*parts, ""]).encode("utf-8", "xmlcharrefreplace")


def _differences(content):
    if content.differences is None:
        return ["<p>The preset is not known here.</p>"]
    if not content.differences:
        return ["<p>That of its preset.</p>"]
    changed = content.differences.items()
    rows = [(name, f"{now} (preset: {was})") for name, (now, was) in changed]
    return ["<p>Differences from the preset:</p>", _table(rows)]


def _table(rows):
    """Rows of a name, a text and, of a figure, its name in the records."""
    cells = (
        f"<tr><th>{escape(title)}</th><td>{escape(text)}</td>"
        + "".join(f'<td class="name">{escape(name)}</td>' for name in names)
        + "</tr>"
        for title, text, *names in rows
    )
    return f"<table>{''.join(cells)}</table>"


def _image(png, description):
    data = base64.b64encode(png).decode("ascii")
    return f'<img alt="{description}" src="data:image/png;base64,{data}">'
