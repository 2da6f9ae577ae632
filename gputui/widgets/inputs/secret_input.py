"""A line for a secret: hidden until one wants to see it; where one may, a good one is made up."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import Binding, BindingType

from gputui.text import made_up_secret
from gputui.widgets.inputs.line_input import LineInput


class SecretInput(LineInput):
    """``generate`` is how many characters a secret has that is made up here; 0 where it has to be known already."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "reveal", "Show or hide it", show=False, id="secret.reveal"),
        Binding("ctrl+n", "generate", "Make one up", show=False, id="secret.generate"),
    ]

    def __init__(self, value: str, *, generate: int = 0, id: str | None = None) -> None:  # noqa: A002
        super().__init__(value, password=True, id=id)
        self._generate = generate

    def action_reveal(self) -> None:
        """Show what stands here, or hide it again."""
        self.password = not self.password

    def action_generate(self) -> None:
        """Put a new secret in the place of what stands here, and show it: it has to be noted somewhere."""
        if self._generate:
            self.value = made_up_secret(self._generate)
            self.password = False
