"""Every private part of Textual that gputui depends on.

It is among the widgets because they are the lowest layer that uses Textual; screens and the app import it from here.
What can only be used from inside a subclass is used there and named in ``PRIVATE``. tests/widgets/
test_textual_internals.py compares both with the installed Textual.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Final, TypeVar
from weakref import WeakKeyDictionary

from rich.console import Console
from rich.control import Control
from textual._compositor import ChopsUpdate
from textual.app import App
from textual.cache import LRUCache
from textual.css.model import RuleSet
from textual.css.styles import RulesMap
from textual.css.stylesheet import Stylesheet
from textual.dom import DOMNode
from textual.driver import Driver
from textual.drivers.linux_driver import LinuxDriver
from textual.geometry import Size
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.scroll_view import ScrollView
from textual.widget import Widget
from textual.worker import Worker, WorkerState
from textual.worker_manager import WorkerManager

if TYPE_CHECKING:
    from textual.widgets import Select

T = TypeVar("T")
_Answer = TypeVar("_Answer")

PRIVATE: Final[Mapping[type[Any] | str, tuple[str, ...]]] = {
    App: (
        "_batch_count",
        "_bindings",
        "_check_bindings",
        "_clipboard",
        "_close_messages_no_wait",
        "_context",
        "_dispatch_action",
        "_display",
        "_driver",
        "_exception",
        "_exit",
        "_exit_renderables",
        "_fatal_error",
        "_handle_exception",
        "_keymap",
        "_workers",
    ),
    Screen: ("_compositor", "_compositor_refresh", "_on_timer_update", "_screen_resized"),
    MessagePump: ("_on_message",),
    LinuxDriver: (
        "_app",
        "_disable_mouse_support",
        "_enable_mouse_support",
        "_mouse",
        "_mouse_pixels",
        "_must_signal_resume",
        "_writer_thread",
    ),
    WorkerManager: ("_remove_worker",),
    "Input": ("_watch_value",),
    "TextArea": ("_on_key", "_replace_via_keyboard"),
    "Select": ("_options",),
    Stylesheet: ("_parse_cache", "_process_component_classes", "_require_parse", "_rules", "_variables"),
    DOMNode: (
        "_attach",
        "_component_styles",
        "_get_component_classes",
        "_has_focus_within",
        "_has_hover_style",
        "_has_odd_or_even",
        "_has_order_style",
        "_selector_names",
    ),
    ChopsUpdate: ("chop_ends", "chops", "spans"),
}
"""The private names of each class that are used or overridden (``ChopsUpdate`` is private as a whole).

Widgets are named, since the first frame needs none of them.
"""

_RULES_OF_A_SHEET = 512
_THEMES = 8
_STATES = 4096


class _Candidates:
    """The rules that can apply to nodes of one class, id and set of CSS classes, and to their parts."""

    def __init__(self, own: tuple[RuleSet, ...], of_parts: tuple[RuleSet, ...]) -> None:
        of_own = _pseudo_classes(own)
        self.pseudo_classes = tuple(sorted(of_own | _pseudo_classes(of_parts)))
        self.hover = "hover" in of_own
        self.focus_within = "focus-within" in of_own
        self.order = not of_own.isdisjoint(("first-of-type", "last-of-type", "first-child", "last-child", "empty"))
        self.odd_or_even = not of_own.isdisjoint(("odd", "even"))


def _pseudo_classes(rules: Iterable[RuleSet]) -> set[str]:
    return set[str]().union(*(rule.pseudo_classes for rule in rules))


class _Part(DOMNode):
    """Part of a widget, such as the cursor of a text field, that has styles of its own."""


_Selectable = tuple[type[DOMNode], str | None, frozenset[str]]
_Path = tuple[tuple[Any, ...], ...]
_State = tuple[_Candidates, _Path]


def _selectable(node: DOMNode) -> _Selectable:
    """Return what selectors without pseudo-classes look at."""
    return type(node), node.id, node.classes


class SharedStylesheet(Stylesheet):
    """A stylesheet that parses its sources, and finds the rules of a node, once per theme and process.

    Textual parses all sources twice whenever a view is opened for the first time, and looks for the rules of every
    widget of a screen whenever the screen comes in front or one of its classes changes: 28 % of the CPU time of the
    tests of a view, 14 % with this class. With the shared parsing alone these tests take 12 to 20 % more CPU; the
    first frame and the cost of a key stay the same.
    """

    _parsed: Final[LRUCache[frozenset[tuple[str, str]], LRUCache[tuple[Any, ...], list[RuleSet]]]] = LRUCache(_THEMES)
    _interned: Final[LRUCache[tuple[tuple[RuleSet, ...], ...], _Candidates]] = LRUCache(_STATES)
    _found: Final[LRUCache[_State, RulesMap]] = LRUCache(_STATES)

    def __init__(self, *, variables: dict[str, str] | None = None) -> None:
        super().__init__(variables=variables)
        self._share()
        self._order: dict[RuleSet, int] = {}
        self._candidates: dict[_Selectable, _Candidates] = {}
        self._paths: dict[tuple[Any, ...], Any] = {}
        self._applied: WeakKeyDictionary[DOMNode, _State] = WeakKeyDictionary()

    def _share(self) -> None:
        key = frozenset(self._variables.items())
        rules = self._parsed.get(key)
        if rules is None:
            rules = self._parsed[key] = LRUCache(_RULES_OF_A_SHEET)
        self._parse_cache = rules

    def set_variables(self, variables: dict[str, str]) -> None:
        """Use the colours of another theme; what was parsed with the same ones remains valid."""
        if variables != self._variables:
            self._parse_cache = LRUCache(1)  # the next line empties it
            super().set_variables(variables)
            self._share()

    def parse(self) -> None:
        """Parse the sources that are new."""
        super().parse()
        self._order = {rule: index for index, rule in enumerate(self._rules)}
        self._candidates = {}

    def reparse(self) -> None:
        """Apply the variables to all sources; the rules remain as they were where that fails."""
        self.parse()

    def apply(self, node: DOMNode, *, animate: bool = False, cache: dict[tuple[Any, ...], Any] | None = None) -> None:
        """Apply the rules to a node, if anything that selectors look at has changed since the last time."""
        if node.parent is None and not isinstance(node, App):
            return  # still being constructed: it is done when the node is mounted
        self._paths = {} if cache is None else cache
        self._apply(node, animate=animate)

    def _apply(self, node: DOMNode, *, animate: bool) -> None:
        candidates = self._candidates_for(node)
        state = candidates, self._path(node, candidates.pseudo_classes)
        if self._applied.get(node) == state:
            node.notify_style_update()  # an ancestor's colours may be others
            return
        is_part = isinstance(node, _Part)
        if is_part:
            node.styles.base.reset()
        self._applied[node] = state
        rules = self._found.get(state)
        if rules is None:
            super().apply(node, animate=animate)
            if not animate:
                self._found[state] = node.styles.base.get_rules()
            return
        node._has_hover_style = candidates.hover
        node._has_focus_within = candidates.focus_within
        node._has_order_style = candidates.order
        node._has_odd_or_even = candidates.odd_or_even
        if is_part:
            node.styles.base.merge_rules(rules)
        else:
            self.replace_rules(node, rules, animate=animate)
            node.notify_style_update()  # the parts may have others, where the node itself has the same
        self._process_component_classes(node)

    def _path(self, node: DOMNode, pseudo_classes: tuple[str, ...]) -> _Path:
        """Return all that selectors with these pseudo-classes look at in a node and above it.

        It is kept while Textual applies the rules to a group of nodes.
        """
        key = (id(node), pseudo_classes)
        path = self._paths.get(key)
        if path is None:
            above = node.parent
            own = (*_selectable(node), *(name for name in pseudo_classes if node.has_pseudo_class(name)))
            path = (own,) if above is None else (*self._path(above, pseudo_classes), own)
            self._paths[key] = path
        return path

    def _candidates_for(self, node: DOMNode) -> _Candidates:
        """Return the rules whose last selector may fit a node."""
        if self._require_parse:
            self.parse()
        key = _selectable(node)
        known = self._candidates.get(key)
        if known is None:
            parts = {f".{name}" for name in node._get_component_classes()}
            rules = self._named(node._selector_names), self._named(parts)
            known = self._interned.get(rules)
            if known is None:
                known = self._interned[rules] = _Candidates(*rules)
            self._candidates[key] = known
        return known

    def _named(self, names: set[str]) -> tuple[RuleSet, ...]:
        """Return the rules whose last selector has one of these names, in their order."""
        rules_map = self.rules_map
        found = {rule for name in rules_map.keys() & names for rule in rules_map[name]}
        return tuple(sorted(found, key=self._order.__getitem__))

    def _process_component_classes(self, node: DOMNode) -> None:
        """Apply the rules to the parts of a node that have styles of their own, and draw it where one has changed."""
        changed = False
        for name in sorted(node._get_component_classes()):
            styles = node._component_styles.get(name)
            part = None if styles is None else styles.node
            before = None
            if part is None:
                part = _Part(classes=name)
                part._attach(node)
                node._component_styles[name] = part.styles
            else:
                before = part.styles.base.get_rules()
            self._apply(part, animate=False)
            changed = changed or part.styles.base.get_rules() != before
        if changed:
            node.refresh()


class LaidOutOnce(Screen[_Answer]):
    """A base of screens: their first layout is not repeated when its own message about the size comes back.

    During :meth:`App.batch_update` nothing is drawn: no terminal would show it.
    """

    def _screen_resized(self, size: Size) -> None:
        if self._compositor.size != size:
            super()._screen_resized(size)

    def _compositor_refresh(self) -> None:
        if not self.app._batch_count:
            super()._compositor_refresh()


def resize_content(view: ScrollView, size: Size) -> None:
    """Give a scroll view another size of its content without a new layout, which would draw all of it again.

    Its scroll bar must always be there.
    """
    view.set_reactive(Widget.virtual_size, size)
    view._scroll_update(size)


class PartialUpdate(ChopsUpdate):
    """Writes the spans, and nothing next to them.

    Textual writes each changed part of a line together with everything of its widget that is before it. Over a slow
    link that is most of what a changed cell at the right end of a wide map costs.
    """

    def render_segments(self, console: Console) -> str:
        """Return what to write to the terminal."""
        written: list[str] = []
        for y, left, right in self.spans:
            for end, (x, strip) in zip(self.chop_ends[y], self.chops[y].items(), strict=False):
                first, last = max(x, left), min(end, right)
                if strip is None or first >= last:
                    continue
                part = strip if (first, last) == (x, end) else strip.crop(first - x, last - x)
                written += [Control.move_to(first, y).segment.text, part.render(console)]
        return "".join(written)


def partial_update(update: T) -> T | PartialUpdate:
    """Return a partial update that writes no more than it has to; anything else as it is."""
    if isinstance(update, ChopsUpdate):
        return PartialUpdate(update.chops, update.spans, update.chop_ends)
    return update


AWAITED_GROUP = "awaited"
"""The group of workers whose starter awaits them, and shows what they raise."""


class Workers(WorkerManager):
    """Calls ``on_failure`` with every worker that raised.

    Textual posts a worker's state to the node that started it and no further: with ``exit_on_error=False`` a failure
    in a screen or widget would end in silence.
    """

    def __init__(self, app: App[Any], on_failure: Callable[[Worker[Any]], None]) -> None:
        super().__init__(app)
        self._on_failure = on_failure

    def _remove_worker(self, worker: Worker[Any]) -> None:
        super()._remove_worker(worker)
        if worker.state is WorkerState.ERROR and not worker.exit_on_error:
            self._on_failure(worker)


def is_ending(app: App[Any]) -> bool:
    """Return whether the app was asked to exit."""
    return app._exit


def app_context(app: App[Any]) -> AbstractContextManager[None]:
    """Return a context in which code outside of a message handler may use the app."""
    return app._context()


async def run_binding(app: App[Any], key: str, *, priority: bool = False) -> bool:
    """Run what a key is bound to, by a binding with priority or by any; returns whether there is one."""
    return await app._check_bindings(key, priority=priority)


def key_map(app: App[Any]) -> Mapping[str, str]:
    """Return the keys that replace those of bindings, by id."""
    return app._keymap


def begin_in(app: App[Any], mode: str) -> None:
    """Begin in this mode in place of ``DEFAULT_MODE``, which is that of the class."""
    app._screen_stacks = {mode: []}
    app._current_mode = mode


def draw_now(screen: Screen[Any]) -> None:
    """Lay out and draw what has changed, without waiting for Textual's next tick (up to 16 ms)."""
    screen._on_timer_update()


def select_values(select: Select[Any]) -> set[Any]:
    """Return the values that can be selected."""
    return {value for _, value in select._options}


def select_or_clear(select: Select[Any], value: str) -> None:
    """Select a value; where it is not offered nothing is selected, not what was before."""
    if value in select_values(select):
        select.value = value
        return
    if not select._allow_blank:
        options = list(select._options)
        select._allow_blank = True
        select.set_options(options)
    select.clear()


def mute(app: App[Any]) -> Driver | None:
    """Drop everything the app writes to the terminal; returns what ``unmute`` takes."""
    driver = app._driver
    if driver is not None:
        driver.write = _drop  # type: ignore[method-assign, assignment]
    return driver


def unmute(driver: Driver | None) -> None:
    """Let the app write to the terminal again."""
    if driver is not None:
        del driver.write


def detach_output(app: App[Any]) -> None:
    """Drop everything the app writes from now on, and do not wait for the thread that writes."""
    driver = mute(app)
    if driver is not None:
        driver._writer_thread = None  # type: ignore[attr-defined]


def _drop(_data: str) -> None:
    """Write nothing."""
