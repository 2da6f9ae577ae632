"""Errors of requests, as messages for the user."""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Iterator
from dataclasses import field
from typing import Any
from urllib.parse import urlsplit

from gputui.api.http import ca_certificates
from gputui.api.http.proxies import Proxy
from gputui.errors import (
    AuthError,
    ConflictError,
    ForbiddenError,
    GputuiError,
    InvalidError,
    NotFoundError,
    ProtocolError,
    ServerError,
    UnavailableError,
    UnknownOutcomeError,
    reason_of,
)
from gputui.late_dataclasses import dataclass
from gputui.text import clean

CHECK_BASE_URL = "Check base_url in the configuration: something else may be listening there."

_LONGEST_DETAIL = 500


@dataclass(frozen=True, slots=True)
class Server:
    """The server of an account, for messages: its host with port, and the kind of server it should be.

    ``proxy`` is the one in between, where the environment names one. With ``tunnelled`` it passes on what it cannot
    read (https): pages with an HTTP status come from behind it.
    """

    account: str
    host: str
    backend: str
    proxy: Proxy | None = None
    tunnelled: bool = False

    @property
    def look_at(self) -> str:
        """The hint for an answer that may not be the server's."""
        if self.proxy is None:
            return CHECK_BASE_URL
        return (
            f"The proxy {self.proxy} may have answered instead: check it, or add {bare(self.host)} to no_proxy; "
            "else check base_url."
        )

    def __str__(self) -> str:
        return self.account


def bare(host: str) -> str:
    """Return a host without its port, as no_proxy takes it."""
    return urlsplit(f"//{host}").hostname or host


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is no success. ``detail`` is the server's own words, ``fields`` what it says of parameters.

    ``is_json``: it came from an API; ``location`` is the target host of a redirect. ``code`` is
    the API's own word for what went wrong and ``request_id`` its name for the request, where it has them.
    """

    status: int
    detail: str = ""
    fields: dict[str, str] = field(default_factory=dict)
    is_json: bool = False
    location: str = ""
    code: str = ""
    request_id: str = ""


class RouteMissingError(ProtocolError):
    """The server has no such call, or answers it by another method."""


@dataclass(frozen=True, slots=True)
class Reason:
    """Why no answer came, and what to do."""

    text: str
    hint: str


def unknown_outcome(server: Server, what: str, reason: str) -> UnknownOutcomeError:
    """Return the error of a change that was sent and whose answer never came."""
    return UnknownOutcomeError(
        f"{server}: {what} was sent, but {reason}.",
        hint="It may have happened all the same: refresh and check before you try again.",
    )


PROXY_STATUSES = 520
"""Statuses from here on are non-standard ones of proxies that got no answer themselves."""

_NO_ANSWER = frozenset({502, 504})
"""Whatever the text, a gateway does not know the outcome of a request."""
_BROKEN_OFF = frozenset({408, 499, 503})
"""Proxies answer so too when the server behind them got a request and broke off."""
_NOT_BEGUN = frozenset({501, 505, 511})
"""The server or a network on the way says that it has not even begun."""


def leaves_open(refusal: Refusal, error: GputuiError, *, creates: bool) -> bool:
    """Return whether an error leaves open whether a change has happened.

    ``error`` is what the answer means otherwise. A server that failed and says so in its API's form has not done
    what was asked; of a creation it may have done the first half.
    """
    status = refusal.status
    if status in _NO_ANSWER | _BROKEN_OFF or status >= PROXY_STATUSES:
        return True
    if status < 500 or status in _NOT_BEGUN:
        return False
    return not refusal.is_json or (creates and isinstance(error, ServerError | UnavailableError))


def failure_reason(server: Server, refusal: Refusal, error: GputuiError) -> str:
    """Describe why a change has an unknown outcome; ``error`` is what the answer would mean for a read."""
    if refusal.status in _NO_ANSWER or refusal.status >= PROXY_STATUSES:
        return f"a server on the way gave up on it (HTTP {refusal.status})"
    if not refusal.detail:
        return f"the server failed (HTTP {refusal.status})"
    return f"the server reports: {error.message.removeprefix(f'{server}: ').rstrip('.')}"


def read_refusal(status: int, location: str, body: bytes) -> Refusal:
    """Read the answer of an HTTP status other than success."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return Refusal(status, location=_redirect_host(location))
    words = data if isinstance(data, dict) else {}
    detail = words.get("detail") or words.get("message") or words.get("msg") or ""
    if isinstance(detail, list):
        fields = dict(_field_problems(detail))
        text = "; ".join(f"{name}: {problem}" if name else problem for name, problem in fields.items())
        return Refusal(status, _short(text), {k: v for k, v in fields.items() if k}, is_json=True)
    return Refusal(
        status,
        _short(detail) if isinstance(detail, str) else "",
        is_json=True,
        location=_redirect_host(location),
        code=_short(str(words.get("code") or "")),
        request_id=_short(str(words.get("request_id") or "")),
    )


def refused(server: Server, refusal: Refusal) -> GputuiError:
    """Return the error for a refusal that the back end does not explain itself."""
    status, detail = refusal.status, refusal.detail.rstrip(".")
    said = f"{server}: {detail} (HTTP {status})." if detail else ""
    if 300 <= status < 400:
        to = f" to {refusal.location}" if refusal.location else ""
        return ProtocolError(
            f"{server}: {server.host} redirects{to} (HTTP {status}).",
            hint=f"Set base_url to that address, or sign in there where it is the network's own page.{_via(server)}",
        )
    if status == 511:
        return UnavailableError(
            f"{server}: the network requires a sign-in before it lets {server.host} through (HTTP 511).",
            hint=f"Sign in to the network with a browser.{_via(server)}",
        )
    page_of_proxy = server.proxy and not server.tunnelled and not refusal.is_json and status in _OF_PROXIES
    if status == 407 or page_of_proxy:
        return refused_by_proxy(server, status)
    if status == 401:
        return AuthError(said or f"{server}: the credentials are not accepted (HTTP 401).", hint=sign_in_hint(server))
    if status >= 500:
        return _failed(server, refusal, said)
    if not refusal.is_json:
        return ProtocolError(
            f"{server}: {server.host} does not answer like a {server.backend} server (HTTP {status}).",
            hint=f"{server.look_at} {may_be_credentials(server)}" if status == 403 else server.look_at,
        )
    match status:
        case 403:
            if is_about_credentials(detail):
                return AuthError(said, hint=sign_in_hint(server))
            said = said or f"{server}: not allowed, or the credentials are not accepted (HTTP 403)."
            return ForbiddenError(said, hint="" if _QUOTA.search(detail) else may_be_credentials(server))
        case 404:
            return NotFoundError(said or f"{server}: not found (HTTP 404).")
        case 409:
            return ConflictError(said or f"{server}: it exists already, or the state does not allow this (HTTP 409).")
        case _:
            return InvalidError(
                said or f"{server}: the request was not accepted (HTTP {status}).", fields=refusal.fields
            )


_OF_PROXIES = frozenset({403, 502, 503, 504})
"""Statuses of proxies' own error pages."""


def refused_by_proxy(server: Server, status: int) -> GputuiError:
    """Return the error for an answer of the proxy itself."""
    proxy = f"the proxy {server.proxy}" if server.proxy else "a proxy"
    variable = server.proxy.variable if server.proxy else "the address of the proxy"
    away = f", or add {bare(server.host)} to no_proxy" if server.proxy else ""
    if status == 407:
        return UnavailableError(
            f"{server}: {proxy} does not accept the credentials for it (HTTP 407).",
            hint=f"Write them into {variable}, as http://USER:PASSWORD@HOST:PORT{away}.",
        )
    said = "does not allow" if status == 403 else "does not reach"
    return UnavailableError(
        f"{server}: {proxy} {said} {server.host} (HTTP {status}).", hint=f"Check the proxy and {variable}{away}."
    )


def _via(server: Server) -> str:
    return f" It came through the proxy {server.proxy}." if server.proxy else ""


_CREDENTIALS = re.compile(
    r"authenticat|credential|api.?key|token|unauthori[sz]ed|(?:sign|log)(?:ged|ging)?.?in\b|passw|signature|\bjwt\b"
    r"|密钥|令牌|登录",
    re.IGNORECASE,
)
_QUOTA = re.compile(r"quota|limit|exceed|balance|insufficient|permission|admin|余额|权限", re.IGNORECASE)
"""Words of a refusal that has another reason than the credentials."""


def is_about_credentials(text: str) -> bool:
    """Return whether the words of a refusal name a token, a key, a password or a login."""
    return _CREDENTIALS.search(text) is not None


def may_be_credentials(server: Server) -> str:
    """Return what to look at after a 403 that may mean either: many servers say it to a wrong token, too."""
    return f"Where it should be allowed, check the credentials under [accounts.{server.account}]."


def sign_in_hint(server: Server) -> str:
    """Return what to do about credentials that are not accepted."""
    return f"Check the credentials in [accounts.{server.account}]."


def _failed(server: Server, refusal: Refusal, said: str) -> GputuiError:
    status = refusal.status
    if status in {502, 503, 504}:
        text = said or f"{server}: no answer from the server behind {server.host} (HTTP {status})."
        return UnavailableError(text, hint=f"Try again in a moment.{_via(server)}")
    return ServerError(said or f"{server}: the server failed (HTTP {status}).", hint="See its log for the reason.")


def _field_problems(detail: list[Any]) -> Iterator[tuple[str, str]]:
    """Yield (parameter, problem) of FastAPI's list: only where and what, never the input it repeats."""
    for entry in detail:
        if isinstance(entry, dict):
            yield _short(_parameter(entry.get("loc"))), _short(str(entry.get("msg", "not accepted")))
        elif isinstance(entry, str):
            yield "", _short(entry)


def _parameter(location: Any) -> str:
    """Return the parameter that FastAPI's location lies in: ``ports`` for ``["body", "ports", 0]``."""
    parts = location if isinstance(location, list) else []
    if parts and parts[0] in ("body", "query", "path", "header"):
        parts = parts[1:]
    return parts[0] if parts and isinstance(parts[0], str) else ""


def _short(text: str) -> str:
    text = clean(" ".join(text.split()))
    return text if len(text) <= _LONGEST_DETAIL else text[: _LONGEST_DETAIL - 1] + "…"


def _redirect_host(location: str) -> str:
    """Return scheme and host of a redirect: the rest may contain secrets."""
    try:
        parts = urlsplit(location)
        return (
            clean(f"{parts.scheme}://{parts.hostname}{f':{parts.port}' if parts.port else ''}")
            if parts.hostname
            else ""
        )
    except ValueError:
        return ""


def describe(error: Exception, server: Server, *, connect: float, read: float) -> Reason:
    """Return why no answer came. The error's own text stays out: it may repeat the URL."""
    host = server.host
    causes = list(_causes(error))
    name = type(error).__name__
    if server.proxy and (reason := _of_the_proxy(error, causes, server, server.proxy, connect)):
        return reason
    for cause in causes:
        match cause:
            case socket.gaierror():
                return Reason(
                    f"the name in {host} cannot be resolved", "Check base_url and this machine's DNS or VPN."
                )
            case ssl.SSLCertVerificationError():
                named = ca_certificates.named()
                way_out = (
                    f"The authority is not among those of {named}."
                    if named
                    else "If its authority is your own, name its file in SSL_CERT_FILE."
                )
                return Reason(
                    f"the certificate of {host} is not trusted: {clean(cause.verify_message)}",
                    f"{way_out}{_via(server)}",
                )
            case ssl.SSLWantReadError() | ssl.SSLWantWriteError():
                continue  # a handshake that was still waiting when its time was up
            case ssl.SSLError():
                return Reason(
                    f"a TLS connection to {host} cannot be established", "Is it http:// instead of https://?"
                )
            case ConnectionRefusedError():
                return Reason(f"{host} refuses the connection", "Is the server running there? Check base_url.")
    if name == "ConnectTimeout":
        return Reason(f"{host} does not answer within {connect:.0f} s", "Check base_url, VPN and firewall.")
    if isinstance(error, TimeoutError) or name in {"ReadTimeout", "WriteTimeout"}:
        return Reason(
            f"{host} accepted the request and did not answer in full within {read:.0f} s", "The server may be busy."
        )
    if name in {"RemoteProtocolError", "DecodingError"}:
        return Reason(f"{host} broke off, or does not speak HTTP", server.look_at)
    of_system = (cause for cause in causes if isinstance(cause, OSError) and cause.errno is not None)
    system = next(map(reason_of, of_system), "")
    if name == "ConnectError":
        return Reason(
            f"{host} cannot be reached{f': {system}' if system else ''}", "Check base_url, VPN and firewall."
        )
    return Reason(f"the connection to {host} broke off{f': {system}' if system else ''}", "Try again in a moment.")


def _of_the_proxy(
    error: Exception, causes: list[BaseException], server: Server, proxy: Proxy, connect: float
) -> Reason | None:
    """Return what is wrong with the proxy; None where the way behind it is meant.

    It is the proxy that is connected to, and its name that is looked up. Of its answer only the status is shown.
    """
    name = type(error).__name__
    way_out = f"Check {proxy.variable}, or add {bare(server.host)} to no_proxy."
    if name == "ProxyError":
        status = str(error)[:3]
        if status.isascii() and status.isdecimal():
            refused = refused_by_proxy(server, int(status))
            return Reason(refused.message.removeprefix(f"{server}: ").rstrip("."), refused.hint)
        return Reason(f"the proxy {proxy} does not let {server.host} through", way_out)
    if name == "ConnectTimeout":
        return Reason(f"the proxy {proxy} does not answer within {connect:.0f} s", way_out)
    if name != "ConnectError" or any(isinstance(cause, ssl.SSLError) for cause in causes):
        return None
    if any(isinstance(cause, socket.gaierror) for cause in causes):
        return Reason(f"the name of the proxy {proxy} cannot be resolved", way_out)
    if any(isinstance(cause, ConnectionRefusedError) for cause in causes):
        return Reason(f"the proxy {proxy} refuses the connection", way_out)
    return Reason(f"the proxy {proxy} cannot be reached", way_out)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and everything it came from, groups included."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        current = waiting.pop()
        if current is None or id(current) in seen:
            continue
        seen.add(id(current))
        yield current
        waiting += [current.__cause__, current.__context__]
        if isinstance(current, BaseExceptionGroup):
            waiting += current.exceptions
