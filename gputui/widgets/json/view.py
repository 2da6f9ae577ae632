"""Facts and JSON documents to walk through: objects and arrays fold, long texts open, everything can be found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Size
from textual.strip import Strip

from gputui.widgets.json.tree import FACT_WIDTH, INDENT, Fact, JsonTree, Node, Number, Plain, Section, written
from gputui.widgets.text_view import SearchView

_OPEN, _CLOSED, _LEAF = "▾ ", "▸ ", "  "


class JsonView(SearchView):
    """Folds objects and arrays. All of it is made safe."""

    ALLOW_SELECT = False

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "move(1)", "Down", show=False, id="json.down"),
        Binding("k,up", "move(-1)", "Up", show=False, id="json.up"),
        Binding("ctrl+f,pagedown", "page(1)", "Page down", show=False, id="json.page-down"),
        Binding("ctrl+u,pageup", "page(-1)", "Page up", show=False, id="json.page-up"),
        Binding("g,home", "first", "Top", show=False, id="json.top"),
        Binding("G,end", "last", "End", show=False, id="json.end"),
        Binding("enter,space", "toggle_fold", "Fold or unfold", show=False, id="json.toggle"),
        Binding("l,right", "unfold", "Unfold", show=False, id="json.unfold"),
        Binding("h,left", "fold", "Fold, or go to its parent", show=False, id="json.fold"),
        Binding("plus", "fold_all(False)", "Unfold all", show=False, id="json.unfold-all"),
        Binding("minus", "fold_all(True)", "Fold all", show=False, id="json.fold-all"),
        Binding("n", "find_again(1)", "Next match", show=False, id="json.next"),
        Binding("N", "find_again(-1)", "Previous match", show=False, id="json.previous"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._tree = JsonTree()
        self._cursor = 0

    # --- content --------------------------------------------------------------------------------------------

    @property
    def text(self) -> str:
        """All of it as text, whatever is folded."""
        return self._tree.text()

    @property
    def here(self) -> tuple[str, str]:
        """The node under the cursor: its name and its value, a text as it is, others as JSON; not made safe."""
        if (node := self._node) is None:
            return "", ""
        value = node.value
        if isinstance(value, Fact):
            return value.label, value.text
        return self._tree.label(node), str(value) if isinstance(value, str) else written(value)

    @property
    def _node(self) -> Node | None:
        rows = self._tree.rows
        return rows[self._cursor][0] if rows else None

    def set_content(self, facts: Sequence[Fact], sections: Sequence[Section]) -> None:
        """Show these; cursor, folds and scroll position stay with what they are on."""
        self._keeping_place(lambda: self._tree.set_content(facts, sections))

    def on_resize(self) -> None:
        """Lay it out for the new width."""
        width = self.scrollable_content_region.width
        if width > 0:
            self._keeping_place(lambda: self._tree.set_width(width))

    def _keeping_place(self, change: Callable[[], None]) -> None:
        if not self.is_mounted:
            change()
            return
        tree = self._tree
        node, part = tree.rows[self._cursor] if tree.rows else (None, 0)
        below_top = self._cursor - self.scroll_offset.y
        change()
        index = None if node is None else tree.index_of(node.path, part)
        if index is None and node is not None:
            index = tree.nearest(node.path)
        self._cursor = min(self._cursor if index is None else index, max(0, len(tree.rows) - 1))
        self._changed()
        self.scroll_to(y=max(0, self._cursor - below_top), animate=False, immediate=True, force=True)
        self._follow()

    def _changed(self) -> None:
        self.virtual_size = Size(self.scrollable_content_region.width, len(self._tree.rows))
        self.refresh()

    # --- moving ----------------------------------------------------------------------------------------------

    def _go(self, index: int) -> None:
        last = len(self._tree.rows) - 1
        index = max(0, min(index, last))
        if index != self._cursor:
            self.refresh_line(self._cursor)
            self._cursor = index
            self.refresh_line(index)
        self._follow()

    def _follow(self) -> None:
        """Keep the cursor in view."""
        top, height = self.scroll_offset.y, self.scrollable_content_region.height
        if height <= 0:
            return
        if self._cursor < top:
            self.scroll_to(y=self._cursor, animate=False, immediate=True, force=True)
        elif self._cursor >= top + height:
            self.scroll_to(y=self._cursor - height + 1, animate=False, immediate=True, force=True)

    def action_move(self, step: int) -> None:
        """Go a line down (1) or up (-1)."""
        self._go(self._cursor + step)

    def action_page(self, step: int) -> None:
        """Go a page down (1) or up (-1)."""
        self._go(self._cursor + step * max(1, self.scrollable_content_region.height - 1))

    def action_first(self) -> None:
        """Go to the first line."""
        self._go(0)

    def action_last(self) -> None:
        """Go to the last line."""
        self._go(len(self._tree.rows) - 1)

    def on_click(self, event: events.Click) -> None:
        """Go to the line that is clicked; a double click folds it."""
        index = self.scroll_offset.y + event.y
        if index < len(self._tree.rows):
            self._go(index)
            if event.chain == 2:
                self.action_toggle_fold()

    # --- folding ---------------------------------------------------------------------------------------------

    def action_toggle_fold(self) -> None:
        """Open the node under the cursor, or close it."""
        node = self._node
        if node is not None and self._tree.folds(node):
            self._fold(opened=not self._tree.is_open(node))

    def action_unfold(self) -> None:
        """Open the node under the cursor; enter one that is open already."""
        node = self._node
        if node is None or not self._tree.folds(node):
            return
        if self._tree.is_open(node):
            self._go(self._cursor + 1)
        else:
            self._fold(opened=True)

    def action_fold(self) -> None:
        """Close the node under the cursor; from a closed one go to its parent."""
        node = self._node
        if node is None:
            return
        if self._tree.folds(node) and self._tree.is_open(node):
            self._fold(opened=False)
        elif node.depth > 0 and (index := self._tree.index_of(node.path[:-1])) is not None:
            self._go(index)

    def _fold(self, *, opened: bool) -> None:
        tree = self._tree
        path = tree.rows[self._cursor][0].path
        tree.fold(self._cursor, opened=opened)
        # When a long text is closed the cursor returns to its first line.
        self._cursor = tree.index_of(path) or 0
        self._changed()
        self._follow()

    def action_fold_all(self, closed: bool) -> None:
        """Open everything, or close it."""
        self._keeping_place(lambda: self._tree.fold_all(opened=not closed))

    # --- finding ---------------------------------------------------------------------------------------------

    def search(self, step: int) -> None:
        """Go to a match, and open what hides it."""
        if (node := self._node) is None:
            return
        path, number, count = self._tree.find(self._needle, node.path, step)
        if path is not None:
            self._cursor = self._tree.reveal(path, self._needle)
            self._changed()
            height = self.scrollable_content_region.height
            if not self.scroll_offset.y <= self._cursor < self.scroll_offset.y + height:
                self.scroll_to(y=max(0, self._cursor - height // 3), animate=False, immediate=True, force=True)
        self.post_message(self.Found(f"{number} of {count} places" if count else "nothing matches"))

    # --- drawing ---------------------------------------------------------------------------------------------

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        index = self.scroll_offset.y + y
        width = self.size.width
        style = self.visual_style
        if index >= len(self._tree.rows):
            return Strip.blank(width, style.rich_style)
        line = self._line(*self._tree.rows[index]).truncate(width, ellipsis=True)
        if self._needle:
            line = self._with_matches(line)
        if index == self._cursor:
            style = style + self.get_visual_style("search-view--cursor")
        return self.draw(line, style)

    def _with_matches(self, line: Content) -> Content:
        plain, wanted = line.plain.casefold(), self._needle.casefold()
        # Where folding the case changes the length, places would be wrong.
        if len(plain) != len(line.plain):
            return line
        style = self.get_visual_style("search-view--match")
        start = plain.find(wanted)
        while start >= 0:
            line = line.stylize(style, start, start + len(wanted))
            start = plain.find(wanted, start + len(wanted))
        return line

    def _line(self, node: Node, part: int) -> Content:
        tree = self._tree
        indent = " " * (INDENT * node.depth)
        if part:
            return Content(f"{indent}{' ' * (2 * INDENT)}{tree.parts(node)[part - 1]}")
        opened = tree.is_open(node)
        mark = (_OPEN if opened else _CLOSED) if tree.folds(node) else _LEAF
        label = tree.label(node)
        if isinstance(node.value, Fact):
            shown = "" if opened else self._cut(tree.one_line(node), self._left(mark, f"{label:>{FACT_WIDTH}}"))
            return Content.assemble(
                (mark, "$muted"), (f"{label:>{FACT_WIDTH - INDENT}}", "$muted"), "  ", (shown, node.value.style)
            )
        if node.depth == 0:
            key = (label, "bold $text-accent")
        else:
            key = (label, "$muted" if isinstance(node.path[-1], int) else "$text-accent")
        return Content.assemble(indent, (mark, "$muted"), key, *self._value(node, f"{indent}{mark}{label}", opened))

    def _left(self, *before: str) -> int:
        """Return how many cells are left of a line behind these texts and two spaces."""
        return max(1, self.scrollable_content_region.width - sum(map(cell_len, before)) - 2)

    def _value(self, node: Node, before: str, opened: bool) -> list[tuple[str, str]]:
        tree, value = self._tree, node.value
        if note := tree.note(node):
            return [("  ", ""), (note, "$muted")]
        if isinstance(value, dict | list):
            noun = "keys" if isinstance(value, dict) else "items"
            count = f"{len(value):,} {noun if len(value) != 1 else noun[:-1]}"
            empty, folded = ("{}", "{…}") if isinstance(value, dict) else ("[]", "[…]")
            if not value:
                return [("  ", ""), (empty, "$muted")]
            return [("  ", ""), (count if opened else f"{folded} {count}", "$muted")]
        if isinstance(value, Plain):
            return [] if opened else [("  ", ""), (f"… {len(value):,} characters", "$muted")]
        if isinstance(value, str) and not isinstance(value, Number):
            length = f" {len(value):,} characters" if tree.is_long(node) else ""
            if opened:
                return [(" ", ""), (length, "$muted")]
            shown = tree.one_line(node)
            if length:
                shown = self._cut(shown, self._left(before, length))
            return [("  ", ""), (shown, "$text-success"), (length, "$muted")]
        return [("  ", ""), (tree.one_line(node), "$text-warning" if isinstance(value, str) else "$text-primary")]

    @staticmethod
    def _cut(text: str, room: int) -> str:
        return Content(text).truncate(room, ellipsis=True).plain if cell_len(text) > room else text
