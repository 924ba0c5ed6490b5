"""The page of a run as one picture."""

import io

from PIL import Image, ImageDraw

from gan.image_files.grid import text_font
from gan.report_page.content import ReportContent

_WIDTH = 1240  # pixels
_MARGIN = 20
_GAP = 10
_LETTERS = "é±"  # that a page has beside English ones: all of it is in one font
_BLACK, _GREY, _RED, _WHITE = (34, 34, 34), (110, 110, 110), (170, 0, 0), (255, 255, 255)


def png_page(content: ReportContent) -> bytes:
    """The page as PNG, 1240 pixels wide: everything but the table of all settings."""
    blocks = [_text(content.title, 26)]
    facts = "   ".join(f"{name}: {text}" for name, text in content.facts)
    blocks.append(_text(facts, 14))
    if content.warning:
        blocks.append(_text(content.warning, 14, _RED))
    *small, last = content.grids or [None]
    if last is not None:
        blocks.append(_with_caption(last))
    blocks += _rows([_with_caption(grid) for grid in small])
    if content.evaluation:
        blocks.append(_text(f"Newest evaluation: {content.conditions}", 14))
    blocks += [_text(f"{f.title}: {f.text}", 14, _GREY) for f in content.evaluation]
    blocks += _rows([_open(png) for png in content.charts])
    if content.differences:
        changes = ", ".join(f"{name}={now}" for name, (now, _) in content.differences.items())
        blocks.append(_text(f"Differences from the preset: {changes}", 14))
    height = 2 * _MARGIN + sum(block.height + _GAP for block in blocks)
    page = Image.new("RGB", (_WIDTH, height), _WHITE)
    top = _MARGIN
    for block in blocks:
        page.paste(block, (_MARGIN, top))
        top += block.height + _GAP
    buffer = io.BytesIO()
    page.save(buffer, format="PNG")
    return buffer.getvalue()


def _open(png):
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture.thumbnail((_WIDTH - 2 * _MARGIN, picture.height), Image.LANCZOS)
    return picture


def _rows(pictures):
    """Pictures side by side, as many as have room, to one picture per row."""
    rows, width = [[]], 0
    for picture in pictures:
        if rows[-1] and width + picture.width > _WIDTH - 2 * _MARGIN:
            rows.append([])
            width = 0
        rows[-1].append(picture)
        width += picture.width
    return [_side_by_side(row) for row in rows if row]


def _side_by_side(pictures):
    size = (sum(p.width for p in pictures), max(p.height for p in pictures))
    row, left = Image.new("RGB", size, _WHITE), 0
    for picture in pictures:
        row.paste(picture, (left, 0))
        left += picture.width
    return row


def _with_caption(grid):
    picture, caption = _open(grid.png), _text(f"step {grid.step:,}", 14, _GREY)
    both = Image.new("RGB", (picture.width + _GAP, picture.height + caption.height), _WHITE)
    both.paste(picture, (0, 0))
    both.paste(caption, (0, picture.height))
    return both


def _text(text, size, color=_BLACK):
    """Text as a picture as wide as the page has room, broken between words."""
    font = text_font(size, _LETTERS)
    lines, room = [""], _WIDTH - 2 * _MARGIN
    for word in text.encode("utf-8", "replace").decode().split(" "):
        longer = f"{lines[-1]} {word}" if lines[-1] else word
        if font.getlength(longer) <= room:
            lines[-1] = longer
        else:
            lines.append(word)
    height = round(1.4 * size)
    picture = Image.new("RGB", (room, height * len(lines)), _WHITE)
    draw = ImageDraw.Draw(picture)
    for index, line in enumerate(lines):
        draw.text((0, index * height), line, fill=color, font=font)
    return picture
