"""Where two versions of a line differ: only that is written to the terminal."""

from __future__ import annotations

from rich.cells import cell_len
from textual.strip import Strip


def difference(old: Strip, new: Strip) -> tuple[int, int]:
    """Return the cells from and up to which two versions of a line differ, equal where they are the same.

    Texts are compared at their blanks, so that no glyph is cut.
    """
    before, after = list(old), list(new)
    if old.cell_length != new.cell_length:
        return 0, new.cell_length
    start, first = 0, 0
    while first < min(len(before), len(after)) and before[first] == after[first]:
        start += after[first].cell_length
        first += 1
    if first == len(before) == len(after):
        return 0, 0
    end, last = new.cell_length, 1
    while last <= min(len(before), len(after)) - first and before[-last] == after[-last]:
        end -= after[-last].cell_length
        last += 1
    left, right = 0, 0
    if first + last <= min(len(before), len(after)):
        if before[first].style == after[first].style:
            left = _common(before[first].text, after[first].text)
        if before[-last].style == after[-last].style:
            right = _common(before[-last].text[::-1], after[-last].text[::-1])
    return (start + left, end - right) if start + left < end - right else (start, end)


def _common(one: str, other: str) -> int:
    """Return the cells that two texts have in common at their beginning, up to a blank."""
    pairs = enumerate(zip(one, other, strict=False))
    length = next((at for at, (left, right) in pairs if left != right), min(len(one), len(other)))
    return cell_len(one[: one.rfind(" ", 0, length) + 1])
