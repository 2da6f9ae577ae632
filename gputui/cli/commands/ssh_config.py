"""``gputui ssh-config``: a configuration for ssh, scp, rsync and editors that has every instance with SSH."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from gputui import __version__
from gputui.cli import arguments, refs, session
from gputui.cli.output import notify, report_error
from gputui.config.paths import as_path, known_hosts_path, state_dir
from gputui.errors import ConfigError, ExitCode, GputuiError, SshError, UnavailableError, reason_of
from gputui.formatting import counted
from gputui.home_paths import home_expanded
from gputui.late_dataclasses import dataclass
from gputui.models import Action, Instance, Ref, Resource, SSHLogin, SSHTarget, parse_host
from gputui.openssh_config import WRITTEN_MARK, aliases
from gputui.own_program import packed_program
from gputui.presentation.refusals import only_text
from gputui.private_files import write_private
from gputui.ssh.client_config import HostBlock, host_names, jump_title, kept_blocks, key_alias, known_hosts_text
from gputui.ssh.known_hosts import HostKey, KnownHosts, host_id_of, jump_host_id
from gputui.text import clean

if TYPE_CHECKING:
    from gputui.config.loader import Account
    from gputui.history.history import History
    from gputui.ssh.resolution import Resolved

_KEYS_FILE = "ssh_known_hosts"
_SSH_PORT = 22
_JUMP = "gputui-jump"
_PATIENCE_SECONDS = 10
"""How long an account is waited for: its server may hang, and the others' blocks are wanted."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("refs", nargs="*", metavar="REF", help=f"only these; {arguments.REF_HELP}")
    arguments.add_accounts(parser)
    parser.add_argument(
        "--write",
        metavar="FILE",
        type=Path,
        help="write it into this file, whole or not at all; accounts that do not answer keep their blocks in it",
    )


def run(args: argparse.Namespace) -> int:
    """Print the configuration; exit status 3 where an instance or an account is missing in it."""
    if args.accounts and args.refs:
        raise ConfigError("Name accounts or REFs, not both.")
    accounts = refs.accounts(args, args.refs) if args.refs else session.choose(session.load(args), args.accounts)
    named = args.config or os.environ.get("GPUTUI_CONFIG")
    return asyncio.run(_print(accounts, args, as_path(named).absolute() if named else None))


async def _print(accounts: Mapping[str, Account], args: argparse.Namespace, config: Path | None) -> int:
    file = None if args.write is None else _File(as_path(args.write))
    silent = list[str]()
    if args.refs:
        rows, status = await _named(accounts, args.refs)
    else:
        listing = await _listed(accounts)
        rows, status = [row for row in listing.rows if isinstance(row, Instance)], listing.report(args.accounts)
        silent = list(dict.fromkeys(name for name, _ in listing.failures))
    with session.open_history() as history:
        writer = _Writer(accounts, history, config, file)
        text = await asyncio.to_thread(writer.text, rows, silent)
    if file is None:
        sys.stdout.write(text)
    else:
        file.replace(text)
    for ref, reason in writer.refused.items():
        notify(f"gputui: {ref}: {reason}")
    if args.refs:
        for row in writer.without:
            status = max(status, report_error(SshError(f"{row.ref} has no SSH address now.")))
    return max(status, ExitCode.UNREACHABLE) if writer.refused else status


async def _named(accounts: Mapping[str, Account], texts: Sequence[str]) -> tuple[list[Instance], ExitCode]:
    """Return the instances that REFs name, and the exit status of the failures. Raises GputuiError."""
    only = only_text(Action.SSH, "instances")
    async with session.open_fleet(accounts) as fleet:
        matches, status = await refs.find(fleet, texts, [Resource.INSTANCES], only=only, login=True)
    refs.report_shortened(matches)
    return [cast(Instance, match.row) for match in matches], status


async def _listed(accounts: Mapping[str, Account]) -> session.Listing:
    """Read the instances of all accounts, each on its own: one that hangs does not delay the others for long."""
    listings = await asyncio.gather(*(_list(name, account) for name, account in accounts.items()))
    return session.Listing(
        [row for one in listings for row in one.rows],
        [failure for one in listings for failure in one.failures],
        answered={name for one in listings for name in one.answered},
    )


async def _list(name: str, account: Account) -> session.Listing:
    """Read the instances of one account, those that its configuration names without a request."""
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS), session.open_fleet({name: account}) as fleet:
            runtime = fleet.runtime(name)
            if runtime.opened is None or (named := runtime.opened.named_instances) is None:
                return await session.read(fleet, [Resource.INSTANCES])
            return session.Listing(list(await named()), answered={name})
    except TimeoutError:
        error: GputuiError = UnavailableError(f"{name} did not answer within {_PATIENCE_SECONDS} s.")
    except GputuiError as failure:
        error = failure
    return session.Listing(failures=[(name, error)])


class _File:
    """The file to write, and its text so far. Raises ConfigError for one that gputui has not written."""

    def __init__(self, path: Path) -> None:
        self._path = path.resolve()  # a link to the file stays
        try:
            self.text = self._path.read_text("utf-8") if self._path.exists() else ""
        except (OSError, UnicodeError) as error:
            raise ConfigError(f"{path} cannot be read: {reason_of(error)}.") from error
        if self.text.strip() and not self.text.startswith(WRITTEN_MARK):
            raise ConfigError(
                f"{path} was not written by gputui, and is not replaced.",
                hint="Name another file, and add the line Include FILE to ~/.ssh/config.",
            )

    def replace(self, text: str) -> None:
        """Replace the text. Raises ConfigError."""
        try:
            write_private(self._path, text)
        except OSError as error:
            raise ConfigError(f"{self._path} cannot be written: {reason_of(error)}.") from error


@dataclass(slots=True)
class _Writer:
    """Writes the blocks. Blocking: keys and the user's OpenSSH configuration are read."""

    accounts: Mapping[str, Account]
    history: History
    config: Path | None
    file: _File | None
    refused: dict[Ref, str] = field(default_factory=dict)
    without: list[Instance] = field(default_factory=list)
    keys: dict[str, Sequence[HostKey]] = field(default_factory=dict)
    jumps: dict[str, HostBlock] = field(default_factory=dict)
    logins: dict[str, SSHLogin] = field(default_factory=dict)

    def text(self, rows: Sequence[Instance], silent: Sequence[str]) -> str:
        """Return the whole file, and store the known host keys next to those of gputui."""
        self.without = [row for row in rows if row.ssh is None]
        listed = [row for row in rows if row.ssh is not None]
        names = host_names([(row.ref, row.name) for row in listed])
        blocks = list[str]()
        for row in listed:
            try:
                blocks.append(self._block(row, cast(SSHTarget, row.ssh), names[row.ref]))
            except (ValueError, GputuiError) as error:
                reason = error.message if isinstance(error, GputuiError) else f"left out: {error}."
                self.refused[row.ref] = reason
                blocks.append(f"# {clean(f'{row.ref}: {reason}')}\n")
        self._store_keys()
        notes = [f"# {name} could not be read in full: instances may be missing or old.\n" for name in silent]
        if self.file is not None:
            before = self.file.text
            written = {*(str(row.ref) for row in rows), *(block.title for block in self.jumps.values())}
            blocks += [block for name in silent for block in kept_blocks(before, name, written)]
        if self.without:
            notes.append(f"# Without an SSH address now: {counted(len(self.without), 'instance')}.\n")
        jumps = [block.text() for block in self.jumps.values()]
        return "\n".join([self._header() + "".join(notes), *jumps, *blocks])

    def _header(self) -> str:
        at = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
        return (
            f"{WRITTEN_MARK} {__version__} at {at}; do not edit.\n"
            "# Write it again when instances were created or deleted: gputui ssh-config --write ~/.ssh/gputui.conf\n"
            "# Use it with this line at the beginning of ~/.ssh/config: Include gputui.conf\n"
        )

    def _login(self, account: str) -> SSHLogin:
        """Return how an account logs in, without its password: that is never written."""
        if account not in self.logins:
            ssh = self.accounts[account].ssh
            self.logins[account] = SSHLogin(
                user=ssh.user,
                port=ssh.port,
                key=home_expanded(ssh.key) if ssh.key else None,
                agent=ssh.agent,
                jump=ssh.jump,
                accept_new=None if ssh.host_keys is None else ssh.host_keys == "accept-new",
                config=ssh.config_path,
            )
        return self.logins[account]

    def _block(self, row: Instance, target: SSHTarget, names: Sequence[str]) -> str:
        """Return the block of an instance, or the comment in its place. Raises ValueError, GputuiError."""
        if target.enter:
            return f"# {clean(f'{row.ref} has no SSH server of its own; log in with: gputui ssh {row.ref}')}\n"
        login, block = self._login(row.ref.account), HostBlock(names, str(row.ref))
        if target.alias:
            self._own_host(block, row, target, login)
            return block.text()
        remembered = "" if target.user else self.history.login_of(row.ref, target.generation)
        user = remembered or login.user_of(target)
        if login.port or target.port == _SSH_PORT:
            block.address(target.host, login.port or target.port)
            self._jump(block, row.ref.account, login)
        else:
            block.notes.append("Through gputui, since its port changes when it restarts.")
            block.proxy(self._command(row.ref))
        if user:
            block.user(user)
        else:
            block.notes.append("The user is unknown: log in once with gputui, or name the user.")
        host_id = host_id_of(row.ref, target)
        self._identity(block, login, key_alias(names[0], host_id, row.ref), host_id)
        return block.text()

    def _identity(self, block: HostBlock, login: SSHLogin, alias: str, host_id: str) -> None:
        """Add the key of the user, and the keys of the host as gputui knows them."""
        if login.key:
            block.paths("IdentityFile", [Path(login.key).absolute()])
        if not login.agent:
            block.option("IdentityAgent", "none")
        block.option("HostKeyAlias", alias)
        block.paths("UserKnownHostsFile", [self._keys_path])
        if login.accept_new:
            block.option("StrictHostKeyChecking", "accept-new")
        if known := KnownHosts(known_hosts_path(state_dir())).keys(host_id):
            self.keys[alias] = known

    def _own_host(self, block: HostBlock, row: Instance, target: SSHTarget, login: SSHLogin) -> None:
        """Add what the user's OpenSSH configuration has for a host of their own, as far as gputui uses it."""
        from gputui.ssh.resolution import resolve_alias, through

        found = resolve_alias(target, login)
        block.address(found.host, found.port)
        block.user(found.user)
        if found.proxy_command is not None or (login.config is not None and found.jumps):
            block.proxy(self._command(row.ref))
        elif login.jump is not None:
            self._jump(block, row.ref.account, login)
        elif found.jumps:
            through(found.jumps, found)  # refuses a circle, in which ssh would start itself without end
            block.option("ProxyJump", ",".join(found.jumps))
        self._own_identity(block, login, found)

    def _own_identity(self, block: HostBlock, login: SSHLogin, found: Resolved) -> None:
        for path in (*([Path(login.key).absolute()] if login.key else []), *(found.identity_files or ())):
            block.paths("IdentityFile", [path])
        for path in found.certificates:
            block.paths("CertificateFile", [path])
        if found.identities_only:
            block.option("IdentitiesOnly", "yes")
        if not login.agent:
            block.option("IdentityAgent", "none")
        if found.host_key_alias:
            block.option("HostKeyAlias", found.host_key_alias)
        for keyword, files in (
            ("UserKnownHostsFile", found.known_hosts),
            ("GlobalKnownHostsFile", found.global_known_hosts),
        ):
            block.paths(keyword, files or [Path("none")])
        if login.accept_new is not None:
            block.option("StrictHostKeyChecking", "accept-new" if login.accept_new else "ask")
        elif found.new_keys is not None:
            block.option("StrictHostKeyChecking", found.new_keys)

    def _jump(self, block: HostBlock, account: str, login: SSHLogin) -> None:
        """Go through the account's jump host: a host of ~/.ssh/config by its name, another by a block of its own."""
        if login.jump is None:
            return
        user, host, port = parse_host(login.jump)
        if host in aliases(login.config):
            if login.config is not None:
                raise ValueError(f"its jump host {host} is in {login.config}, which ssh does not read")
            block.option("ProxyJump", login.jump)
            return
        name = f"{_JUMP}.{account}"
        if name not in self.jumps:
            hop = HostBlock([name], jump_title(account))
            hop.address(host, port or _SSH_PORT)
            hop.user(user or login.user or "root")
            self._identity(hop, login, name.lower(), jump_host_id(host, port or _SSH_PORT))
            self.jumps[name] = hop
        block.option("ProxyJump", name)

    def _command(self, ref: Ref) -> list[str]:
        """Return the command of gputui that connects to an instance, with this configuration and state."""
        program = Path(sys.argv[0])
        installed = str(program.absolute()) if program.name == "gputui" and program.is_file() else "gputui"
        moved = os.environ.get("GPUTUI_STATE_DIR")
        return [
            *(["env", f"GPUTUI_STATE_DIR={state_dir().absolute()}"] if moved else []),
            *(packed_program() or (installed,)),
            *(["--config", str(self.config)] if self.config else []),
            *("ssh", "--stdio", str(ref)),
        ]

    @property
    def _keys_path(self) -> Path:
        return state_dir().absolute() / _KEYS_FILE

    def _store_keys(self) -> None:
        """Write the known keys into a file for ssh. Raises ConfigError."""
        path = self._keys_path
        try:
            before = path.read_text("utf-8", "surrogateescape") if path.exists() else ""
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(path, known_hosts_text(before, self.keys))
        except (OSError, UnicodeError) as error:
            raise ConfigError(
                f"The known host keys for ssh cannot be written to {path}: {reason_of(error)}.",
                hint="Check its owner, its mode and the free space.",
            ) from error
