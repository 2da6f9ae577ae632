"""The certificates that a server's own is checked against: those of the environment, else the usual ones."""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path

from gputui.errors import reason_of

FILE, DIRECTORY = "SSL_CERT_FILE", "SSL_CERT_DIR"


class UnusableAuthoritiesError(Exception):
    """A variable of the environment names certificates that cannot be used; ``variable`` is its name."""

    def __init__(self, variable: str, reason: str) -> None:
        super().__init__(f"{variable} {reason}")
        self.variable = variable


def named() -> str:
    """Return which variable names certificates, with its value; '' where none does."""
    return next((f"{name} ({value})" for name in (FILE, DIRECTORY) if (value := os.environ.get(name))), "")


def context(usual: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    """Return the context that checks certificates; ``usual`` creates it where the environment names none.

    Created once for all accounts: loading them takes longer than a request. Raises UnusableAuthoritiesError.
    """
    return _cached_context(os.environ.get(FILE, ""), os.environ.get(DIRECTORY, ""), usual)


@lru_cache(maxsize=4)
def _cached_context(file: str, directory: str, usual: Callable[[], ssl.SSLContext]) -> ssl.SSLContext:
    if file:
        return _from_file(file)
    if directory:
        return _from_directories(directory)
    return usual()


def _from_file(file: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=file)
    except ssl.SSLError:
        raise UnusableAuthoritiesError(FILE, f"names {file}, which contains no certificate") from None
    except (OSError, ValueError) as error:
        raise UnusableAuthoritiesError(FILE, f"names {file}, which cannot be read: {_reason(error)}") from None


def _from_directories(directories: str) -> ssl.SSLContext:
    """Check the directories, which OpenSSL does not: a missing one means that no certificate is trusted."""
    problem = ""
    for directory in directories.split(os.pathsep):
        try:
            found = any(Path(directory).iterdir())
        except (OSError, ValueError) as error:
            problem = problem or f"names {directory}, which cannot be read: {_reason(error)}"
        else:
            if found:
                return ssl.create_default_context(capath=directories)
            problem = problem or f"names {directory}, which is empty"
    raise UnusableAuthoritiesError(DIRECTORY, problem)


def _reason(error: OSError | ValueError) -> str:
    return (reason_of(error) if isinstance(error, OSError) else "it is no path").lower()
