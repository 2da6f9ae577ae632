"""Input lines: flat, with a cursor that does not blink; those for secrets are hidden."""

from __future__ import annotations

from typing import ClassVar, Self

from textual.binding import Binding, BindingType
from textual.geometry import Region
from textual.suggester import Suggester
from textual.widgets import Input

from gputui.text import generated_secret


class LineInput(Input):
    """A blinking cursor would write to the terminal twice a second as long as it is shown.

    The size of a line does not depend on its text: a typed letter draws the line without a new layout of the screen.
    """

    DEFAULT_CSS = """
    LineInput > .input--placeholder { color: $muted; }
    """

    _typing = False

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        password: bool = False,
        select_on_focus: bool = True,
        suggester: Suggester | None = None,
        id: str | None = None,  # noqa: A002  (Textual's own name for it)
    ) -> None:
        super().__init__(
            value,
            placeholder=placeholder,
            password=password,
            select_on_focus=select_on_focus,
            suggester=suggester,
            id=id,
            compact=True,
        )
        self.cursor_blink = False

    def _watch_value(self, value: str) -> None:
        self._typing = True
        try:
            super()._watch_value(value)
        finally:
            self._typing = False

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """Draw it again."""
        return super().refresh(*regions, repaint=repaint, layout=layout and not self._typing, recompose=recompose)


class SecretInput(LineInput):
    """``generate`` is the number of characters of a generated secret; 0 where it has to be known already."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "reveal", "Show or hide it", show=False, id="secret.reveal"),
        Binding("ctrl+n", "generate", "Generate", show=False, id="secret.generate"),
    ]

    def __init__(self, value: str, *, generate: int = 0, id: str | None = None) -> None:  # noqa: A002
        super().__init__(value, password=True, id=id)
        self._generate = generate

    def action_reveal(self) -> None:
        """Show the secret, or hide it again."""
        self.password = not self.password

    def action_generate(self) -> None:
        """Generate a new secret, and show it: it has to be noted somewhere."""
        if self._generate:
            self.value = generated_secret(self._generate)
            self.password = False
