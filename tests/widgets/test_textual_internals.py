"""gputui depends on these private parts of Textual; each that is missing from the installed version is named here."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import textual.widgets
from textual.app import App, ComposeResult
from textual.drivers.linux_driver import LinuxDriver
from textual.screen import Screen
from textual.widgets import Input, Label, Select, TextArea

import gputui.app
import gputui.screens
import gputui.widgets
from gputui.widgets.textual_internals import PRIVATE, SharedStylesheet

INTERNALS = "gputui.widgets.textual_internals"
LISTED = frozenset(name for names in PRIVATE.values() for name in names)


def named(node: ast.AST) -> str:
    """The name of what an attribute is of, where that is one word or a call of one."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Call(func=ast.Name(id=name), args=[]):
            return f"{name}()"
    return ""


@cache
def module_tree(name: str) -> ast.Module:
    return ast.parse(inspect.getsource(importlib.import_module(name)))


@cache
def classes(module: str) -> dict[str, ast.ClassDef]:
    """The classes of a module by qualified name; those inside functions too, by the names that these give them."""
    found: dict[str, ast.ClassDef] = {}

    def look(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            match child:
                case ast.ClassDef(name=name):
                    found[prefix + name] = child
                    look(child, f"{prefix}{name}.")
                case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                    look(child, f"{prefix}{name}.<locals>.")
                case ast.expr():
                    pass  # contains no class
                case _:
                    look(child, prefix)

    look(module_tree(module), "")
    return found


def tree(of: type[Any]) -> ast.AST:
    return classes(of.__module__)[of.__qualname__]


@cache
def own_names(of: type[Any]) -> set[str]:
    """The attributes of a class: of its own, and those that its methods or annotations give to ``self``."""
    assigned = {
        node.attr
        for node in ast.walk(tree(of))
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and named(node.value) == "self"
    }
    return {*vars(of), *vars(of).get("__annotations__", {}), *assigned}


def names(of: type[Any]) -> set[str]:
    return set().union(*(own_names(base) for base in of.__mro__ if base.__module__.startswith("textual.")))


def test_textual_has_every_private_part_that_is_used() -> None:
    missing = []
    for key, used in PRIVATE.items():
        of = getattr(textual.widgets, key) if isinstance(key, str) else key
        missing += [f"{of.__name__}.{name}" for name in sorted({*used} - names(of))]
    assert not missing, f"Textual has changed; gputui uses what it no longer has: {', '.join(missing)}"


def modules() -> Iterator[Any]:
    for package in (gputui.app, gputui.screens, gputui.widgets):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if found.name != INTERNALS:
                yield importlib.import_module(found.name)


def private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def uses(of: type[Any], theirs: set[str]) -> Iterator[str]:
    for node in ast.walk(tree(of)):
        if isinstance(node, ast.Attribute) and named(node.value) in ("self", "super()"):
            found = node.attr
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            found = node.name
        else:
            continue
        if private(found) and found in theirs:
            yield found


def test_every_private_part_that_a_subclass_uses_is_listed() -> None:
    known: dict[type[Any], set[str]] = {}
    unlisted: list[str] = []
    for module in modules():
        for of in vars(module).values():
            if not inspect.isclass(of) or of.__module__ != module.__name__:
                continue
            bases = [base for base in of.__mro__ if base.__module__.startswith("textual.")]
            theirs = set().union(*(known.setdefault(base, own_names(base)) for base in bases))
            unlisted += [f"{of.__qualname__}.{name}" for name in uses(of, theirs) if name not in LISTED]
    assert not unlisted, f"name them in {INTERNALS}.PRIVATE: {', '.join(unlisted)}"


def test_private_parts_of_other_objects_are_used_in_one_module() -> None:
    theirs = {name for of in (App, LinuxDriver, Screen, Select, TextArea) for name in names(of) if private(name)}
    found = []
    for module in modules():
        for node in ast.walk(module_tree(module.__name__)):
            match node:
                case ast.ImportFrom(module=str(source)):
                    is_theirs = source.startswith("textual._")
                case ast.Attribute(value=owner, attr=name):
                    is_theirs = name in theirs and named(owner) not in ("self", "super()", "cls", "os")
                case _:
                    continue
            if is_theirs:
                found.append(f"{module.__name__}: {ast.unparse(node)}")
    assert not found, f"move them to {INTERNALS}: {', '.join(found)}"


class TestTheSharedStylesheet:
    SOURCE = "Label { color: $accent; }"

    def sheet(self, colour: str) -> SharedStylesheet:
        sheet = SharedStylesheet(variables={"accent": colour})
        sheet.add_source(self.SOURCE, read_from=("here", "Label"))
        sheet.parse()
        return sheet

    def test_what_was_parsed_with_the_same_colours_is_used_again(self) -> None:
        assert self.sheet("#102030").rules[0] is self.sheet("#102030").rules[0]

    def test_other_colours_are_parsed_for_themselves(self) -> None:
        sheet = self.sheet("#102030")
        first = sheet.rules[0]
        sheet.set_variables({"accent": "#405060"})
        sheet.reparse()
        assert sheet.rules[0].styles.color.hex == "#405060"
        sheet.set_variables({"accent": "#102030"})
        sheet.reparse()
        assert sheet.rules[0] is first

    def test_rules_remain_where_a_source_cannot_be_read(self) -> None:
        sheet = self.sheet("#102030")
        before = list(sheet.rules)
        sheet.add_source("Label { color: ; ", read_from=("there", "broken"))
        with pytest.raises(Exception):  # noqa: B017  (Textual has several)
            sheet.reparse()
        assert sheet._rules == before

    async def test_a_class_of_a_screen_reaches_the_parts_of_widgets_in_it(self) -> None:
        class Screens(App[None]):
            CSS = "Input > .input--cursor { color: #102030 } .late Input > .input--cursor { color: #405060 }"

            def __init__(self) -> None:
                super().__init__()
                self.stylesheet = SharedStylesheet(variables=self.get_css_variables())

            def compose(self) -> ComposeResult:
                yield Input()

        async with Screens().run_test() as pilot:
            field = pilot.app.query_one(Input)

            def colour() -> str:
                return field.get_component_styles("input--cursor").color.hex

            assert colour() == "#102030"
            pilot.app.screen.add_class("late")
            assert colour() == "#405060"
            pilot.app.screen.remove_class("late")
            assert colour() == "#102030"

    async def test_what_has_the_focus_has_the_styles_and_parts_of_the_focus(self) -> None:
        class Two(App[None]):
            CSS = """
            Input { color: #102030 }
            Input:focus { color: #405060 }
            Input:focus > .input--cursor { background: #708090 }
            """

            def __init__(self) -> None:
                super().__init__()
                self.stylesheet = SharedStylesheet(variables=self.get_css_variables())

            def compose(self) -> ComposeResult:
                yield Input(id="one")
                yield Input(id="two")

        async with Two().run_test() as pilot:
            fields = [*pilot.app.query(Input)]
            for _ in range(2):
                for field in fields:
                    field.focus()
                    await pilot.pause()
                    cursors = [each.get_component_styles("input--cursor").background.hex for each in fields]
                    assert [each.styles.color.hex == "#405060" for each in fields] == [
                        each is field for each in fields
                    ]
                    assert [cursor == "#708090" for cursor in cursors] == [each is field for each in fields]

    async def test_a_widget_has_its_styles_once_it_is_mounted(self) -> None:
        class Late(App[None]):
            CSS = "Label.loud { color: #405060 }"

            def __init__(self) -> None:
                super().__init__()
                self.stylesheet = SharedStylesheet(variables=self.get_css_variables())

        async with Late().run_test() as pilot:
            label = Label("x")
            label.add_class("loud")
            await pilot.app.mount(label)
            assert label.styles.color.hex == "#405060"


class Timed(Screen[None]):
    """A base whose handler begins something."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[str] = []

    def on_mount(self) -> None:
        """Note it."""
        self.begun.append("base")


class MoreTimed(Timed):
    """One with a handler of its own."""

    def on_mount(self) -> None:
        """Note it too."""
        self.begun.append("derived")


async def test_textual_calls_the_handlers_of_bases_by_itself() -> None:
    app: App[None] = App()
    async with app.run_test() as pilot:
        screen = MoreTimed()
        await app.push_screen(screen)
        await pilot.pause()
        assert screen.begun == ["derived", "base"]


def test_no_handler_calls_that_of_its_base_a_second_time() -> None:
    called = re.compile(r"super\(\)\.on_(?!event\b)\w+\(")
    package = Path(gputui.app.__file__).parents[1]
    assert [str(path) for path in package.rglob("*.py") if called.search(path.read_text("utf-8"))] == []
