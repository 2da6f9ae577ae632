"""The details of an account on a pody server: identity, quota, use, other users, host."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, TypeVar

from gputui.api.http.rows import read_each
from gputui.api.pody import mapping, schema
from gputui.api.pody.client import OLDEST, PodyClient
from gputui.errors import GputuiError
from gputui.formatting import format_duration
from gputui.models import AccountInfo, Image, PartialRows, Ref
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.api.pody.account import PodyAccount

_STATISTICS = (0, 2, 5)
_T = TypeVar("_T")


async def identify(config: PodyAccount, client: PodyClient) -> AccountInfo:
    """Request release and identity (``/version``, ``/user/info``); raises GputuiError."""
    release = await client.release()
    info = await client.ask(schema.USER_INFO, "/user/info")
    return AccountInfo(
        ref=Ref(config.name, "account", config.name),
        backend="pody",
        base_url=config.base_url,
        version="before 0.1.15" if release == OLDEST else ".".join(str(part) for part in release),
        user=clean(info.user.name),
        is_admin=info.user.is_admin,
        quota=mapping.to_quota(info.quota),
    )


async def describe(
    config: PodyAccount,
    client: PodyClient,
    *,
    pods: Callable[[], Coroutine[Any, Any, tuple[Sequence[Ref], Mapping[str, int]]]],
    images: Callable[[], Coroutine[Any, Any, Sequence[Image]]],
) -> AccountInfo:
    """Request all details; failures other than of the identity are named in ``problems``."""
    basic = await identify(config, client)
    problems: list[str] = []

    async def part(title: str, question: Awaitable[_T]) -> _T | None:
        try:
            return await question
        except GputuiError as error:
            problems.append(f"{title}: {error.message}")
            return None

    user_names = client.ask(schema.USERS, "/user/list")
    host_spec = client.ask(schema.SPEC, "/host/spec")
    users, spec, own_pods, all_images, *usage = await asyncio.gather(
        part("users", user_names),
        part("host", host_spec),
        part("pods", pods()),
        part("images", images()),
        part("CPU time", _usage(client, "CPU time", "/stat/cputime", basic.user)),
        part("GPU time", _usage(client, "GPU time", "/stat/gputime", basic.user)),
    )
    used: dict[str, int] = {}
    if own_pods is not None and not own_pods[1]:
        used["max_pods"] = len(own_pods[0])
    if all_images is not None and not isinstance(all_images, PartialRows):
        used["commit_count"] = sum(bool(image.own) for image in all_images)
    named, unread = read_each(users or (), schema.read_user)
    if unread:
        problems.append(f"users: {unread.total()} cannot be read: {next(iter(unread))}")
    return replace(
        basic,
        quota=tuple(replace(line, used=used.get(line.name)) for line in basic.quota),
        users=tuple(name for name, _ in named),
        admins=tuple(name for name, admin in named if admin)
        if any(known is not None for _, known in named)
        else None,
        host_spec=mapping.to_spec(spec or {}),
        usage=tuple(line for line in usage if line),
        problems=tuple(problems),
    )


async def _usage(client: PodyClient, title: str, path: str, user: str) -> tuple[str, str] | None:
    """Request the time used so far; None from a server that keeps no account of it."""
    if await client.release() < _STATISTICS:
        return None
    seconds = await client.ask(schema.SECONDS, path, {"user": user})
    return title, format_duration(seconds.get(user, 0.0))
