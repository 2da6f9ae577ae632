"""Ways on which notifications leave the program: a command of the user, and a webhook. They raise GputuiError."""

from __future__ import annotations

import asyncio
import os
import signal
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import IO, TYPE_CHECKING
from urllib.parse import urlsplit

from gputui.errors import ConfigError, UnavailableError, reason_of
from gputui.known_secrets import note
from gputui.models.notifications import Notification
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.config.secrets import SecretRef

COMMAND_SECONDS = 20.0
"""How long a command may take: then it is ended."""
_WEBHOOK_SECONDS = 15.0
_LEAST_SECRET = 8
"""Characters from which on the path of a webhook is a secret: shorter ones would mask other texts."""
_OUTPUT = 300
"""Characters of a failed command's output that are shown: the last ones."""
_OUTPUT_BYTES = 4 * _OUTPUT
FIELDS = ("topic", "title", "text", "account", "ref", "time")
"""The fields of a command's arguments, in braces."""


def fields_of(notification: Notification) -> dict[str, str]:
    """Return the fields of a notification as texts; the time is in UTC."""
    return {
        "topic": notification.topic.value,
        "title": notification.title,
        "text": notification.text,
        "account": notification.account,
        "ref": "" if notification.ref is None else str(notification.ref),
        "time": notification.at.strftime("%Y-%m-%dT%H:%M:%SZ"),
    }


def filled(argument: str, fields: Mapping[str, str]) -> str:
    """Return an argument of a command with its fields: what they contain is not read for fields again."""
    parts = []
    rest = argument
    while rest:
        before, brace, rest = rest.partition("{")
        parts.append(before)
        if not brace:
            break
        name, closed, after = rest.partition("}")
        if closed and name in fields:
            parts.append(fields[name])
            rest = after
        else:
            parts.append(brace)
    return "".join(parts)


async def run_command(command: Sequence[str], notification: Notification) -> None:
    """Run a command without a shell, with the fields of a notification in its arguments and its environment.

    What it has started in the background may outlive it. Where it takes too long or this is cancelled, all of it is
    ended. The end of its output is shown only where it fails. Raises ConfigError where it cannot be started,
    UnavailableError where it fails or takes too long.
    """
    fields = fields_of(notification)
    environment = os.environ | {f"GPUTUI_{name.upper()}": value for name, value in fields.items()}
    # Not a pipe: that ends with the last process that has it, not with the command.
    with _output_file() as output:
        try:
            process = await asyncio.create_subprocess_exec(
                *(filled(argument, fields) for argument in command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            raise ConfigError(
                f"The notification command {command[0]} cannot be started: {reason_of(error)}.",
                hint="Correct command in [notify].",
            ) from None
        try:
            await asyncio.wait_for(process.wait(), COMMAND_SECONDS)
        except TimeoutError:
            raise UnavailableError(
                f"The notification command {command[0]} did not end in {COMMAND_SECONDS:g} s."
            ) from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                await process.wait()
        if process.returncode:
            words = _end_of(output)
            raise UnavailableError(
                f"The notification command {command[0]} failed with exit code {process.returncode}"
                f"{f': {words}' if words else ''}."
            )


def _output_file() -> IO[bytes]:
    try:
        return tempfile.TemporaryFile()
    except OSError as error:
        raise UnavailableError(f"No file for the output of the notification command: {reason_of(error)}.") from None


def _end_of(output: IO[bytes]) -> str:
    size = output.seek(0, os.SEEK_END)
    output.seek(max(0, size - _OUTPUT_BYTES))
    return clean(output.read().decode(errors="replace").strip())[-_OUTPUT:]


class Webhook:
    """Posts notifications as JSON to a URL, which is a secret as a whole and resolved when it is used."""

    def __init__(self, url: SecretRef) -> None:
        self._url = url

    async def send(self, notification: Notification) -> None:
        """Post a notification once. Raises GputuiError, without the URL but with its host."""
        from gputui.api.http.transport import Transport

        url = (await asyncio.to_thread(self._url.resolve)).reveal()
        try:
            parts = urlsplit(url)
        except ValueError:  # brackets of an IPv6 address that do not match
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            raise ConfigError(
                "The webhook is not an http or https URL without a user name.", hint="Correct webhook in [notify]."
            )
        path = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}"
        if len(path) >= _LEAST_SECRET:
            note(path)  # messages name the path of a request
        transport = Transport(
            account="notify",
            base_url=f"{parts.scheme}://{parts.netloc}",
            backend="the webhook",
            read_timeout=_WEBHOOK_SECONDS,
        )
        try:
            await transport.change("POST", path, json=fields_of(notification), what="the notification")
        finally:
            await transport.aclose()
