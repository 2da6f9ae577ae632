"""The configuration: accounts, interface and polling from one TOML file, with all problems in one error.

Those of custom commands refuse nothing: such a command is left out.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import Field, ValidationError

from gputui import vendors
from gputui.config.accounts import Account, Section, UnusableAccount
from gputui.config.command_problems import read_commands
from gputui.config.keymap import key_problems
from gputui.config.paths import CONFIG_ENCODING, config_path
from gputui.config.problems import known_keys, problems_of, unknown_key, unknown_kind
from gputui.config.sections import (
    AgentConfig,
    BudgetConfig,
    CommandConfig,
    NotifyConfig,
    Polling,
    UiConfig,
    WasteConfig,
)
from gputui.errors import ConfigError, reason_of
from gputui.models import SSHLogin
from gputui.models.budgets import Budget
from gputui.text import clean

__all__ = [
    "Account",
    "Config",
    "load_config",
    "parse_config",
    "ssh_login",
]

_ACCOUNT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")


_S = TypeVar("_S", bound=Section)


class Config(Section):
    """The whole configuration. ``accounts`` is by name, in the order of the file.

    ``commands`` are the custom commands that can be used.
    """

    accounts: dict[str, Account]
    # A section that is not written needs no validator, which takes longer to build than all that is written to read.
    ui: UiConfig = UiConfig.model_construct()
    polling: Polling = Polling.model_construct()
    waste: WasteConfig = WasteConfig.model_construct()
    agent: AgentConfig = AgentConfig.model_construct()
    notify: NotifyConfig = NotifyConfig.model_construct()
    commands: list[CommandConfig] = Field(default=[])
    _command_problems: tuple[str, ...] = ()
    budgets: dict[str, BudgetConfig] = Field(default_factory=dict)

    @property
    def command_problems(self) -> tuple[str, ...]:
        """The problems of custom commands, also of those that are left out, each as ``where: problem; fix``."""
        return self._command_problems

    @property
    def budget_list(self) -> list[Budget]:
        """The budgets with their names."""
        return [each.budget(name) for name, each in self.budgets.items()]


def account_model(kind: str) -> type[Account]:
    """Return the model of the accounts of a kind. Raises KeyError, or VendorError for an unusable vendor."""
    model = vendors.load(kind, "account")
    if not (isinstance(model, type) and issubclass(model, Account)):
        raise vendors.package_fault(kind, TypeError("its account is no subclass of gputui.config.accounts.Account"))
    return model


def load_config(path: Path | None = None, *, read_only: bool = False) -> Config:
    """Read the configuration file, with every account ``read_only`` if so. Raises ConfigError with all problems."""
    path = path or config_path()
    try:
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            text = file.read().decode(CONFIG_ENCODING)
    except FileNotFoundError:
        raise ConfigError(
            f"There is no configuration at {path}.", hint="`gputui init` creates one; `gputui demo` needs none."
        ) from None
    except IsADirectoryError:
        raise ConfigError(f"{path} is a folder; name a file.", hint="--config or GPUTUI_CONFIG names it.") from None
    except UnicodeDecodeError as error:
        problem = f"{path}: byte {error.start + 1} is not UTF-8; save the file as UTF-8"
        raise ConfigError("The configuration cannot be used:", problems=(problem,)) from None
    except OSError as error:
        raise ConfigError(f"Cannot read {path}: {reason_of(error)}.", hint="Check its owner and its mode.") from None
    private = not status.st_mode & (stat.S_IRWXG | stat.S_IRWXO)
    folder = path.absolute().parent
    return parse_config(text, name=str(path), private=private, read_only=read_only, folder=folder)


def parse_config(
    text: str, *, name: str, private: bool, read_only: bool = False, folder: Path | None = None
) -> Config:
    """Read a configuration from text; ``name`` is the file in messages, ``private`` permits plain secrets.

    ``folder`` is the directory of the file, absolute: relative paths begin there; None where there is no file. Raises
    ConfigError with all problems as ``file: key: problem; fix``.
    """
    try:
        data = tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        said = "is nested too deeply" if isinstance(error, RecursionError) else clean(str(error))
        fix = 'texts need quotes: key = "value"' if "Invalid value" in said else "correct the line"
        raise ConfigError("The configuration cannot be used:", problems=(f"{name}: {said}; {fix}",)) from None
    reader = _Reader(private=private, file=name, folder=folder, read_only=read_only)
    config = reader.read(data)
    if reader.problems or config is None:
        problems = (*reader.problems, *reader.command_problems)
        raise ConfigError(
            "The configuration cannot be used:", problems=tuple(f"{name}: {problem}" for problem in problems)
        )
    return config


def ssh_login(account: Account) -> SSHLogin:
    """Return the SSH settings of an account. Blocking where the password is a command; raises ConfigError."""
    ssh = account.ssh
    return SSHLogin(
        user=ssh.user,
        port=ssh.port,
        key=ssh.key,
        password=ssh.password.resolve() if ssh.password else None,
        agent=ssh.agent,
        jump=ssh.jump,
        accept_new=None if ssh.host_keys is None else ssh.host_keys == "accept-new",
        config=ssh.config_path,
    )


class _Reader:
    """Validates a parsed file and collects its problems."""

    def __init__(self, *, private: bool, file: str, folder: Path | None, read_only: bool) -> None:
        self.problems: list[str] = []
        self.command_problems: list[str] = []
        """The problems of custom commands: they do not refuse the file."""
        self._private = private
        self._file = file
        self._folder = folder
        self._read_only = read_only

    def read(self, data: dict[str, Any]) -> Config | None:
        """Return the configuration, None when it has problems."""
        for key in data:
            if key not in Config.model_fields:
                self.problems.append(f"{clean(key)}: {unknown_key(key, Config.model_fields)}")
        accounts = self._accounts(data.get("accounts", {}))
        ui = self._optional(UiConfig.model_construct(), data, "ui")
        keys = _keys_of(data.get("ui"))
        self.problems += [f"ui.keys.{problem}" for problem in key_problems(keys)]
        commands, self.command_problems = read_commands(data.get("commands", []), keys)
        polling = self._optional(Polling.model_construct(), data, "polling")
        waste = self._optional(WasteConfig.model_construct(), data, "waste")
        notify = self._optional(NotifyConfig.model_construct(), data, "notify")
        agent = self._optional(AgentConfig.model_construct(), data, "agent")
        budgets = self._budgets(data.get("budgets", {}), data.get("accounts"))
        if ui is None or polling is None or waste is None or notify is None or agent is None or self.problems:
            return None
        config = Config.model_construct(
            accounts=accounts,
            ui=ui,
            polling=polling,
            waste=waste,
            notify=notify,
            agent=agent,
            commands=commands,
            budgets=budgets,
        )
        config._command_problems = tuple(self.command_problems)
        return config

    def _budgets(self, data: object, accounts: object) -> dict[str, BudgetConfig]:
        if not isinstance(data, dict):
            self.problems.append("budgets: must be a table; write each budget as [budgets.NAME]")
            return {}
        found = {}
        known = list(accounts) if isinstance(accounts, dict) else []
        for name, table in data.items():
            path = f"budgets.{clean(name)}"
            if not _ACCOUNT_NAME.fullmatch(name):
                self.problems.append(f"{path}: is not a name for a budget; use at most 32 letters, digits, . - and _")
                continue
            budget = self._section(BudgetConfig, table, ("budgets", name))
            if budget is None:
                continue
            wrong = [account for account in budget.accounts if account not in known]
            if wrong:
                names = ", ".join(map(clean, wrong))
                said = f"there is no account {names}; the accounts are {', '.join(map(clean, known))}"
                self.problems.append(f"{path}.accounts: {said}")
            found[name] = budget
        return found

    def _accounts(self, data: object) -> dict[str, Account]:
        if not isinstance(data, dict) or not data:
            self.problems.append("accounts: there are none; add one as [accounts.NAME], or run gputui init")
            return {}
        read = {name: self._account(name, table) for name, table in data.items()}
        return {name: account for name, account in read.items() if account is not None}

    def _account(self, name: str, table: object) -> Account | None:
        path = f"accounts.{clean(name)}"
        if not isinstance(table, dict):
            self.problems.append(f"{path}: must be a table; write it as [accounts.NAME]")
            return None
        if not _ACCOUNT_NAME.fullmatch(name):
            self.problems.append(
                f"{path}: is not a name for an account; use at most 32 letters, digits, dots, dashes and underscores"
            )
            return None
        if "preset" in table and "kind" not in table:
            table = _kind_of_preset(table["preset"]) | table
        kind = table.get("kind")
        if not isinstance(kind, str) or kind not in vendors.kinds():
            self.problems.append(f"{path}.kind: {unknown_kind(kind)}")
            return None
        read_only = self._read_only or table.get("read_only") is True
        try:
            model = account_model(kind)
            if "name" in table:
                self.problems.append(f"{path}.name: {unknown_key('name', known_keys(model))}")
            forced = {"read_only": True} if self._read_only else {}
            return self._section(model, {**table, **forced, "name": name}, ("accounts", name))
        except vendors.VendorError as error:
            problem = error
        except Exception as error:  # noqa: BLE001  (a validator of another package)
            problem = vendors.package_fault(kind, error)
        return UnusableAccount.model_construct(
            name=name, kind=kind, base_url="", read_only=read_only, problem=problem
        )

    def _optional(self, default: _S, data: dict[str, Any], name: str) -> _S | None:
        return self._section(type(default), data[name], (name,)) if name in data else default

    def _section(self, model: type[_S], data: object, path: tuple[str, ...]) -> _S | None:
        context = {
            "private": self._private,
            "file": self._file,
            "folder": self._folder,
            "account": path[-1],
            "section": ".".join(path),
        }
        try:
            return model.model_validate(data, context=context)
        except ValidationError as error:
            self.problems += problems_of(model, error, path)
            return None


def _keys_of(ui: object) -> dict[str, str]:
    """Return the key map as far as it is one: it may clash also where something else in its section is wrong."""
    keys = ui.get("keys") if isinstance(ui, dict) else None
    return {name: text for name, text in keys.items() if isinstance(text, str)} if isinstance(keys, dict) else {}


def _kind_of_preset(preset: object) -> dict[str, str]:
    """Return the kind with a preset; for an unknown one a kind with any preset, whose model reports the problem."""
    having = {kind: vendor.presets for kind, vendor in vendors.usable().items() if vendor.presets}
    kind = next((kind for kind, presets in having.items() if preset in presets), next(iter(having), None))
    return {"kind": kind} if kind else {}
