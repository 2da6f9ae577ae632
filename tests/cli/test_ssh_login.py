"""Questions of a login at the terminal."""

from __future__ import annotations

import pytest

from gputui.cli import prompts, ssh_login
from gputui.ssh.challenges import Challenge, Prompt


async def test_questions_of_a_server_are_asked_in_its_words_and_hidden_unless_it_allows_echo(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = list[str]()

    def answer(kind: str, text: str) -> str:
        asked.append(f"{kind} {text}")
        return f"{kind} answer"

    monkeypatch.setattr(prompts, "interactive", lambda: True)
    monkeypatch.setattr(prompts, "ask", lambda text: answer("visible", text))
    monkeypatch.setattr(ssh_login, "ask_secret", lambda text: answer("hidden", text))
    questions = (Prompt("Option (1-2): ", visible=True), Prompt("Code:"))
    answers = await ssh_login._ask_secret(
        Challenge(questions, "Login of root on lab/pod/main", "Duo", is_repeated=True)
    )

    assert asked == ["visible Option (1-2)", "hidden Code"]
    assert [secret.reveal() for secret in answers or []] == ["visible answer", "hidden answer"]
    # In the place of the progress, which has no end of line.
    shown = "\r\x1b[KLogin of root on lab/pod/main\nDuo\nThe last answers were not accepted.\n"
    assert capsys.readouterr().err.startswith(shown)


async def test_without_a_terminal_nothing_is_answered() -> None:
    assert await ssh_login._ask_secret(Challenge((Prompt("Code:"),))) is None


def test_without_a_terminal_each_reason_to_wait_is_a_line_once(capsys: pytest.CaptureFixture[str]) -> None:
    with ssh_login.progress() as show:
        show("Connecting to 10.0.0.8, port 22 …")
        for second in range(3):
            show(f"It refuses connections. Waiting for its SSH server: {second}s of 120s.")
        show("hub does not answer.")

    assert capsys.readouterr().err.splitlines() == [
        "gputui: It refuses connections. Waiting for its SSH server: 0s of 120s.",
        "gputui: hub does not answer.",
    ]
