"""Hosts over SSH: machines, their GPUs, processes and containers, each from one look.

There is no API: a script that the host's own shell runs reads everything (:mod:`gputui.api.ssh.probe`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from itertools import chain
from typing import TYPE_CHECKING, TypeVar, Unpack, cast

from gputui.api.capabilities import Backend, Remote
from gputui.api.common.account_client import Clock
from gputui.api.common.backend import lists_of, require_kind
from gputui.api.common.stated_prices import StatedPrices
from gputui.api.http.shared_request import SharedRequest
from gputui.api.ssh import mapping
from gputui.api.ssh.allowed_actions import RULES, instance_actions
from gputui.api.ssh.hosts import Host, hosts_of, unmatched
from gputui.api.ssh.looks import Looks
from gputui.api.ssh.mapping import HostRows
from gputui.errors import ConfigError, SshError
from gputui.formatting import kind_noun, plural, status_text
from gputui.models import (
    AccountInfo,
    Action,
    GpuDevice,
    GpuProcess,
    Instance,
    Missing,
    Money,
    Never,
    Offer,
    PartialRows,
    Phase,
    Ref,
    Resource,
    Row,
    SSHTarget,
)
from gputui.openssh_config import config_path, literal_prefix

if TYPE_CHECKING:
    from gputui.api.ssh.account import SshAccount

WATCHED_SECONDS, UNWATCHED_SECONDS = 10.0, 60.0
"""The seconds between two looks: while a list of them is on the screen, and otherwise."""
LOOK_AGE = 8.0
"""How old a look may be that a list is made of, in seconds: all lists of a moment come from one."""

_R = TypeVar("_R", bound=Row)


class SshBackend(Backend):
    """The hosts of one account.

    Refs: ``host/<name>`` with the name or address of the configuration, ``container/<host>/<name>``,
    ``gpu/<host>:<index>``, ``offer/<host>/<model>``.
    """

    kinds = lists_of(RULES)
    own_machines = True
    paces = (WATCHED_SECONDS, UNWATCHED_SECONDS)

    def __init__(self, account: SshAccount, **clock: Unpack[Clock]) -> None:
        super().__init__(account.name)
        now = clock.get("now", time.time)
        monotonic = clock.get("monotonic", time.monotonic)
        self._texts = tuple(account.hosts)
        self._config = account.ssh.config_path
        self._prices = StatedPrices.of(account)
        self._currency = account.currency
        if self._prices:
            self.spending = frozenset({Resource.INSTANCES})
        self._looks = Looks(
            self._runner,
            timeout=account.timeout,
            monotonic=monotonic,
            now=lambda: datetime.fromtimestamp(now(), UTC),
            sleep=clock.get("sleep", asyncio.sleep),
        )
        self._shared = SharedRequest(self._round, monotonic, age=LOOK_AGE)
        self._hosts: dict[Ref, Host] = {}
        self._unmatched: tuple[Missing, ...] = ()
        """The patterns that no file could be searched for: whether there are such hosts is not known."""
        self.named_instances = self._unread
        self.listers = {
            Resource.INSTANCES: self.instances,
            Resource.GPUS: self.gpus,
            Resource.PROCESSES: self.processes,
            Resource.STOCK: self.stock,
        }

    async def aclose(self) -> None:
        """End the looks; the connections are the fleet's."""
        self._shared.cancel()
        await self._looks.aclose()

    def forget(self) -> None:
        """Look at all hosts again with the next list, those that failed too."""
        self._shared.forget()
        self._looks.forget_failures()

    def logged_in(self, ref: Ref) -> bool:
        """Look at a host again with the next list, if the last look failed."""
        failed = ref.kind == "host" and self._looks.forget_failure(ref.id)
        if failed:
            self._shared.forget()
        return failed

    # The account

    async def identify(self) -> AccountInfo:
        """Read the OpenSSH configuration for the hosts; sends nothing. Raises ConfigError."""
        hosts = await self._find_hosts()
        ref = Ref(self.account, "account", self.account)
        usage = (("hosts", str(len(hosts))),)
        return AccountInfo(
            ref,
            "ssh",
            "",
            version="",
            user="",
            usage=usage,
            problems=(*(one.reason for one in self._unmatched), *self.config_problems),
        )

    # Lists

    async def _unread(self) -> Sequence[Instance]:
        """Return the hosts without a look at them."""
        return [mapping.not_read(host, "", None, reachable=None) for host in await self._find_hosts()]

    async def instances(self) -> Sequence[Instance]:
        """List the hosts, each followed by the containers that its user may list."""
        rows = await self._shared.get()
        # That a host is not reachable is its state, and no gap in the list.
        unread = [row.instance for row in rows if _is_unread(row) and row.instance.status != mapping.UNREACHABLE]
        blank = [f"{row.problem}" for row in unread]
        found = [each for row in rows for each in (self._priced(row.instance), *map(self._priced, row.containers))]
        return PartialRows(found, self._unmatched, blank) if blank or self._unmatched else found

    async def gpus(self) -> Sequence[GpuDevice]:
        """List the GPUs of all hosts."""
        rows = await self._shared.get()
        return _with_missing(chain.from_iterable(row.gpus for row in rows), rows, "gpu", ":", self._unmatched)

    async def processes(self) -> Sequence[GpuProcess]:
        """List the processes on the GPUs of all hosts."""
        rows = await self._shared.get()
        return _with_missing(
            chain.from_iterable(row.processes for row in rows), rows, "process", ":", self._unmatched
        )

    async def stock(self) -> Sequence[Offer]:
        """List the GPUs of each host as stock: those without processes and load are idle."""
        rows = await self._shared.get()
        return _with_missing(map(self._prices.offer, mapping.to_offers(rows)), rows, "offer", "/", self._unmatched)

    async def _round(self) -> list[HostRows]:
        return await self._looks.round(await self._find_hosts())

    async def _find_hosts(self) -> list[Host]:
        """Return the hosts of the configuration as it is now. Raises ConfigError."""
        config = self._config or config_path()
        hosts = await asyncio.to_thread(hosts_of, self.account, self._texts, self._config)
        patterns = await asyncio.to_thread(unmatched, self._texts, self._config)
        self._hosts = {host.ref: host for host in hosts}
        # A file that was read and has no such name is an answer; one that is gone may come back.
        is_there = await asyncio.to_thread(config.exists)
        self._unmatched = tuple(
            # Any kind: the Refs of all rows of a host begin with its name.
            Missing(f"there is no {config}, in which {pattern} would be looked for", prefix=literal_prefix(pattern))
            for pattern in ([] if is_there else patterns)
        )
        self.config_problems = ()
        if not hosts:
            texts = ", ".join(self._texts)
            missing = "" if config.exists() else f"there is no {config}: "
            raise ConfigError(
                f"{self.account}: {missing}no name in {'it' if missing else config} matches {texts}.",
                hint=f"Add a Host line there, or correct hosts under [accounts.{self.account}].",
            )
        self.config_problems = tuple(
            f"no name in {config} matches {pattern}: correct hosts under [accounts.{self.account}]"
            for pattern in (patterns if is_there else [])
        )
        return hosts

    def _runner(self) -> Remote:
        if self.remote is None:
            raise SshError(f"{self.account} was opened without SSH connections.")
        return self.remote

    def _priced(self, row: Instance) -> Instance:
        """Return an instance with the stated price; a container is paid with its host."""
        if self._prices and row.parent is not None:
            return replace(row, price=Money(Decimal(0), self._currency))
        return self._prices.instance(row)

    # Logins and actions

    async def ssh_target(self, ref: Ref) -> SSHTarget:
        """Return the address of a host, without looking at it, or that of a container that runs."""
        require_kind(ref, "host", "container")
        if ref.kind == "host":
            if ref not in self._hosts:
                await self._find_hosts()
            if (host := self._hosts.get(ref)) is None:
                raise SshError(f"{ref.id} is not among the hosts of {self.account}.")
            return host.target
        row = cast("Instance", await self.fetch(ref))
        if row.phase is not Phase.RUNNING or row.ssh is None:
            raise SshError(f"{ref} does not run (it is {status_text(row.status)}).", hint="Start it on its host.")
        return row.ssh

    def actions(self, row: Row) -> frozenset[Action]:
        """Return the actions on a row in its state."""
        if isinstance(row, Instance):
            return instance_actions(row)
        kind = RULES.get(row.ref.kind)
        return frozenset() if kind is None else kind.actions

    def never(self, row: Row, action: Action) -> Never | None:
        """Return why the action can never apply to this row."""
        kind = RULES.get(row.ref.kind)
        return kind.never(action) if kind is not None else Never(plural(kind_noun(row.ref.kind)))


def _is_unread(rows: HostRows) -> bool:
    return rows.instance.phase is Phase.UNKNOWN


def _with_missing(
    found: Iterable[_R], rows: Sequence[HostRows], kind: str, mark: str, unmatched: Sequence[Missing]
) -> Sequence[_R]:
    """Return a list with the hosts whose rows are missing in it or old, and the patterns without a host."""
    missing = [*unmatched] + [
        Missing(row.instance.problem or f"{row.instance.name} was not read", 0, kind, f"{row.instance.ref.id}{mark}")
        for row in rows
        if _is_unread(row)
    ]
    return PartialRows(found, missing) if missing else list(found)
