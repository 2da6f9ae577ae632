"""The client of HTTP that a transport speaks through: proxies, certificates, and the headers of every request."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpcore  # noqa: F401  (httpx imports it for its first connection, on the loop that draws)
import httpx

from gputui import __version__
from gputui.api.http import ca_certificates, failures
from gputui.api.http.decompression import ACCEPTED
from gputui.api.http.failures import Server
from gputui.api.http.proxies import Proxy, UnusableProxyError, proxy_for
from gputui.errors import UnavailableError

KEEPALIVE = 4.0
"""How long an idle connection is kept, in seconds: shorter than the 5 s of common servers, so that no request
leaves on a connection that the server is just closing."""


_HEADERS = {
    "User-Agent": f"gputui/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": ACCEPTED,
    "Connection": "keep-alive",
}


class Client:
    """Sends requests as they are over the connections of httpx.

    No API here needs what httpx's own client adds, which would take a third of the time of a request: a login in the
    URL, which the configuration refuses, redirects, and cookies, which are not kept.
    """

    def __init__(self, connections: httpx.AsyncHTTPTransport) -> None:
        self._connections = connections

    @asynccontextmanager
    async def stream(
        self,
        method: str,
        url: str,
        *,
        params: Mapping[str, str | int] | None,
        content: bytes | None,
        headers: Mapping[str, str],
        timeout: httpx.Timeout,
        extensions: Mapping[str, Any] | None,
    ) -> AsyncIterator[httpx.Response]:
        """Send a request and yield its response, whose body is yet to be read. Raises httpx.HTTPError, InvalidURL."""
        request = httpx.Request(
            method,
            url,
            params=params,
            content=content,
            headers={**_HEADERS, **headers},
            extensions={"timeout": timeout.as_dict(), **(extensions or {})},
        )
        response = await self._connections.handle_async_request(request)
        response.request = request
        try:
            yield response
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._connections.aclose()


def make_client(base_url: str, server: Server, *, keep: bool) -> Client:
    """Return a client that keeps its connections or not.

    Redirects are never followed: credentials go to the configured host alone. Proxies are taken from the environment,
    as jump hosts have them, but never for loopback or what no_proxy names; nothing else is, no .netrc either.
    """
    verify = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # without https it trusts no certificate
    try:
        proxy = proxy_for(base_url)
        secure_proxy = proxy is not None and proxy.name.startswith("https:")
        if base_url.startswith("https:") or secure_proxy:
            verify = ca_certificates.context(_usual_authorities)
        return Client(
            httpx.AsyncHTTPTransport(
                verify=verify,
                proxy=httpx.Proxy(proxy.url, ssl_context=verify if secure_proxy else None) if proxy else None,
                trust_env=False,
                limits=httpx.Limits(max_keepalive_connections=None if keep else 0, keepalive_expiry=KEEPALIVE),
            )
        )
    except UnusableProxyError as error:
        raise UnavailableError(
            f"{server}: {error}.", hint=f"Correct it, or add {failures.bare(server.host)} to no_proxy."
        ) from None
    except ca_certificates.UnusableAuthoritiesError as error:
        raise UnavailableError(
            f"{server}: {error}.", hint=f"Correct {error.variable}, or unset it for the usual authorities."
        ) from None
    except (ImportError, ValueError, httpx.InvalidURL):
        raise UnavailableError(
            f"{server}: the proxy that the environment names cannot be used.",
            hint=f"Check HTTP_PROXY, HTTPS_PROXY and ALL_PROXY, or add {failures.bare(server.host)} to no_proxy.",
        ) from None


def _usual_authorities() -> ssl.SSLContext:
    return httpx.create_ssl_context(trust_env=False)


def named_proxy(base_url: str) -> Proxy | None:
    """Return the proxy for messages; one that cannot be used is reported when it is needed."""
    try:
        return proxy_for(base_url)
    except UnusableProxyError:
        return None
