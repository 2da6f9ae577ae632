"""The text of a picture that Textual has exported, and the picture as every program draws it."""

from __future__ import annotations

import html
import re
import subprocess
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby
from pathlib import Path

from rich.cells import cell_len

_CELL, _LINE = 12.2, 24.4
"""The size of a cell in an exported picture."""
_BASELINE = 18.5
"""How far below the top of its line a text is written."""
_FONT_FACE = re.compile(r"\s*@font-face \{[^}]*\}")
_TEXT = re.compile(
    r'<text class="(?P<style>[^"]+)" x="(?P<x>[\d.]+)" y="(?P<y>[\d.]+)"[^>]*clip-path="url\(#(?P<clip>[^)]+)\)">'
    r"(?P<text>[^<]*)</text>"
)
_BRAILLE = range(0x2800, 0x2900)
_BLOCKS = range(0x2500, 0x25A0)
"""Lines and blocks, which fonts for terminals have: one by one there would be seams between them."""
_DOTS: Mapping[int, tuple[int, int]] = {
    0x01: (0, 0), 0x02: (0, 1), 0x04: (0, 2), 0x40: (0, 3),
    0x08: (1, 0), 0x10: (1, 1), 0x20: (1, 2), 0x80: (1, 3),
}  # fmt: skip
"""Column and line of the dot of each bit of a braille character."""


def lines_of(svg: str) -> list[str]:
    """Return the lines of the terminal in an exported picture, without spaces at their ends."""
    lines: dict[int, dict[int, str]] = defaultdict(dict)
    for found in _TEXT.finditer(svg):
        number = int(found["clip"].rpartition("-")[2])
        lines[number][round(float(found["x"]) / _CELL)] = _text(found["text"])
    return [_joined(lines[number]) for number in range(max(lines, default=-1) + 1)]


def drawn_everywhere(svg: str) -> str:
    """Return a picture that needs no font of another server, and no program that can stretch a text to its cells.

    Spaces are kept. Dots of braille are drawn as circles, and other characters that fonts for terminals often lack
    are placed one by one: in another font they have another width.
    """
    return _TEXT.sub(lambda found: "".join(_elements(found)), _FONT_FACE.sub("", svg))


def write_png(svg: str, path: Path) -> None:
    """Write a picture in few colours with rsvg-convert and pngquant. Raises OSError and CalledProcessError."""
    named = svg.replace("Fira Code, monospace", "DejaVu Sans Mono").replace("arial", "DejaVu Sans")
    path.write_bytes(_filtered(_filtered(named.encode(), "rsvg-convert"), "pngquant", "--speed", "1", "128", "-"))


def _filtered(data: bytes, *command: str) -> bytes:
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def _text(escaped: str) -> str:
    return html.unescape(escaped).replace("\xa0", " ")


def _joined(parts: Mapping[int, str]) -> str:
    line = ""
    for column, text in sorted(parts.items()):
        line += " " * (column - cell_len(line)) + text
    return line.rstrip()


def _elements(found: re.Match[str]) -> Iterator[str]:
    """Yield the elements that draw a text in place of one."""
    column = 0
    for kind, group in groupby(_text(found["text"]), _kind):
        part = "".join(group)
        if kind == "braille":
            yield _dots(part, found, column)
        elif kind == "rare":
            for character in part:
                yield _element(character, found, column)
                column += cell_len(character)
            continue
        elif part.strip():
            yield _element(part, found, column)
        column += cell_len(part)


def _kind(character: str) -> str:
    if ord(character) in _BRAILLE:
        return "braille"
    return "text" if ord(character) < 0x2190 or ord(character) in _BLOCKS else "rare"


def _element(text: str, found: re.Match[str], column: int) -> str:
    x = float(found["x"]) + column * _CELL
    return (
        f'<text xml:space="preserve" class="{found["style"]}" x="{x:g}" y="{found["y"]}" '
        f'textLength="{cell_len(text) * _CELL:g}" clip-path="url(#{found["clip"]})">{html.escape(text)}</text>'
    )


def _dots(text: str, found: re.Match[str], column: int) -> str:
    """Return one path with a dot for each of the braille characters."""
    left, top = float(found["x"]) + column * _CELL, float(found["y"]) - _BASELINE
    radius = _CELL / 7
    path = "".join(
        f"M{left + (index + (0.25 + 0.5 * across)) * _CELL - radius:.1f} {top + (down + 0.5) * _LINE / 4:.1f}"
        f"a{radius:.2f} {radius:.2f} 0 1 0 {2 * radius:.2f} 0a{radius:.2f} {radius:.2f} 0 1 0 {-2 * radius:.2f} 0"
        for index, character in enumerate(text)
        for bit, (across, down) in _DOTS.items()
        if (ord(character) - _BRAILLE.start) & bit
    )
    return f'<path class="{found["style"]}" d="{path}"/>'
