"""The dialogs: each asks one thing and gives back one answer, or None.

Each is imported when it is first used: none of them is part of the first frame.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gputui.screens.dialogs.address import AddressDialog
    from gputui.screens.dialogs.block import BlockDialog
    from gputui.screens.dialogs.confirm import ConfirmDialog
    from gputui.screens.dialogs.delete import DeleteDialog
    from gputui.screens.dialogs.dialog import Dialog
    from gputui.screens.dialogs.filter import FilterDialog
    from gputui.screens.dialogs.form import FormDialog, FormTools
    from gputui.screens.dialogs.json_reader import JsonReaderDialog
    from gputui.screens.dialogs.menu import Choice, MenuDialog
    from gputui.screens.dialogs.prompt import PromptDialog
    from gputui.screens.dialogs.reader import ReaderDialog
    from gputui.screens.dialogs.scale import ScaleDialog
    from gputui.screens.dialogs.stop import StopDialog
    from gputui.screens.dialogs.wait import WaitDialog

__all__ = [
    "AddressDialog",
    "BlockDialog",
    "Choice",
    "ConfirmDialog",
    "DeleteDialog",
    "Dialog",
    "FilterDialog",
    "FormDialog",
    "FormTools",
    "JsonReaderDialog",
    "MenuDialog",
    "PromptDialog",
    "ReaderDialog",
    "ScaleDialog",
    "StopDialog",
    "WaitDialog",
]

_MODULES = {
    "AddressDialog": "address",
    "BlockDialog": "block",
    "Choice": "menu",
    "ConfirmDialog": "confirm",
    "DeleteDialog": "delete",
    "Dialog": "dialog",
    "FilterDialog": "filter",
    "FormDialog": "form",
    "FormTools": "form",
    "JsonReaderDialog": "json_reader",
    "MenuDialog": "menu",
    "PromptDialog": "prompt",
    "ReaderDialog": "reader",
    "ScaleDialog": "scale",
    "StopDialog": "stop",
    "WaitDialog": "wait",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
