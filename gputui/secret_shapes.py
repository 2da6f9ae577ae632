"""Shapes of secrets in the commands that people run, beyond the names that :mod:`gputui.redaction` knows.

Commands are other people's text, of any length. A shape is looked for only where its fixed words are in the text,
and what follows them is bounded: the time it takes grows with the text alone. Standard library only.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gputui.known_secrets import MASK

_VALUE = r"(?:'[^'\n]{0,500}'?|\"[^\"\n]{0,500}\"?|[^\s;&|'\"]{1,500})"

_COMMAND = re.compile(r"[^\n;&|]+")
_SQL_PASSWORD = re.compile(rf"(\s-p){_VALUE}")
_REDIS_PASSWORD = re.compile(rf"(\s-a\s{{1,8}}){_VALUE}")
_REGISTRY_PASSWORD = re.compile(rf"(\s-p\s{{0,8}}){_VALUE}")
_SQL_CLIENTS = ("mysql", "mariadb", "mycli")
_REGISTRY_CLIENTS = ("docker", "podman", "nerdctl", "helm")

_HEADER = re.compile(r"((?<![\w-])-(?:H|-header)[ \t=]{0,8}['\"]?([\w-]{1,80}):[ \t]{0,8})[^'\"\n]{1,2000}")
_SECRET_HEADER = re.compile(r"auth|token|key|secret|cookie|session|passw|credential|signature|csrf", re.IGNORECASE)

# The longest run of the characters that names and keys are made of: one look at each.
_WORD = re.compile(r"[\w.-]{8,4000}+")
# Variables whose name ends in PASS or PWD; the shell's own PWD and OLDPWD are folders.
_VARIABLE = re.compile(rf"((?i:pass|pwd)=)(?<!(?<!\w)PWD=)(?<!(?<!\w)OLDPWD=){_VALUE}")

_WANDB = re.compile(rf"(wandb\s{{1,8}}login\s{{1,8}}(?:--[\w-]{{1,30}}\s{{1,8}}){{0,4}}){_VALUE}")
_KEY_STARTS = (
    *("hf_", "sk-", "gho_", "ghp_", "ghs_", "ghu_", "ghr_", "github_pat_", "glpat-"),
    *("xox", "AKIA", "AIza", "eyJ"),
)
_KEY = re.compile(
    r"hf_[A-Za-z0-9]{20,}|sk-[\w-]{20,}|gh[opsur]_[A-Za-z0-9]{20,}|github_pat_\w{20,}|glpat-[\w-]{20,}"
    r"|xox[abprs]-[\w-]{10,}|AKIA[0-9A-Z]{16}|AIza[\w-]{35}|eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"
)
_PRIVATE_KEY = re.compile(r"(-----BEGIN [A-Z ]{0,40}PRIVATE KEY-----)[^-]{1,20000}")


def without_likely_secrets(text: str) -> str:
    """Return a command without what is most likely a secret in it."""
    for words, masked in _SHAPES:
        if any(word in text for word in words):
            text = masked(text)
    return text


def _without_passwords_of_clients(text: str) -> str:
    return _COMMAND.sub(_client, text)


def _client(command: re.Match[str]) -> str:
    """Return one command of a line. MySQL's clients take a password in one word with -p, others in the next word."""
    text = command[0]
    if any(client in text for client in _SQL_CLIENTS):
        text = _SQL_PASSWORD.sub(rf"\1{MASK}", text)
    if "redis-cli" in text:
        text = _REDIS_PASSWORD.sub(rf"\1{MASK}", text)
    if " login " in text and any(client in text for client in _REGISTRY_CLIENTS):
        text = _REGISTRY_PASSWORD.sub(rf"\1{MASK}", text)
    return text


def _without_headers(text: str) -> str:
    return _HEADER.sub(lambda found: f"{found[1]}{MASK}" if _SECRET_HEADER.search(found[2]) else found[0], text)


def _without_keys(text: str) -> str:
    """Mask words that tell by their own beginning whose key they are."""
    return _WORD.sub(lambda word: MASK if _KEY.fullmatch(word[0].rstrip(".-")) else word[0], text)


_SHAPES: tuple[tuple[tuple[str, ...], Callable[[str], str]], ...] = (
    ((*_SQL_CLIENTS, "redis-cli", *_REGISTRY_CLIENTS), _without_passwords_of_clients),
    (("-H", "--header"), _without_headers),
    (("pass=", "PASS=", "Pass=", "pwd=", "PWD=", "Pwd="), lambda text: _VARIABLE.sub(rf"\1{MASK}", text)),
    (("wandb",), lambda text: _WANDB.sub(rf"\1{MASK}", text)),
    (_KEY_STARTS, _without_keys),
    (("PRIVATE KEY-----",), lambda text: _PRIVATE_KEY.sub(rf"\1{MASK}", text)),
)
