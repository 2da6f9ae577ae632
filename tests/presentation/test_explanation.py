"""Why a deployment does not start, in words."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from gputui.models import Action, Balance, Block, Deployment, Event, Image, Instance, Money, Phase, Ref
from gputui.models.explanations import Explanation, Found, Reasons, Relaxed
from gputui.presentation.columns.column import plain_text
from gputui.presentation.explanation import heading, plain, reason_lines, stock_lines

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
    given: dict[str, object] = {"stock": Explanation(REF, Found(0)), "blocks": ()} | known
    reasons = Reasons(row, **given)  # type: ignore[arg-type]  # known
    return "\n".join(plain_text(cell) for _, cell in reason_lines(reasons, NOW, utc=True))


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
        "✗ No GPU of its models, idle or in use, is within this limit: all are on hosts with a price above $0.10/h."
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
    assert "You have not blocked any host there." in others()
    assert "Blocked hosts are not known" in others(blocks=None)
    image = Image(Ref("hub", "image", "image-1"), "vllm", size=28 << 30)
    assert "Image vllm: 28.0G" in others(image=image)
    assert "Image image-1: size unknown." in others()
    empty = Balance(Ref("hub", "balance", "hub"), Money(Decimal(0), "USD"))
    assert "✗ The balance is $0.00" in others(balance=empty)
    assert "block" not in others(blocks=None, blocks_hosts=False), "an account that has no such list"


def test_the_heading_says_where_nothing_is_missing() -> None:
    assert heading(replace(ROW, running=4, starting=0)) == "train lacks no instance: 4 of 4 running"
    assert heading(replace(ROW, phase=Phase.STOPPED)) == "train is stopped: nothing starts"
    assert heading(replace(ROW, desired=0, running=0, starting=0)) == "train is scaled to 0: nothing starts"
    assert heading(replace(ROW, running=None)).startswith("Why train has ? of 4 running"), "one starts"
    unclear = replace(ROW, running=None, starting=None)
    assert heading(unclear) == "train lacks no instance, as far as is known: ? of 4 running"
    assert heading(replace(ROW, phase=Phase.FAILED, running=0, starting=0)) == "Why train has 0 of 4 running"


def test_all_that_is_known_of_a_failed_endpoint_is_shown_where_its_stock_cannot_be_asked() -> None:
    failed = replace(ROW, phase=Phase.FAILED, status="FAILED", running=0, starting=None, gpu_count=None)
    worker = Ref("hub", "worker", "w1")
    reasons = Reasons(
        failed,
        Explanation(REF, None, note="The API of hub does not compare the limits of a deployment with the stock."),
        blocks_hosts=False,
        instances=(Instance(worker, "w1", Phase.FAILED, "FAILED"),),
        events=(Event(worker, worker, "w1", NOW, "FAILED", Phase.FAILED, "CREATING"),),
    )
    assert [(label, plain_text(cell)) for label, cell in reason_lines(reasons, NOW, utc=True)] == [
        ("", "✗ The state is failed: the API reports no reason for it."),
        ("", "Not running: w1 failed."),
        ("", "Look for the reason in its events."),
        ("", "The API of hub does not compare the limits of a deployment with the stock."),
        ("", "Image image-1: size unknown."),
        ("events", "2026-11-29 12:00:00  w1  failed from creating"),
    ]
    assert [line for _, line in reason_lines(reasons, NOW, events=False)][-1][0] == "Image image-1: size unknown."
    data = plain(reasons, NOW)
    assert (data["found"], data["limits"], data["heading"]) == (None, "", "Why train has 0 of 4 running")


def test_a_failed_deployment_has_a_next_step_as_far_as_its_account_allows_one() -> None:
    failed = replace(ROW, phase=Phase.FAILED, status="FAILED")
    worker = Ref("hub", "worker", "w1")
    event = Event(worker, worker, "w1", NOW, "FAILED", Phase.FAILED, "CREATING")
    ways = frozenset({Action.DELETE, Action.START, Action.STOP, Action.RENAME})

    def step(**known: object) -> str:
        return others(failed, **known).splitlines()[2]

    assert step(actions=ways, logged=True, events=(event,)) == (
        "Look for the reason in the log of an instance and its events; then start, stop or delete it."
    )
    assert step(actions=ways) == (
        "Start it, and look for the reason in the log of an instance; or stop or delete it."
    )
    assert step(actions=frozenset({Action.DELETE})) == "Delete it."
    assert step() == "It cannot be changed here: the vendor's console may say more."
    assert "then start" not in others(replace(failed, phase=Phase.RUNNING), actions=ways, logged=True)


def test_a_stock_that_cannot_be_asked_has_the_reason_once() -> None:
    lines = others(stock=Explanation(REF, None, unread=("hub: no answer.",))).splitlines()
    assert lines.count("The stock could not be asked: hub: no answer.") == 1
    assert not [line for line in lines if "idle GPU" in line]
