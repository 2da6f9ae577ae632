"""The addresses of an instance's services: one is opened, or copied."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import OptionList

from gputui.screens.dialogs.menu import MenuDialog


class AddressDialog(MenuDialog):
    """A menu in which ``c`` chooses the line that is highlighted to be copied: ``copies`` says so afterwards."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("c", "copy", "Copy", show=False, id="menu.copy")]

    copies = False

    def action_copy(self) -> None:
        """Choose the line to be copied."""
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self.copies = True
            self.dismiss(self._choices[options.highlighted].value)
