"""Facts and JSON documents as a tree that folds, laid out as the lines that are seen of it. Pure: no Textual."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import field
from typing import Any

from rich.cells import cell_len, chop_cells

from gputui.late_dataclasses import dataclass
from gputui.text import clean

SMALL = 200
"""A document of no more values is shown whole at first; of a larger one only its own members."""
_MANY = 1000
"""Of more members than these not even the first are shown unasked."""
_DEEPEST = 100
"""A document nested deeper is not for people: it is shown as text."""
INDENT = 2
FACT_WIDTH = 12

Path = tuple[str | int, ...]
"""The path of a value: the section's name, then keys and indices."""


class Number(str):
    """A number as it was written: nothing of it is lost."""

    __slots__ = ()


class Plain(str):
    """A text that is no JSON."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Fact:
    """A line above the documents: a label and a text, the text in a style of the theme's."""

    label: str
    text: str
    style: str = ""


@dataclass(frozen=True, slots=True)
class Section:
    """A named part: JSON, or any other text. ``note`` is shown where there is none."""

    name: str
    text: str
    note: str = ""


@dataclass(slots=True, eq=False)
class Node:
    """A value at its place. Those in it are made when it is first opened; ``parts`` are its lines by a width."""

    path: Path
    value: Any
    depth: int = 0
    children: list[Node] | None = None
    parts: tuple[int, list[str]] | None = field(default=None, repr=False)

    @property
    def is_container(self) -> bool:
        """Whether there is something in it."""
        return isinstance(self.value, dict | list) and bool(self.value)


Row = tuple[Node, int]
"""A line: a node, and 0 for its own line, from 1 for the lines of a long text that is opened."""


def parse(text: str) -> Any:
    """Return the value of a JSON text, numbers as they are written; :class:`Plain` for what is none."""
    try:
        value = json.loads(text, parse_int=Number, parse_float=Number, parse_constant=Number)
        return value if _depth(value) <= _DEEPEST else Plain(text)
    except (ValueError, RecursionError):
        return Plain(text)


def written(value: Any, *, indent: str = "") -> str:
    """Return a value as indented JSON; a text that is no JSON as it is."""
    if isinstance(value, Number | Plain):
        return str(value)
    if not isinstance(value, dict | list) or not value:
        return json.dumps(value, ensure_ascii=False)
    inner = indent + " " * INDENT
    if isinstance(value, dict):
        members = [
            f"{json.dumps(key, ensure_ascii=False)}: {written(item, indent=inner)}" for key, item in value.items()
        ]
        opening, closing = "{", "}"
    else:
        members = [written(item, indent=inner) for item in value]
        opening, closing = "[", "]"
    return f"{opening}\n{inner}" + f",\n{inner}".join(members) + f"\n{indent}{closing}"


def _depth(value: Any) -> int:
    deepest, level = 0, [value]
    while level := [item for one in level if isinstance(one, dict | list) for item in _members(one)]:
        deepest += 1
        if deepest > _DEEPEST:
            break
    return deepest


def _members(value: dict[str, Any] | list[Any]) -> Sequence[Any]:
    return list(value.values()) if isinstance(value, dict) else value


def _is_small(value: Any) -> bool:
    count, stack = 0, [value]
    while stack and count <= SMALL:
        one = stack.pop()
        if isinstance(one, dict | list):
            count += len(one)
            stack.extend(_members(one)[: SMALL + 1])
    return count <= SMALL


class JsonTree:
    """Which values are open, and the lines that follow from it. ``width`` is in cells.

    Folds are kept by path, so they stay when a document changes.
    """

    def __init__(self) -> None:
        self.rows: list[Row] = []
        self.width = 80
        self._roots: list[Node] = []
        self._texts: dict[str, str] = {}
        self._notes: dict[str, str] = {}
        self._small: dict[str, bool] = {}
        self._folds: dict[Path, bool] = {}

    # --- content --------------------------------------------------------------------------------------------

    def set_content(self, facts: Sequence[Fact], sections: Sequence[Section]) -> None:
        """Show these; a section whose text is the same as before is not read again."""
        before = {str(root.path[0]): root for root in self._roots}
        texts = {section.name: section.text for section in sections}
        self._notes = {section.name: section.note for section in sections if not section.text}
        roots = [Node(("", number), fact) for number, fact in enumerate(facts)]
        for name, text in texts.items():
            if self._texts.get(name) == text:
                roots.append(before[name])
                continue
            root = Node((name,), parse(text) if text else Plain(""))
            # A document that grows does not fold while it is read.
            if not self._texts.get(name):
                self._small[name] = _is_small(root.value)
            roots.append(root)
        self._roots, self._texts = roots, texts
        self._lay_out()

    def set_width(self, width: int) -> None:
        """Lay it out for another width."""
        if width != self.width:
            self.width = width
            self._lay_out()

    def note(self, node: Node) -> str:
        """Return the note of a section without content."""
        return self._notes.get(str(node.path[0]), "") if node.depth == 0 else ""

    def text(self) -> str:
        """Return all of it as text, folded or not."""
        lines = []
        for root in self._roots:
            if isinstance(root.value, Fact):
                lines.append(f"{root.value.label}: {root.value.text}")
            elif root.value != "":
                lines += ["", f"{root.path[0]}:", written(root.value)]
        return "\n".join(lines).strip("\n") + "\n"

    # --- lines -----------------------------------------------------------------------------------------------

    def _lay_out(self) -> None:
        self.rows = [row for root in self._roots for row in self._rows_of(root)]

    def _rows_of(self, node: Node) -> Iterator[Row]:
        stack = [node]
        while stack:
            node = stack.pop()
            yield node, 0
            if not self.is_open(node):
                continue
            if node.is_container:
                stack.extend(reversed(self.children(node)))
            else:
                yield from ((node, part) for part in range(1, len(self.parts(node)) + 1))

    def children(self, node: Node) -> list[Node]:
        """Return the nodes in a node."""
        if node.children is None:
            value = node.value
            items = value.items() if isinstance(value, dict) else enumerate(value)
            path, depth = node.path, node.depth + 1
            node.children = [Node((*path, key), item, depth) for key, item in items]
        return node.children

    def room(self, node: Node) -> int:
        """Return how many cells the lines of a text have that is opened."""
        return max(8, self.width - INDENT * (node.depth + 1) - INDENT)

    def parts(self, node: Node) -> list[str]:
        """Return the lines of a text, wrapped to its room."""
        room = self.room(node)
        if node.parts is None or node.parts[0] != room:
            text = node.value.text if isinstance(node.value, Fact) else str(node.value)
            lines = clean(text, multiline=True).strip("\n").split("\n")
            node.parts = (room, [part for line in lines for part in _wrapped(line, room)])
        return node.parts[1]

    def one_line(self, node: Node) -> str:
        """Return a scalar on one line, no longer than some cells more than there is room for."""
        value = node.value
        if isinstance(value, Fact):
            return clean(value.text[: self.width + 1])
        if isinstance(value, str) and not isinstance(value, Number | Plain):
            return clean(json.dumps(value[: self.width + 1], ensure_ascii=False))
        if isinstance(value, str):
            return clean(value[: self.width + 1])
        return json.dumps(value)

    def label(self, node: Node) -> str:
        """Return the label of a value: its key as it is, quoted where that would be no word; its index."""
        if isinstance(node.value, Fact):
            return clean(node.value.label)
        key = node.path[-1]
        if isinstance(key, int):
            return str(key)
        return clean(key if key.isprintable() and key == key.strip() != "" else json.dumps(key, ensure_ascii=False))

    def is_long(self, node: Node) -> bool:
        """Whether a text needs more than its line."""
        value = node.value
        if isinstance(value, Plain):
            return bool(value)
        if isinstance(value, Fact):
            room = self.width - FACT_WIDTH - INDENT
            return len(value.text) > room or cell_len(clean(value.text)) > room
        if not isinstance(value, str):
            return False
        room = self.width - INDENT * (node.depth + 1) - len(self.label(node)) - 2
        return len(value) > room or "\n" in value or cell_len(self.one_line(node)) > room

    def folds(self, node: Node) -> bool:
        """Whether it can be opened and closed."""
        return node.is_container or self.is_long(node)

    def is_open(self, node: Node) -> bool:
        """Whether its content is shown."""
        if node.is_container:
            chosen = self._folds.get(node.path)
            return self._opens_itself(node) if chosen is None else chosen
        if not isinstance(node.value, str | Fact) or isinstance(node.value, Number):
            return False
        chosen = self._folds.get(node.path, isinstance(node.value, Plain))
        return chosen and self.is_long(node)

    def _opens_itself(self, node: Node) -> bool:
        return self._small[str(node.path[0])] or (node.depth == 0 and len(node.value) <= _MANY)

    # --- folding ---------------------------------------------------------------------------------------------

    def fold(self, index: int, *, opened: bool) -> None:
        """Open or close the node of a line; the lines before it stay."""
        node = self.rows[index][0]
        self._folds[node.path] = opened
        start = self.index_of(node.path) or 0
        end = start + 1
        while end < len(self.rows) and (self.rows[end][0] is node or self.rows[end][0].depth > node.depth):
            end += 1
        self.rows[start:end] = self._rows_of(node)

    def fold_all(self, *, opened: bool) -> None:
        """Open everything that contains others, or close it all."""
        self._folds.clear()
        if opened:
            self._small = dict.fromkeys(self._small, True)
        else:
            self._folds = {root.path: False for root in self._roots if root.is_container}
            self._small = dict.fromkeys(self._small, False)
        self._lay_out()

    def index_of(self, path: Path, part: int = 0) -> int | None:
        """Return the line of a value, its own or one of its text's; None where it is folded away or not there."""
        own = next((index for index, (node, _) in enumerate(self.rows) if node.path == path), None)
        if own is None or part == 0:
            return own
        last = own + part
        return last if last < len(self.rows) and self.rows[last][0].path == path else own

    def nearest(self, path: Path) -> int | None:
        """Return the line of a value, or of the nearest around it that is shown."""
        found = (self.index_of(path[:length]) for length in range(len(path), 0, -1))
        return next((index for index in found if index is not None), None)

    # --- finding ---------------------------------------------------------------------------------------------

    def find(self, needle: str, start: Path, step: int) -> tuple[Path | None, int, int]:
        """Return where a text is next, its number among all (from 1), and how many there are.

        ``step`` 1 searches from after ``start``, -1 from before it, 0 from ``start`` itself. The case does not count.
        """
        wanted = needle.casefold()
        found: list[tuple[int, Path]] = []
        here = 0
        for order, (path, text) in enumerate(self._texts_in_order()):
            if path == start:
                here = order
            if wanted in text.casefold():
                found.append((order, path))
        if not found:
            return None, 0, 0
        if step < 0:
            chosen = next((n for n in range(len(found) - 1, -1, -1) if found[n][0] < here), len(found) - 1)
        else:
            chosen = next((n for n, (order, _) in enumerate(found) if order >= here + step), 0)
        return found[chosen][1], chosen + 1, len(found)

    def _texts_in_order(self) -> Iterator[tuple[Path, str]]:
        """Return the text of each place, key and value, folded or not."""
        stack: list[tuple[Path, Any]] = [(root.path, root.value) for root in reversed(self._roots)]
        while stack:
            path, value = stack.pop()
            if isinstance(value, Fact):
                yield path, f"{value.label} {value.text}"
            elif isinstance(value, dict):
                yield path, str(path[-1])
                stack.extend(((*path, key), value[key]) for key in reversed(value))
            elif isinstance(value, list):
                yield path, str(path[-1])
                stack.extend(((*path, number), value[number]) for number in range(len(value) - 1, -1, -1))
            else:
                key = path[-1] if isinstance(path[-1], str) else ""
                yield path, f"{key}\n{value if isinstance(value, str) else json.dumps(value)}"

    def reveal(self, path: Path, needle: str = "") -> int:
        """Open everything around a value and return its line: of a long text the one that contains ``needle``."""
        for length in range(1, len(path)):
            self._folds[path[:length]] = True
        self._lay_out()
        index = self.index_of(path) or 0
        node = self.rows[index][0]
        wanted = needle.casefold()
        if not needle or not self.is_long(node) or wanted in self.label(node).casefold():
            return index
        if not self.is_open(node):
            self.fold(index, opened=True)
        parts = self.parts(node)
        # One that is broken by the end of a line begins in the line before.
        for number, part in enumerate(parts, 1):
            after = parts[number] if number < len(parts) else ""
            if wanted in (part + after[: len(needle)]).casefold():
                return index + number
        return index


def _wrapped(line: str, room: int) -> Sequence[str]:
    if line.isascii():
        return [line[start : start + room] for start in range(0, len(line), room)] or [""]
    return chop_cells(line, room) or [""]
