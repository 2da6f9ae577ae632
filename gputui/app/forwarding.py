"""From a key to a forward: the port chosen, the login, and what happens to its connection later."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from textual.app import App

from gputui.models import Instance
from gputui.models.forwards import ForwardSpec, PortForward
from gputui.presentation.service_ports import service_ports
from gputui.screens import dialogs
from gputui.screens.base.session import Session

if TYPE_CHECKING:
    from gputui.app.login import Login
    from gputui.fleet import Fleet
    from gputui.fleet.forwards import Forwards, Link, OpenForward

_OTHER, _PROXY = "other", "proxy"
_PROXY_PORT = 1080
_SHOWN_SECONDS = 10


class Forwarding:
    """Opens forwards for the app, and shows when they are lost, served again or used in vain."""

    def __init__(self, app: App[Any], session: Session, login: Login) -> None:
        self._app = app
        self._session = session
        self._login = login
        self._followed: Forwards | None = None
        self._lost: dict[Link, bool] = {}
        self._errors: dict[OpenForward, tuple[str, float]] = {}

    @property
    def _fleet(self) -> Fleet:
        return self._session.fleet

    async def open(self, instance: Instance) -> None:
        """Ask for a port, log in and forward to it. Call it in a worker. Raises GputuiError."""
        from gputui.fleet.forwards import refuse_container

        refuse_container(instance)
        spec = await self._choose(instance)
        if spec is None:
            return
        self._follow()
        [opened] = await self._fleet.work.forwards.open(instance, [spec], self._login.connected(instance))
        taken = opened.forward.local_port != spec.local_port
        other = f"Port {spec.local_port} of this machine is not available. " if taken and spec.local_port else ""
        self._app.notify(
            f"{other}{opened.row().text}, until gputui ends. :forwards lists it.", markup=False, timeout=10
        )

    async def reconnect(self, row: PortForward) -> None:
        """Connect again where a forward has no connection. Call it in a worker. Raises GputuiError."""
        opened = self._fleet.work.forwards.find(row.ref)
        if opened is not None:
            instance = self._fleet.find(Instance, row.instance) or opened.link.instance
            await self._fleet.work.forwards.reconnect(opened, self._login.connected(instance))

    async def _choose(self, instance: Instance) -> ForwardSpec | None:
        """Ask for the port of the instance, None where there is no answer."""
        ports = service_ports(instance)
        choices = [
            dialogs.Choice(str(one.port), f"{one.port}  {one.service}".rstrip(), str(number), one.source)
            for number, one in enumerate(ports, 1)
        ]
        choices += [
            dialogs.Choice(_OTHER, "Another port …", "p"),
            dialogs.Choice(_PROXY, "SOCKS5 proxy", "s", "connections start in the instance"),
        ]
        known = [row.text for row in self._fleet.work.forward_rows() if row.instance == instance.ref]
        note = f"Now: {', '.join(known)}." if known else "Only this machine can connect. It ends with gputui."
        chosen = await self._app.push_screen_wait(
            dialogs.MenuDialog(f"Forward to a port of {instance.name}", choices, note=note)
        )
        if chosen == _PROXY:
            return ForwardSpec(None, _PROXY_PORT, or_any=True)
        if chosen == _OTHER:
            chosen = await self._ask(instance)
        return parse_forward(chosen or "")

    async def _ask(self, instance: Instance) -> str | None:
        prompt = dialogs.PromptDialog(
            f"Forward to a port of {instance.name}",
            note="PORT or LOCAL:PORT.",
            check=lambda text: "" if parse_forward(text) else "A port from 1 to 65535, or two with a colon.",
        )
        return await self._app.push_screen_wait(prompt)

    # --- what happens later ----------------------------------------------------------------------------------

    def _follow(self) -> None:
        forwards = self._fleet.work.forwards
        if forwards is not self._followed:
            self._followed = forwards
            forwards.listeners.add(self._changed)

    def _changed(self, link: Link) -> None:
        if self._session.ended:
            return
        self._lost = {each: failed for each, failed in self._lost.items() if each.forwards}
        for one in link.forwards:
            self._show_error(one)
        name = link.instance.name
        if link.error is None:
            if self._lost.pop(link, None) is not None:
                self._show(f"The forwards to {name} are served again.", "information")
        elif link.forwards and self._lost.get(link) is not link.failed:
            self._lost[link] = link.failed
            if link.failed:
                key = self._session.key_of("restart")
                self._show(f"The forwards to {name} are not served: {link.error} {key} in :forwards asks.", "error")
            else:
                self._show(f"The connection to {name} was lost: its forwards wait for the next one.", "warning")

    def _show_error(self, one: OpenForward) -> None:
        """Show the last error of a forward, not each of many: a browser behind a proxy may fail dozens of times."""
        now, all_ = self._fleet.clock.monotonic(), self._fleet.work.forwards.all
        self._errors = {each: shown for each, shown in self._errors.items() if each in all_}
        error, (before, at) = one.forward.error, self._errors.get(one, ("", -inf))
        if error and error != before and now - at >= _SHOWN_SECONDS:
            self._errors[one] = error, now
            self._show(f"{one.forward.local}: {error}", "warning")

    def _show(self, text: str, severity: str) -> None:
        self._app.notify(text, severity=severity, markup=False, timeout=_SHOWN_SECONDS)  # type: ignore[arg-type]  # three words


def parse_forward(text: str) -> ForwardSpec | None:
    """Read ``PORT`` or ``LOCAL:PORT``; without a local port it is the same, or any where that is not available."""
    local, colon, remote = text.strip().partition(":")
    words = (local, remote if colon else local)
    if not all(word.isascii() and word.isdecimal() and 0 < int(word) < 65536 for word in words):
        return None
    return ForwardSpec(int(words[1]), int(words[0]), or_any=not colon)
