"""The cells of a chart: an area of braille dots under a line, single dots above it, and texts. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.cells import split_graphemes

Cell = tuple[str, str]
"""The character of a cell and the name of its style. The second cell of a wide character has none ('')."""
Dot = tuple[int, str]
"""The height of a column of dots, in dots from the bottom (1 is the lowest), and the style of its uppermost cell."""

DOTS = 4
"""Dots above one another in a cell; there are two next to each other."""
_BLANK: Cell = (" ", "")
_BRAILLE = 0x2800
_FILLED = ((0x00, 0x40, 0x44, 0x46, 0x47), (0x00, 0x80, 0xA0, 0xB0, 0xB8))
"""The bits of so many dots from the bottom, in the left and in the right column of a cell."""
_SINGLE = ((0x40, 0x04, 0x02, 0x01), (0x80, 0x20, 0x10, 0x08))
"""The bit of one dot, from the bottom, in the left and in the right column of a cell."""


class Raster:
    """A picture of ``width`` by ``height`` cells, blank at first; ``rows`` has them from the top."""

    def __init__(self, width: int, height: int) -> None:
        self.rows: list[list[Cell]] = [[_BLANK] * width for _ in range(height)]

    def fill(self, left: int, bottom: int, area: Sequence[Dot | None], below: Sequence[str]) -> None:
        """Fill columns of dots from the lower edge of row ``bottom`` up; None leaves one empty.

        ``below`` has the styles of filled cells under the uppermost one, from the bottom.
        """
        for x, place in enumerate(range(0, len(area), 2), left):
            one, other = area[place] or (0, ""), area[place + 1] or (0, "")
            top, style = max(one, other)
            if not top:
                continue
            last = (top - 1) // DOTS
            for row in range(last):
                self._dots(x, bottom - row, _columns(one[0], other[0], row), below[row])
            self._dots(x, bottom - last, _columns(one[0], other[0], last), style)

    def dot(self, left: int, bottom: int, column: int, dot: Dot) -> None:
        """Add one dot; a cell that has dots keeps its style."""
        level, style = dot
        row, x = (level - 1) // DOTS, left + column // 2
        self._dots(x, bottom - row, _SINGLE[column % 2][(level - 1) % DOTS], style)

    def write(self, x: int, y: int, text: str, style: str) -> None:
        """Write a text as data, over what is there. A wide character takes a cell and leaves the next one empty."""
        row = self.rows[y]
        if text.isascii():
            row[x : x + len(text)] = [(character, style) for character in text]
            return
        spans, _ = split_graphemes(text)
        for begin, end, cells in spans:
            row[x : x + cells] = [(text[begin:end], style), *[("", style)] * (cells - 1)]
            x += cells

    def join(self, without: str = "") -> None:
        """Give blank cells the style of the text before them, except ``without``: runs of one style are longer."""
        for row in self.rows:
            style = ""
            for x, (_, own) in enumerate(row):
                if own:
                    style = "" if own == without else own
                elif style:
                    row[x] = (" ", style)

    def _dots(self, x: int, y: int, bits: int, style: str) -> None:
        before, own = self.rows[y][x]
        code = ord(before or " ")
        if code >= _BRAILLE:
            bits, style = bits | code & 0xFF, own
        self.rows[y][x] = (chr(_BRAILLE | bits), style)


def _columns(one: int, other: int, row: int) -> int:
    """Return the bits of a cell between two columns of these heights, in a row from the bottom."""
    base = row * DOTS
    return _FILLED[0][min(DOTS, max(0, one - base))] | _FILLED[1][min(DOTS, max(0, other - base))]
