"""One line to type into, as all of them are here: flat, and with a cursor that does not blink."""

from __future__ import annotations

from textual.widgets import Input


class LineInput(Input):
    """A blinking cursor would write to the terminal twice a second for as long as a question stands."""

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        password: bool = False,
        select_on_focus: bool = True,
        id: str | None = None,  # noqa: A002  (Textual's own name for it)
    ) -> None:
        super().__init__(
            value,
            placeholder=placeholder,
            password=password,
            select_on_focus=select_on_focus,
            id=id,
            compact=True,
        )
        self.cursor_blink = False
