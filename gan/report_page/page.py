"""The page of a run as HTML: one file that needs no other."""

import base64
from html import escape

from gan.report_page.content import ReportContent

_STYLE = """
body { font: 15px/1.45 sans-serif; color: #222; max-width: 1240px; margin: 2em auto }
h1, h2 { font-weight: 600 } h2 { margin-top: 1.8em }
table { border-collapse: collapse } td, th { padding: 2px 18px 2px 0; text-align: left }
th { font-weight: normal; color: #666 }
figure { display: inline-block; margin: 0 8px 12px 0; vertical-align: top }
figure img, .charts img { max-width: 100% } figcaption { color: #666 }
.warning { color: #a00; font-weight: 600 }
"""


def html_page(content: ReportContent) -> bytes:
    """The page, in UTF-8; pictures are in it."""
    title = escape(content.title)
    parts = [
        "<!DOCTYPE html>",
        '<html lang="en"><head><meta charset="utf-8">',
        f"<title>{title}</title><style>{_STYLE}</style></head><body>",
        f"<h1>{title}</h1>",
        _table(content.facts),
    ]
    if content.warning:
        parts.append(f'<p class="warning">{escape(content.warning)}</p>')
    if content.evaluation:
        parts += ["<h2>Newest evaluation</h2>", _table(content.evaluation)]
    parts.append("<h2>Curves</h2>")
    charts = [_image(png, "curves") for png in content.charts]
    parts.append(f'<div class="charts">{"".join(charts)}</div>' if charts else "<p>None yet.</p>")
    parts.append("<h2>Samples</h2>")
    parts += [
        f"<figure>{_image(grid.png, 'sample grid')}"
        f"<figcaption>step {grid.step:,}</figcaption></figure>"
        for grid in content.grids
    ] or ["<p>None yet.</p>"]
    parts += [
        "<h2>Configuration</h2>",
        *_differences(content),
        f"<details><summary>All settings</summary>{_table(_all_settings(content))}</details>",
        "</body></html>",
    ]
    # A path may hold bytes that are no text.
    return "\n".join([*parts, ""]).encode("utf-8", "xmlcharrefreplace")


def _differences(content):
    if content.differences is None:
        return ["<p>The preset is not known here.</p>"]
    if not content.differences:
        return ["<p>That of its preset.</p>"]
    rows = [
        (setting.name, f"{setting.value} (preset: {setting.preset})")
        for setting in content.differences
    ]
    return ["<p>Differences from the preset:</p>", _table(rows)]


def _all_settings(content):
    return [(f"{s.section}.{s.name}", str(s.value)) for s in content.settings]


def _table(rows):
    cells = (f"<tr><th>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in rows)
    return f"<table>{''.join(cells)}</table>"


def _image(png, description):
    data = base64.b64encode(png).decode("ascii")
    return f'<img alt="{description}" src="data:image/png;base64,{data}">'
