"""The dialogs: each asks one thing and gives back one answer, or None.

Each is imported when it is first used: none of them is part of the first frame.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gputui.screens.dialogs.block import BlockDialog as BlockDialog
    from gputui.screens.dialogs.columns import ColumnsDialog as ColumnsDialog
    from gputui.screens.dialogs.confirm import ConfirmDialog as ConfirmDialog
    from gputui.screens.dialogs.confirm import Option as Option
    from gputui.screens.dialogs.confirm import StopDialog as StopDialog
    from gputui.screens.dialogs.create import CreateQuestion as CreateQuestion
    from gputui.screens.dialogs.dialog import Dialog as Dialog
    from gputui.screens.dialogs.form import FormDialog as FormDialog
    from gputui.screens.dialogs.form_filter import FilterDialog as FilterDialog
    from gputui.screens.dialogs.help import HelpDialog as HelpDialog
    from gputui.screens.dialogs.lease import LeaseDialog as LeaseDialog
    from gputui.screens.dialogs.menu import AccountDialog as AccountDialog
    from gputui.screens.dialogs.menu import AddressDialog as AddressDialog
    from gputui.screens.dialogs.menu import Choice as Choice
    from gputui.screens.dialogs.menu import MenuDialog as MenuDialog
    from gputui.screens.dialogs.prompt import AnswersDialog as AnswersDialog
    from gputui.screens.dialogs.prompt import PromptDialog as PromptDialog
    from gputui.screens.dialogs.prompt import WaitDialog as WaitDialog
    from gputui.screens.dialogs.reader import JsonReaderDialog as JsonReaderDialog
    from gputui.screens.dialogs.reader import LinkedReaderDialog as LinkedReaderDialog
    from gputui.screens.dialogs.reader import ReaderDialog as ReaderDialog
    from gputui.screens.dialogs.scale import ScaleDialog as ScaleDialog
    from gputui.screens.dialogs.snooze import SnoozeDialog as SnoozeDialog
    from gputui.screens.dialogs.watch import WatchDialog as WatchDialog

_NAMES = {
    "block": ("BlockDialog",),
    "columns": ("ColumnsDialog",),
    "confirm": ("ConfirmDialog", "Option", "StopDialog"),
    "create": ("CreateQuestion",),
    "dialog": ("Dialog",),
    "form": ("FormDialog",),
    "form_filter": ("FilterDialog",),
    "help": ("HelpDialog",),
    "lease": ("LeaseDialog",),
    "menu": ("AccountDialog", "AddressDialog", "Choice", "MenuDialog"),
    "prompt": ("AnswersDialog", "PromptDialog", "WaitDialog"),
    "reader": ("JsonReaderDialog", "LinkedReaderDialog", "ReaderDialog"),
    "scale": ("ScaleDialog",),
    "snooze": ("SnoozeDialog",),
    "watch": ("WatchDialog",),
}
_MODULES = {name: module for module, names in _NAMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    dialog: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = dialog
    return dialog
