"""Back ends: a package for each vendor that ships, what they share, and how one is opened."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from gputui import vendors
from gputui.errors import GputuiError

if TYPE_CHECKING:
    from gputui.api.capabilities import Backend
    from gputui.config.loader import Account


def open_backend(account: Account) -> Backend:
    """Return the back end of an account. Nothing is sent and no secret is read before its first call.

    Raises VendorError where the package of its kind cannot be used.
    """
    from gputui.config.accounts import UnusableAccount

    if isinstance(account, UnusableAccount):
        raise account.problem
    create = vendors.load(account.kind, "backend")
    try:
        return cast("Backend", create(account))
    except GputuiError:
        raise
    except Exception as error:
        raise vendors.package_fault(account.kind, error) from error
