"""The meaning of refusals of AutoDL that their codes do not give."""

from __future__ import annotations

import pytest

from gputui.api.gpuhub.errors import refusal
from gputui.api.http.failures import Server
from gputui.errors import (
    AccountDeniedError,
    AuthError,
    ConflictError,
    ForbiddenError,
    GputuiError,
    InvalidError,
    NoStockError,
    NotFoundError,
    RateLimitedError,
    ServerError,
)

AUTODL = Server("auto", "api.example.com", "AutoDL")


@pytest.mark.parametrize(
    ("code", "said", "kind", "words"),
    [
        ("BadRequest", "无当前资源访问权限", AccountDeniedError, "company-verified account (AutoDL)"),
        ("TORealName", "未完成实名认证,认证后才可使用", ForbiddenError, "real-name verification"),
        ("InternalError", "当前算力规格暂无库存, 请修改配置或稍等再试", NoStockError, "no stock"),
        ("InternalError", "账户余额不足", ForbiddenError, "the balance is too low"),
        ("BadRequest", "登录超时，请重新登录", AuthError, "the token has expired"),
    ],
)
def test_a_refusal_has_our_words_and_those_of_the_api(
    code: str, said: str, kind: type[GputuiError], words: str
) -> None:
    error = refusal(AUTODL, code, said, request_id="r2")
    assert type(error) is kind
    assert words in error.message
    assert f"The API says: {said} ({code})." in error.message
    assert error.hint
    assert "vendor" not in error.hint
    assert error.request_id == "r2"


def test_a_private_cloud_has_no_balance_to_name() -> None:
    error = refusal(Server("own", "private.example.com", "private AutoDL"), "BadRequest", "无当前资源访问权限")
    assert "stock and images work" in error.message


@pytest.mark.parametrize(
    ("code", "said", "kind"),
    [
        ("AuthorizeFailed", "check the token", AuthError),
        ("Unauthenticated", "no", AuthError),
        ("PermissionDenied", "no", ForbiddenError),
        ("InsufficientBalance", "no", ForbiddenError),
        ("RequestLimited", "slow", RateLimitedError),
        ("TooManyRequests", "slow", RateLimitedError),
        ("RateExceeded", "refused", RateLimitedError),
        ("RecordNotFound", "gone", NotFoundError),
        ("NotExists", "gone", NotFoundError),
        ("BadRequest", "the deployment does not exist", NotFoundError),
        ("BadRequest", "no", InvalidError),
        ("RequestParameterIsWrong", "cuda_v", InvalidError),
        ("AlreadyExists", "name", ConflictError),
        ("StatusError", "stopped", ConflictError),
        ("InternalError", "oops", ServerError),
        ("", "oops", ServerError),
    ],
)
def test_a_code_is_read_by_its_words(code: str, said: str, kind: type[GputuiError]) -> None:
    assert type(refusal(AUTODL, code, said)) is kind
