"""The envelope of GPUhub's answers: what a refusal in it means, for a person.

A refusal usually comes with HTTP 200: it is recognised by its ``code``; ``msg`` is the API's own text for the user.
"""

from __future__ import annotations

import re
from itertools import pairwise

from gputui.api.http.failures import (
    Refusal,
    RouteMissingError,
    Server,
    is_about_credentials,
    may_be_credentials,
    sign_in_hint,
)
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

SUCCESS = "success"
"""The code of an answer that is no refusal, whatever its case."""
RATE_LIMIT_SECONDS = 5.0
"""How long an account sends nothing that was asked to slow down without a time, in seconds."""

_LEAST = "stock and images"
_ALLOWED = {"GPUhub": "stock, images and balance", "AutoDL": "instances, stock, images and balance"}
"""The lists that every account may use, by cloud: private ones bill no account."""
NO_PERMISSION = "无当前资源访问权限"
"""AutoDL's message for elastic calls of an account that is not verified as a company."""

_STATES = (
    ("请在实例关机状态下执行释放操作", "an instance can be released only when it is off", "Stop it first."),
    ("请确保实例是关机状态", "an instance can be saved as an image only when it is off", "Stop it first."),
    ("无法进行开机操作", "an instance can be started only when it is off", "Wait until it is off."),
    ("无需重复操作", "the instance is being powered off already", "Wait until it is off."),
    ("无法进行关机操作", "the instance is off already", ""),
)
"""AutoDL's messages for instances in another state than a change needs: a part of each, the cause, the way out."""

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+")
_MISSING = re.compile(r"\bnot (?:be )?(?:found|exist)|\bno such\b|不存在|未找到", re.IGNORECASE)

# The beginnings of words in codes, and of two words joined.
_AUTH = re.compile(r"(?:un)?auth|token|login|signature|credential|jwt")
_FORBIDDEN = re.compile(r"forbidden|permission|denied|quota|balance|insufficient|arrear|overdue|privilege")
_MEANS = re.compile(r"quota|balance|insufficient|arrear|overdue")
"""Causes for which the credentials are right."""
_RATE = re.compile(r"rate$|throttl|frequen|limit|toomany")
_ABSENT = re.compile(r"notfound|notexist|nosuch")
_CONFLICT = re.compile(r"conflict|exist|duplicate|already|status|state|busy")
_INVALID = re.compile(r"bad|param|argument|wrong|invalid|illegal|validat|missing|required|malformed|format")


def refusal(server: Server, code: str, message: str, *, request_id: str = "", status: int = 200) -> GputuiError:
    """Return the error for an envelope that is no success. All three texts are clean; ``status`` is HTTP's."""
    code = code or "no code"
    detail = message.rstrip(".。 ") or "the request was refused"
    text = f"{server}: {detail} ({code})." if status == 200 else f"{server}: {detail} ({code}, HTTP {status})."
    if (meant := _meant(server, code, detail)) is not None:
        kind, cause, hint = meant
        return kind(f"{server}: {cause}. The API says: {detail} ({code}).", hint=hint, request_id=request_id)
    words = [word.lower() for word in _WORD.findall(code)]
    words += [first + second for first, second in pairwise(words)]

    def has(beginning: re.Pattern[str]) -> bool:
        return any(beginning.match(word) for word in words)

    if has(_AUTH) or status == 401:
        return AuthError(text, hint=sign_in_hint(server), request_id=request_id)
    if status == 403 and is_about_credentials(message):
        return AuthError(text, hint=sign_in_hint(server), request_id=request_id)
    if has(_FORBIDDEN) or status == 403:
        unsure = status == 403 and not has(_MEANS)
        return ForbiddenError(text, hint=may_be_credentials(server) if unsure else "", request_id=request_id)
    if has(_RATE):
        return RateLimitedError(text, retry_after=RATE_LIMIT_SECONDS, request_id=request_id)
    # Many refusals are a BadRequest: only the text says that something is missing.
    if has(_ABSENT) or status == 404 or (has(_INVALID) and _MISSING.search(message)):
        return NotFoundError(text, request_id=request_id)
    if has(_INVALID):
        return InvalidError(text, request_id=request_id)
    if has(_CONFLICT) or status == 409:
        return ConflictError(text, request_id=request_id)
    if 400 <= status < 500:
        return InvalidError(text, request_id=request_id)
    return ServerError(text, hint="Try again in a moment; if it persists, contact the vendor.", request_id=request_id)


def _meant(server: Server, code: str, detail: str) -> tuple[type[GputuiError], str, str] | None:
    """Return what a refusal of AutoDL means beyond its code: kind of error, cause, way out."""
    if NO_PERMISSION in detail:
        allowed = _ALLOWED.get(server.backend, _LEAST)
        return (
            AccountDeniedError,
            f"deployments need a company-verified account ({server.backend}); {allowed} work",
            "Verify the account as a company on the cloud's web page, then refresh.",
        )
    if "登录超时" in detail or "重新登录" in detail:
        return AuthError, f"the token has expired ({server.backend})", sign_in_hint(server)
    if code == "TORealName" or "实名认证" in detail:
        return (
            ForbiddenError,
            f"the account is not verified ({server.backend}): creating needs real-name verification",
            "Complete the verification on the cloud's web page.",
        )
    if "暂无库存" in detail:
        return (
            NoStockError,
            "no stock: no host with these GPUs is free now",
            "Try again later, or allow more regions or GPU models.",
        )
    for text, cause, hint in _STATES:
        if text in detail:
            return ConflictError, cause, hint
    if "余额" in detail:
        return ForbiddenError, "the balance is too low", "Add money to the account on the cloud's web page."
    return None


def explain(server: Server, refused: Refusal) -> GputuiError | None:
    """Name a refusal by the envelope that came with another HTTP status than 200.

    What a gateway on the way says (502 to 504, and what proxies invent) is left to the transport: it is no refusal.
    """
    if refused.status == 405 or (refused.status == 404 and not refused.code):
        return RouteMissingError(
            f"{server}: the cloud does not know this call (HTTP {refused.status}).", hint="Check base_url and preset."
        )
    if not refused.code or refused.status in {502, 503, 504} or refused.status >= 520:
        return None
    return refusal(server, refused.code, refused.detail, request_id=refused.request_id, status=refused.status)
