"""The keys of tables, texts and dialogs, the names of keys, and the check of a configured key map."""

from __future__ import annotations

import difflib
import string
import unicodedata
from collections.abc import Iterable, Mapping

from gputui.commands import BY_ID
from gputui.text import clean

_LINES = {"down": "j,down", "up": "k,up"}
_PAGES = {"page-down": "ctrl+f,pagedown", "page-up": "ctrl+u,pageup"}
_SIDES = {"right": "right", "left": "left"}
_FIRST_AND_LAST = {"first": "g,home", "last": "G,end"}
_TOP_AND_END = {"top": "g,home", "end": "G,end"}
_MATCHES = {"next": "n", "previous": "N"}
_READER = {"close": "q", "find": "slash", "copy": "c"}
_WIDGETS: Mapping[str, Mapping[str, str]] = {
    "table": {
        **_LINES,
        "first": "g,home",
        "last": "end",
        "page_down": _PAGES["page-down"],
        "page_up": _PAGES["page-up"],
        **_SIDES,
        "open": "enter",
    },
    "heatmap": {**_LINES, **_SIDES, **_FIRST_AND_LAST, "open": "enter"},
    "week": {**_LINES, **_SIDES, "first": "home", "last": "end"},
    "charts": {**_LINES, **_SIDES, "open": "enter"},
    "lanes": {
        **_LINES,
        **_PAGES,
        **_SIDES,
        "forward": "shift+right",
        "back": "shift+left",
        "oldest": "g,home",
        "newest": "end",
        "open": "enter",
    },
    "log": {**_LINES, **_PAGES, **_FIRST_AND_LAST, **_SIDES},
    "text": {**_LINES, **_PAGES, "page-down": "ctrl+f,pagedown,space", **_TOP_AND_END, **_MATCHES, "open": "enter"},
    "details": {
        **_LINES,
        **_PAGES,
        "top": "g,home",
        "end": "end",
        "open": "enter",
        "leave": "escape",
        "close": "tab",
    },
    "reader": _READER,
    "json": {
        **_LINES,
        **_PAGES,
        **_TOP_AND_END,
        "toggle": "enter,space",
        "unfold": "l,right",
        "fold": "h,left",
        "unfold-all": "plus",
        "fold-all": "minus",
        **_MATCHES,
        **_READER,
        "copy-all": "C",
        "raw": "y",
        "save": "ctrl+s",
    },
    "menu": {"down": "j", "up": "k", "copy": "c", "tick": "space", "describe": "d", "edit": "e"},
    "columns": {
        "toggle": "space",
        "earlier": "K,shift+up",
        "later": "J,shift+down",
        "wider": "plus",
        "narrower": "minus",
        "reset": "r",
    },
    "dialog": {"cancel": "escape", "other": "left,right"},
    "question": {"yes": "y", "no": "n"},
    "choices": {"down": "down", "up": "up"},
    "form": {
        "go-on": "ctrl+g",
        "preview": "ctrl+t",
        "load": "ctrl+o",
        "save": "ctrl+s",
        "next-section": "ctrl+pagedown,f9",
        "previous-section": "ctrl+pageup,f8",
    },
    "secret": {"reveal": "ctrl+r", "generate": "ctrl+n"},
    "entry": {"close": "escape", "submit": "enter", "complete": "tab", "earlier": "up", "later": "down"},
}
MOVEMENT: Mapping[str, str] = {
    f"{widget}.{name}": keys for widget, names in _WIDGETS.items() for name, keys in names.items()
}
"""The keys that tables, texts, dialogs and the entry line handle themselves, by id."""

_SAME: Mapping[str, str] = {
    "table.open": "open",
    "heatmap.open": "open",
    "charts.open": "open",
    "lanes.open": "open",
    "details.open": "open",
    "details.leave": "back",
    "details.close": "pane",
}
"""Pairs of ids with one meaning: they may share a key."""


def _moving(*widgets: str) -> tuple[str, ...]:
    return tuple(f"{widget}.{name}" for widget in widgets for name in _WIDGETS[widget])


_OF_GROUPS = frozenset({"group", "fold", "fold-all"})
"""Commands that views with rows in groups have: neither the stock nor a log."""
_SHARED = tuple(command.id for command in BY_ID.values() if not command.view)
_UNGROUPED = tuple(name for name in _SHARED if name not in _OF_GROUPS)
_OF_LOGS = tuple(command.id for command in BY_ID.values() if command.view == "logs")
_OF_FILES = tuple(command.id for command in BY_ID.values() if command.view == "files")
_OF_STOCK = tuple(command.id for command in BY_ID.values() if command.view == "stock")
_OF_BLACKLIST = tuple(command.id for command in BY_ID.values() if command.view == "blacklist")
_OF_ODDS = tuple(command.id for command in BY_ID.values() if command.view == "odds")
_OF_TIMELINE = tuple(command.id for command in BY_ID.values() if command.view == "timeline")
_TOGETHER: tuple[tuple[str, ...], ...] = (
    (*_SHARED, *_moving("table")),
    (*_UNGROUPED, *_moving("heatmap")),
    (*_SHARED, *_moving("charts")),
    (*_SHARED, *_moving("details")),
    (*_UNGROUPED, *_moving("log")),
    (*_OF_LOGS, *_moving("log")),
    (*_OF_FILES, *_moving("table")),
    (*_SHARED, *_moving("lanes")),
    (*_OF_TIMELINE, *_moving("lanes")),
    (*_OF_STOCK, *_moving("heatmap")),
    (*_OF_BLACKLIST, *_moving("table")),
    (*_OF_ODDS, *_moving("week")),
    _moving("reader", "text", "dialog"),
    (*_moving("json"), "dialog.cancel"),
    _moving("menu", "dialog"),
    (*_moving("columns"), "menu.down", "menu.up", "dialog.cancel"),
    _moving("question", "dialog"),
    _moving("form", "choices", "secret", "dialog"),
    _moving("entry"),
)
"""Ids that are active at the same time: a key can have one meaning in each group."""

_RESERVED = frozenset({"ctrl+c", "ctrl+q", "ctrl+z"})
_SENT_AS: Mapping[str, str] = {
    "ctrl+i": "tab",
    "ctrl+m": "enter",
    "ctrl+h": "backspace",
    "ctrl+left_square_bracket": "escape",
}
_MODIFIERS = ("alt", "ctrl", "hyper", "meta", "shift", "super")
_EDITING_KEYS = ("escape", "enter", "tab", "space", "backspace", "delete", "insert")
_CURSOR_KEYS = ("up", "down", "left", "right", "home", "end", "pageup", "pagedown")
_NAMED_KEYS = frozenset((*_EDITING_KEYS, *_CURSOR_KEYS, *(f"f{number}" for number in range(1, 25))))
_SHORTER: Mapping[str, str] = {
    "solidus": "slash",
    "reverse_solidus": "backslash",
    "commercial_at": "at",
    "hyphen_minus": "minus",
    "plus_sign": "plus",
    "low_line": "underscore",
}


def _symbol_name(symbol: str) -> str:
    name = unicodedata.name(symbol).lower().replace("-", "_").replace(" ", "_")
    return _SHORTER.get(name, name)


_SYMBOL_NAMES: Mapping[str, str] = {symbol: _symbol_name(symbol) for symbol in string.punctuation}
_SYMBOLS: Mapping[str, str] = {name: symbol for symbol, name in _SYMBOL_NAMES.items()}
_SHOWN: Mapping[str, str] = {**_SYMBOLS, "escape": "esc"}


def key_text(keys: str) -> str:
    """Return keys as they are typed: ``slash`` -> ``/``."""
    parts = (key.rpartition("+") for key in keys.split(",") if key)
    return " ".join(f"{head}{plus}{_SHOWN.get(base, base)}" for head, plus, base in parts)


def first_key(keys: Mapping[str, str], movement: str) -> str:
    """Return the first key of one of ``MOVEMENT`` in a key map, as a person types it."""
    return key_text(keys.get(movement, MOVEMENT[movement]).split(",")[0])


def key_problems(keys: Mapping[str, str]) -> list[str]:
    """Return the problems of a key map, each as ``id: problem; fix``.

    These are unknown ids, keys that no terminal sends, reserved keys, and one key for two ids that are active at the
    same time.
    """
    problems = [f"{clean(name)}: {problem}" for name, text in keys.items() for problem in _entry_problems(name, text)]
    chosen = _without_faulty(keys)
    # The commands of one view take the keys of others by default; a key that is chosen for one has to be free.
    with_own = [
        (*_SHARED, *(name for name in own if chosen.get(name, BY_ID[name].keys) != BY_ID[name].keys))
        for own in (_OF_LOGS, _OF_FILES)
    ]
    for together in (*_TOGETHER, *with_own):
        found = [f"{name}: {problem}" for name, problem in _clashes(chosen, together)]
        problems += [problem for problem in found if problem not in problems]
    return problems


def custom_key_clashes(keys: Mapping[str, str], custom: Mapping[str, str]) -> dict[str, str]:
    """Return the problems of custom commands whose key another command has, or a movement at hand, by their ids.

    ``keys`` is the key map, ``custom`` has the key of each custom command by its id. Of two the first keeps the key.
    """
    found: dict[str, str] = {}
    if not custom:
        return found
    all_keys = {**_without_faulty(keys), **custom}
    for together in _TOGETHER:
        if "help" in together:  # they work in every view
            for name, problem in _clashes(all_keys, (*together, *custom)):
                if name in custom:
                    found.setdefault(name, problem)
    return found


def _without_faulty(keys: Mapping[str, str]) -> dict[str, str]:
    """Return the entries of a key map that have an effect: the others clash with nothing."""
    return {name: text for name, text in keys.items() if not _entry_problems(name, text)}


def custom_key_problem(key: str) -> str | None:
    """Return the problem of the key of a custom command; None where a terminal can send it and it is not reserved."""
    return _key_problem("custom", key)


def _entry_problems(name: str, text: str) -> list[str]:
    if name not in BY_ID and name not in MOVEMENT:
        near = difflib.get_close_matches(name, [*BY_ID, *MOVEMENT], n=1)
        return [f"there is no such command; {f'did you mean {near[0]}?' if near else 'docs/config.md has them'}"]
    if not text:
        return ["is empty; write a key, or remove the line"]
    return list(dict.fromkeys(problem for key in text.split(",") if (problem := _key_problem(name, key))))


def _key_problem(name: str, key: str) -> str | None:
    """Return the problem of one key; None when a terminal can send it and it is not reserved."""
    if not key:
        return "has a comma too many; the comma itself is called comma"
    if key != key.strip() or any(character.isspace() or not character.isprintable() for character in key):
        return f"{clean(key)!r} contains a space; write only a comma between keys, and space for the space bar"
    plain = _plain_key(key)
    if plain in _RESERVED:
        return f"{key} is reserved by the program; use another"
    if plain in _SENT_AS:
        return f"{key} is {_SENT_AS[plain]} to a terminal; use another, or write {_SENT_AS[plain]}"
    *modifiers, base = plain.split("+")
    if not _is_key(base) or any(modifier not in _MODIFIERS for modifier in modifiers):
        return f"{key} is no key; write a character, or a name such as f5, pagedown, ctrl+o"
    if modifiers and len(_SYMBOLS.get(base, base)) == 1:
        if modifiers == ["shift"]:
            return f"{key} is not sent by terminals; write the character that it makes"
        base = base.lower()
    proper = "+".join((*sorted(set(modifiers)), base))
    if proper != (plain if len(key) == 1 else key):
        return f"{key} is not sent by terminals; write {proper}"
    if name.startswith("entry.") and not modifiers and (base == "space" or len(_SYMBOLS.get(base, base)) == 1):
        return f"{key} could no longer be typed; use a key that writes nothing"
    return None


def _plain_key(key: str) -> str:
    """Return a key by its name: ``/`` -> ``slash``, ``ctrl+/`` -> ``ctrl+slash``."""
    head, character = key[:-1], key[-1]
    if head and not head.endswith("+"):
        return key
    return head + _SYMBOL_NAMES.get(character, character)


def _is_key(name: str) -> bool:
    if len(name) == 1:
        return name.isprintable()
    return name in _NAMED_KEYS or name in _SYMBOLS


def _clashes(keys: Mapping[str, str], together: Iterable[str]) -> list[tuple[str, str]]:
    """Return the problems of keys that two of these ids have, each with the id that is to have another."""
    defaults = {
        name: MOVEMENT[name] if name in MOVEMENT else BY_ID[name].keys if name in BY_ID else "" for name in together
    }
    owners: dict[str, tuple[str, str]] = {}
    problems = []
    for name, default in defaults.items():
        for key in filter(None, keys.get(name, default).split(",")):
            owner, written = owners.setdefault(_plain_key(key), (name, key))
            if owner != name and _SAME.get(name) != owner:
                ours, other, shown = (name, owner, key) if name in keys else (owner, name, written)
                problems.append((ours, f"{shown} is the key of {other} already; assign another to one of them"))
    return problems
