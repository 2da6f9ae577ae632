"""The keys of each vendor's accounts: defaults, presets, mistakes and what is asked for."""

from __future__ import annotations

from typing import get_args

import pytest

from gputui import vendors
from gputui.api.deepdock.account import DeepdockAccount
from gputui.api.gpuhub.account import GpuhubAccount
from gputui.api.pody.account import PodyAccount
from gputui.api.yotta.account import YottaAccount
from gputui.config.account_questions import Question, answer_problem, questions
from gputui.config.loader import account_model, parse_config
from tests.config.parsing import ACCOUNT, lab, problems


def test_every_kind_of_account_has_a_back_end_and_the_other_way_round() -> None:
    assert vendors.kinds() == list(vendors.usable())
    for kind in vendors.kinds():
        assert get_args(account_model(kind).model_fields["kind"].annotation) == (kind,)
        assert isinstance(vendors.load(kind, "backend"), type)
        assert vendors.load(kind, "simulator").kind == kind


def test_what_is_asked_for_an_account_follows_from_its_keys() -> None:
    assert questions(PodyAccount) == [
        Question("base_url", "Address", required=True, secret=False, example="http://10.0.0.5:8799"),
        Question("username", "User name", required=True, secret=False, example="alice"),
        Question("password", "Password", required=True, secret=True, example="env:PODY_PASSWORD"),
    ]
    assert answer_problem(PodyAccount, "pody", "username", "alice") is None
    assert "colon" in str(answer_problem(PodyAccount, "pody", "username", "a:b"))


def hub(text: str) -> GpuhubAccount:
    account = parse_config(f"[accounts.hub]\n{text}", name="c", private=True).accounts["hub"]
    assert isinstance(account, GpuhubAccount)
    return account


@pytest.mark.parametrize(
    ("preset", "base_url", "currency", "regions", "last"),
    [
        ("gpuhub", "https://api.gpuhub.com", "USD", 3, "Singapore-B"),
        ("autodl", "https://api.autodl.com", "CNY", 11, "yangzhouDC1"),
        ("autodl-private", "https://private.autodl.com", "CNY", 0, ""),
    ],
)
def test_a_preset_and_the_token_are_enough(
    preset: str, base_url: str, currency: str, regions: int, last: str
) -> None:
    account = hub(f'preset = "{preset}"\ntoken = "env:T"')
    assert (account.kind, account.base_url, account.currency) == ("gpuhub", base_url, currency)
    assert (len(account.regions), "".join(account.regions[-1:])) == (regions, last)
    assert account.requests_per_second is None


def test_what_is_written_wins_over_the_preset() -> None:
    account = hub(
        'kind = "gpuhub"\ntoken = "tok"\nbase_url = "http://127.0.0.1:8700/"\nregions = ["a", "b"]\n'
        'currency = "EUR"\nrequests_per_second = 4'
    )
    assert (account.preset, account.base_url) == ("gpuhub", "http://127.0.0.1:8700")
    assert (account.regions, account.currency, account.requests_per_second) == (["a", "b"], "EUR", 4)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('preset = "aws"', "preset: should be 'gpuhub', 'autodl', 'autodl-art' or 'autodl-private'; change it"),
        ("preset = 3", "preset: should be 'gpuhub', 'autodl', 'autodl-art' or 'autodl-private'; change it"),
        ('regions = "sgp1"', 'regions: must be a list; write it as ["one", "two"]'),
        ('regions = ["a", 1]', 'regions, 2nd entry: must be a text; write it in quotes, for example "value"'),
        ('regions = ["a", "a"]', "regions: has a twice; remove one"),
        (
            'regions = ["a", ""]',
            "regions: contains a name that is empty or has spaces around it; write only names of regions",
        ),
        (
            'regions = ["a,b"]',
            "regions: contains a comma or a slash inside a name; write one name in each pair of quotes",
        ),
        ('currency = "usd"', 'currency: is not a currency; write its three letters, for example "USD"'),
        ("requests_per_second = 0", "requests_per_second: should be greater than 0; change it"),
        ("region = 1", "region: unknown key; did you mean regions?"),
    ],
)
def test_a_mistake_in_a_cloud_account_is_reported_with_its_fix(line: str, problem: str) -> None:
    text = f'[accounts.hub]\nkind = "gpuhub"\ntoken = "t"\n{line}'
    assert problems(text) == [f"config.toml: accounts.hub.{problem}"]


def test_an_account_without_a_token_shows_how_to_write_one() -> None:
    assert problems('[accounts.hub]\npreset = "autodl"') == [
        'config.toml: accounts.hub.token: is missing; add token = "env:GPUHUB_TOKEN"'
    ]
    assert problems('[accounts.hub]\npreset = "autodl"\ntoken = "plain"', private=False)[0].endswith(
        "or write a reference such as env:HUB_TOKEN"
    )


def test_sets_of_regions_have_names() -> None:
    config = parse_config(ACCOUNT + '[ui.regions]\nasia = ["sgp1", "westDC2"]', name="c", private=True)
    assert config.ui.regions == {"asia": ["sgp1", "westDC2"]}
    assert problems(ACCOUNT + '[ui.regions]\nasia = ["a", "a"]') == [
        "config.toml: ui.regions.asia: has a twice; remove one"
    ]


def test_a_cloud_account_is_asked_for_its_cloud_and_token() -> None:
    assert questions(GpuhubAccount) == [
        Question(
            "preset",
            "Which cloud: gpuhub, autodl, autodl-art or autodl-private",
            required=False,
            secret=False,
            example="autodl",
        ),
        Question("token", "API token", required=True, secret=True, example="env:GPUHUB_TOKEN"),
    ]
    assert answer_problem(GpuhubAccount, "gpuhub", "preset", "autodl") is None
    assert "should be 'gpuhub'" in str(answer_problem(GpuhubAccount, "gpuhub", "preset", "aws"))


def dock(text: str = "") -> DeepdockAccount:
    account = parse_config(f'[accounts.dock]\nkind = "deepdock"\n{text}', name="c", private=True).accounts["dock"]
    assert isinstance(account, DeepdockAccount)
    return account


def test_a_deepdock_account_needs_nothing_but_its_kind() -> None:
    account = dock()
    assert (account.base_url, account.header, account.gpu_memory_bytes) == ("http://127.0.0.1:8000", None, None)


def test_a_deepdock_account_with_everything() -> None:
    account = dock(
        'base_url = "http://h07:8000/"\ngpu_model = "RTX 4090"\ngpu_memory = "24G"\n'
        'header = { name = "X-Api-Key", value = "hunter2" }'
    )
    assert (account.base_url, account.gpu_model, account.gpu_memory_bytes) == (
        "http://h07:8000",
        "RTX 4090",
        24 * 2**30,
    )
    assert account.header is not None
    assert (account.header.name, account.header.value.resolve().reveal()) == ("X-Api-Key", "hunter2")
    assert "hunter2" not in repr(account)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ('header = "X-Api-Key: k"', "header: must be a table; write it as { key = value }"),
        ('header = { name = "X-Api-Key" }', 'header.value: is missing; add value = "env:DEEPDOCK_KEY"'),
        ('header = { value = "env:K" }', 'header.name: is missing; add name = "X-Api-Key"'),
        ('header = { name = "X", valu = "k", value = "k" }', "header.valu: unknown key; did you mean value?"),
        (
            'header = { name = "X-Api-Key:", value = "k" }',
            'header.name: is not the name of a header; write it as "X-Api-Key", without a colon',
        ),
        (
            'header = { name = "", value = "k" }',
            'header.name: is not the name of a header; write it as "X-Api-Key", without a colon',
        ),
        (
            'header = { name = "HOST", value = "k" }',
            "header.name: is a header that HTTP itself needs; use another one",
        ),
        (
            'header = { name = "Content-Length", value = "k" }',
            "header.name: is a header that HTTP itself needs; use another one",
        ),
        ('gpu_memory = "many"', 'gpu_memory: is not a size; write it as "24G"'),
    ],
)
def test_a_mistake_in_a_deepdock_account_is_reported_with_its_fix(line: str, problem: str) -> None:
    text = f'[accounts.dock]\nkind = "deepdock"\n{line}'
    assert problems(text) == [f"config.toml: accounts.dock.{problem}"]


def test_a_plain_value_of_a_header_needs_a_private_file() -> None:
    text = '[accounts.dock]\nkind = "deepdock"\nheader = { name = "X-Api-Key", value = "hunter2" }'
    (problem,) = problems(text, private=False)
    assert problem.startswith("config.toml: accounts.dock.header.value: is plain text in a file that others can read")
    assert problem.endswith("or write a reference such as env:DOCK_HEADER_VALUE")


def test_a_deepdock_account_is_asked_for_its_address_alone() -> None:
    assert questions(DeepdockAccount) == [
        Question(
            "base_url",
            "Address; http://127.0.0.1:8000 when left out",
            required=False,
            secret=False,
            example="http://10.0.0.7:8000",
        ),
    ]


def test_a_yotta_account_needs_nothing_but_its_key() -> None:
    account = parse_config('[accounts.y]\nkind = "yotta"\napi_key = "hunter2"', name="c", private=True).accounts["y"]
    assert isinstance(account, YottaAccount)
    assert (account.base_url, account.currency) == ("https://api.yottalabs.ai", "USD")
    assert account.api_key.resolve().reveal() == "hunter2"
    assert "hunter2" not in repr(account)
    assert questions(YottaAccount) == [
        Question("api_key", "API key", required=True, secret=True, example="env:YOTTA_API_KEY")
    ]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", 'api_key: is missing; add api_key = "env:YOTTA_API_KEY"'),
        (
            'api_key = "k"\ncurrency = "dollars"',
            'currency: is not a currency; write its three letters, for example "USD"',
        ),
        (
            'api_key = "k"\ntoken = "k"',
            "token: unknown key; the keys here are kind, base_url, ssh, read_only, color, timeout, currency, "
            "price, prices, api_key",
        ),
        ("api_key = 7", "api_key: must be a text; for example env:Y_API_KEY"),
    ],
)
def test_a_mistake_in_a_yotta_account_is_reported_with_its_fix(text: str, problem: str) -> None:
    assert problems(f'[accounts.y]\nkind = "yotta"\n{text}') == [f"config.toml: accounts.y.{problem}"]


YOTTA_KEY = '[accounts.yotta]\nkind = "yotta"\napi_key = "k"\n'


def test_prices_are_stated_by_gpu_model_or_for_any() -> None:
    account = parse_config(
        f'{YOTTA_KEY}price = 0.1\n[accounts.yotta.prices]\n"H100" = 2.5\n"RTX 4090" = 1\n', name="c", private=True
    ).accounts["yotta"]
    assert (account.price, account.prices, account.currency) == (0.1, {"H100": 2.5, "RTX 4090": 1.0}, "USD")
    assert lab("price = 0").price == 0
    assert lab().price is None


@pytest.mark.parametrize(
    ("extra", "is_billed"),
    [
        ("", False),
        ("price = 0", False),
        ("price = 0.35", True),
        ("prices = { A100 = 0 }", False),
        ("price = 0\nprices = { A100 = 2.5 }", True),
    ],
)
def test_an_account_whose_prices_are_zero_is_free(extra: str, is_billed: bool) -> None:
    assert lab(extra).is_billed == is_billed


@pytest.mark.parametrize(
    ("preset", "extra", "is_billed"),
    [("autodl", "", True), ("autodl-private", "", False), ("autodl-private", "price = 2", True)],
)
def test_a_private_cloud_costs_what_is_stated_alone(preset: str, extra: str, is_billed: bool) -> None:
    account = hub(f'preset = "{preset}"\ntoken = "env:T"\nbase_url = "https://a.example"\nregions = ["a"]\n{extra}')
    assert account.is_billed is is_billed


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("price = -1", "accounts.yotta.price:"),
        ("price = nan", "accounts.yotta.price:"),
        ("price = true", "accounts.yotta.price:"),
        ('prices = { "H100" = "2.5" }', "accounts.yotta.prices.H100:"),
        ('prices = { "H100" = -2 }', "accounts.yotta.prices.H100:"),
        ("prices = 2.5", "accounts.yotta.prices:"),
        ('prices = { " " = 2.5 }', 'write "H100" = 2.5'),
        (
            'prices = { "RTX 4090" = 1, "NVIDIA_RTX_4090_24G" = 2 }',
            "has RTX 4090 and NVIDIA_RTX_4090_24G, which are one model; remove one",
        ),
    ],
)
def test_a_mistake_in_prices_names_the_key(line: str, problem: str) -> None:
    (found,) = problems(YOTTA_KEY + line + "\n")
    assert problem in found
