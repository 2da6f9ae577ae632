"""The shared disk of a region, mounted and unmounted as a setting of the account."""

from __future__ import annotations

import pytest

from gputui.errors import InvalidError
from gputui.models import AccountInfo, Action
from tests.api.gpuhub.pro.accounts import Account


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Account:
    return Account(monkeypatch)


@pytest.fixture
def row(account: Account) -> AccountInfo:
    return account.backend.info()


async def test_the_disk_of_a_region_is_mounted_and_unmounted(account: Account, row: AccountInfo) -> None:
    editor = account.backend.editor
    assert editor is not None
    assert Action.UPDATE in account.backend.actions(row)
    form = await editor.form(row, Action.UPDATE)
    assert "westDC3" in form.fields[0].choices
    for done, mounted in (("mount", {"westDC3"}), ("unmount", set())):
        change = editor.prepare(row, Action.UPDATE, {"data_center": "westDC3", "mountable": done})
        assert (await change.send()).message == f"The shared disk in westDC3 is {done}ed."
        assert account.place.cloud.mounted == mounted


@pytest.mark.parametrize("values", [{}, {"data_center": "westDC3", "mountable": "1"}, {"data_center": "a b"}])
def test_wrong_values_are_refused_before_anything_is_sent(
    account: Account, row: AccountInfo, values: dict[str, str]
) -> None:
    assert account.backend.editor is not None
    with pytest.raises(InvalidError):
        account.backend.editor.prepare(row, Action.UPDATE, values)
    assert not account.requests
