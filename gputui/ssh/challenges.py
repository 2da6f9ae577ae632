"""Questions of a login that the user answers: passwords, passphrases, one-time codes. Standard library only."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Sequence

from gputui.late_dataclasses import dataclass
from gputui.models import Secret
from gputui.text import clean

MOST_PROMPTS = 16
_PASSWORD = re.compile(
    r"pass ?word|passwort|mot de passe|contraseña|senha|wachtwoord|пароль|密码|密碼|パスワード|암호", re.IGNORECASE
)
_CODE = re.compile(r"one.?time|otp|code|token|verif|\bpin\b|factor|authenticat|second", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Prompt:
    """One question; ``visible``: the answer may be seen while it is typed."""

    text: str
    visible: bool = False


@dataclass(frozen=True, slots=True)
class Challenge:
    """Questions that are answered together; all texts are safe to display.

    ``title`` says who logs in where, ``text`` are the server's instructions, of several lines; both may be ''.
    ``is_repeated``: the last answers were not accepted.
    """

    prompts: tuple[Prompt, ...]
    title: str = ""
    text: str = ""
    is_repeated: bool = False

    @property
    def note(self) -> str:
        """That the last answers were not accepted, where it is so."""
        if not self.is_repeated:
            return ""
        return "The last one was not accepted." if len(self.prompts) == 1 else "The last answers were not accepted."

    @property
    def asks_for_password(self) -> bool:
        """Whether it is a single question for a password: not for a code, nor for anything with more to answer."""
        if len(self.prompts) != 1 or self.prompts[0].visible:
            return False
        (prompt,) = self.prompts
        return _PASSWORD.search(prompt.text) is not None and _CODE.search(f"{prompt.text} {self.text}") is None


AskSecret = Callable[[Challenge], Awaitable[Sequence[Secret] | None]]
"""Asks the user; returns an answer to each prompt, None when the user gives up."""


def one_question(text: str) -> Challenge:
    """Return a challenge of one hidden answer."""
    return Challenge((Prompt(text),))


def from_server(who: str, name: str, instructions: str, prompts: Sequence[tuple[str, bool]]) -> Challenge:
    """Return the questions of a server, cleaned; ``who`` logs in where."""
    text = "\n".join(clean(part.strip(), multiline=True) for part in (name, instructions) if part.strip())
    asked = (Prompt(clean(str(prompt).strip()) or "Answer:", visible) for prompt, visible in prompts)
    return Challenge(tuple(asked), f"Login of {who}", text)
