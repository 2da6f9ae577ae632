"""Why a deployment does not start, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from gputui.models import Balance, Block, Deployment, Image, Money, Phase, Ref
from gputui.models.explanations import Explanation, Found, Relaxed
from gputui.presentation.columns.column import plain_text
from gputui.presentation.explanation import heading, other_lines, stock_lines

NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
REF = Ref("hub", "deployment", "d1")
ROW = Deployment(
    REF,
    "train",
    "ReplicaSet",
    Phase.RUNNING,
    "running",
    desired=4,
    running=2,
    starting=1,
    gpu_count=4,
    image="image-1",
)


def block(host: str, minutes: float) -> Block:
    """Return the block of a host until so many minutes from now."""
    return Block(Ref("hub", "block", host), host, "sgp1", until=NOW + timedelta(minutes=minutes))


def stock(found: Found, row: Deployment = ROW, *relaxed: Relaxed) -> list[str]:
    """Return the lines about the stock."""
    return list(map(plain_text, stock_lines(row, Explanation(REF, found, relaxed))))


def others(row: Deployment = ROW, **known: object) -> str:
    """Return the lines about other reasons."""
    given: dict[str, object] = {"blocks": (), "image": None, "balance": None} | known
    return "\n".join(map(plain_text, other_lines(row, now=NOW, utc=True, **given)))  # type: ignore[arg-type]  # known


def test_what_fits_is_never_said_to_be_on_one_host() -> None:
    one = replace(ROW, gpu_count=1)
    assert heading(ROW) == "Why train has 2 of 4 running, 1 starting"
    assert stock(Found(0)) == ["✗ No idle GPU fits its limits now."]
    assert stock(Found(1), one) == ["1 idle GPU fits its limits now."]
    assert stock(Found(3)) == ["✗ 3 idle GPUs fit its limits now; an instance needs 4 on one host."]
    assert stock(Found(9)) == [
        "9 idle GPUs fit its limits now, possibly on different hosts; an instance needs 4 on one."
    ]
    assert stock(Found(0), ROW, Relaxed("with CUDA above 12.2", Found(8)))[1] == "  8 would fit with CUDA above 12.2"


def test_a_limit_that_leaves_no_gpu_at_all_is_named_though_none_is_idle_beyond_it() -> None:
    price = Relaxed("with a price above $0.10/h", Found(0, total=12))
    row = replace(ROW, gpu_models=("RTX 3090",))
    assert list(map(plain_text, stock_lines(row, Explanation(REF, Found(0, total=0), excluding=(price,)))))[1] == (
        "✗ No GPU of its models, idle or in use, is within this limit: all are with a price above $0.10/h."
    )


def test_an_offer_without_a_number_of_idle_gpus_is_not_counted_as_none() -> None:
    assert stock(Found(0, unknown=1)) == [
        "Whether an idle GPU fits its limits is unknown: 1 offer without a number of idle GPUs."
    ]
    assert stock(Found(None, unknown=2))[0].startswith("Whether an idle GPU fits its limits is unknown: 2 offers")
    assert stock(Found(3, unknown=1)) == [
        "3 idle GPUs fit its limits now, as far as is known; an instance needs 4 on one host.",
        "  1 more offer within them without a number of idle GPUs",
    ]
    relaxed = Relaxed("in Singapore-A", Found(2, unknown=1))
    assert stock(Found(0), ROW, relaxed)[1] == "  2 or more would fit in Singapore-A"


def test_no_gpu_is_said_to_fit_only_where_all_of_the_stock_was_read() -> None:
    lines = list(map(plain_text, stock_lines(ROW, Explanation(REF, Found(0), unread=("sgp1: busy",)))))
    assert lines == [
        "No idle GPU that fits its limits is known: the stock was not read in full.",
        "  not asked in full: sgp1: busy",
    ]


def test_blocked_hosts_the_image_and_money_are_named_and_what_is_unknown_is_said() -> None:
    blocks = (*(block(f"host{number}", 60) for number in range(6)), block("over", -1))
    assert "You block 6 hosts there: host0 until" in others(blocks=blocks)
    assert "and 2 more" in others(blocks=blocks)
    assert "over" not in others(blocks=blocks)
    assert "You block no host there." in others()
    assert "Blocked hosts are not known" in others(blocks=None)
    image = Image(Ref("hub", "image", "image-1"), "vllm", size=28 << 30)
    assert "Image vllm: 28.0G" in others(image=image)
    assert "Image image-1: size unknown." in others()
    empty = Balance(Ref("hub", "balance", "hub"), Money(Decimal(0), "USD"))
    assert "✗ The balance is $0.00" in others(balance=empty)
    assert "It is stopped: nothing starts." in others(replace(ROW, phase=Phase.STOPPED))
