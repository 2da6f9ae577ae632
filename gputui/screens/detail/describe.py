"""Everything known about a thing, as lines of label and value. Pure: models in, lines out."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

from textual.content import Content

from gputui.formatting import format_bytes, format_duration, format_minutes, format_money, format_time
from gputui.models import (
    Balance,
    Block,
    Deployment,
    Event,
    GpuDevice,
    GpuProcess,
    Image,
    Instance,
    Offer,
    Package,
    Phase,
    RegistryCredential,
    Row,
    Task,
    TaskQueue,
    Volume,
)
from gputui.presentation.actions import gpu_text, ports_text
from gputui.presentation.deployments import (
    Shape,
    counts_sentence,
    cuda_range,
    gpus_text,
    most_per_hour,
    price_range,
    range_text,
    shape,
)
from gputui.presentation.glyphs import PHASE_GLYPHS, PHASE_STYLES
from gputui.presentation.prices import figure_name, price_sentence
from gputui.presentation.storage import registry_text, size_text
from gputui.screens.detail.lines import grouped_lines, line, time_text, told_lines
from gputui.screens.detail.reports import describe_json
from gputui.screens.detail.task import facts, sections

_MOST_LINES = 500
"""Lines of JSON in a description; of more it is said how many there are."""


def _state(phase: Phase, status: str) -> Content:
    """Return the phase with its glyph, and the back end's own word where that is another."""
    raw = "" if status.lower() == phase else f"  ({status})"
    return Content.assemble((f"{PHASE_GLYPHS[phase]} {phase}", PHASE_STYLES[phase]), raw)


def describe(
    row: Row, *, processes: Sequence[GpuProcess] = (), utc: bool = False, billed: bool = False
) -> list[Content]:
    """Describe a row of any kind; ``billed``: its account's instances are, and their prices can be unknown."""
    if isinstance(row, Instance):
        return describe_instance(row, processes, utc=utc, billed=billed)
    if isinstance(row, GpuProcess):
        return told_lines(
            [
                ("host", row.host),
                ("gpu", "unknown" if row.gpu_index is None else str(row.gpu_index)),
                ("processes", "unknown" if row.processes is None else ""),
                ("problem", Content.styled(row.problem, "$text-error") if row.problem else ""),
                ("pid", "" if row.pid is None else str(row.pid)),
                ("instance", row.instance_name or ("" if row.pid is None else "a process of the host itself")),
                ("uptime", format_duration(row.uptime)),
                ("memory", format_bytes(row.memory_used)),
                ("gpu memory", format_bytes(row.gpu_memory_used)),
                ("command", row.command),
            ]
        )
    if isinstance(row, GpuDevice):
        return told_lines(
            [
                ("host", row.host),
                ("gpu", str(row.index)),
                ("model", row.model or "not reported by this back end"),
                ("part", row.mig),
                ("uuid", row.uuid),
                ("seen from", str(row.through) if row.through else ""),
                ("problem", Content.styled(row.problem, "$text-error") if row.problem else ""),
                *_reading(row, utc=utc),
                ("memory", format_bytes(row.memory_total)),
                ("held", format_bytes(row.memory_used)),
                ("memory from", "the machine's memory, shared with its processor" if row.memory_shared else ""),
                ("processes", "unknown" if row.process_count is None else str(row.process_count)),
                ("instances", ", ".join(row.instances)),
            ]
        )
    if isinstance(row, Image):
        return told_lines(
            [
                ("name", row.name),
                ("account", row.ref.account),
                ("tag", row.tag or ""),
                ("digest", row.digest or ""),
                ("size", format_bytes(row.size)),
                ("created", time_text(row.created_at, utc=utc)),
                ("about", row.description),
                ("yours", "" if row.own is None else "yes: you can delete it" if row.own else "no: the server's"),
            ]
        )
    if isinstance(row, Deployment):
        return describe_deployment(row, utc=utc)
    if isinstance(row, Balance):
        others = ((figure_name(name), figure) for name, figure in row.parts)
        return told_lines([("account", row.ref.account), ("available", format_money(row.available)), *others])
    if isinstance(row, Event):
        return told_lines(
            [
                ("at", format_time(row.at, utc=utc)),
                ("instance", f"{row.name}  ({row.instance})"),
                ("deployment", str(row.parent) if row.parent else ""),
                ("from", row.before or "nothing"),
                ("to", row.status),
                ("after", format_duration(row.after_seconds)),
                ("source", str(row.source)),
            ]
        )
    if (timed := _WITH_TIMES.get(type(row))) is not None:
        return timed(row, utc=utc)
    if (timeless := _WITHOUT_TIMES.get(type(row))) is not None:
        return timeless(row)
    return [line("ref", str(row.ref))]


def _reading(row: GpuDevice, *, utc: bool) -> list[tuple[str, str | Content]]:
    if (sample := row.sample) is None:
        return []
    figures = (
        ("utilisation", sample.utilization, "%"),
        ("power", sample.power, "W"),
        ("temperature", sample.temperature, "°C"),
        ("fan", sample.fan, "%"),
    )
    told: list[tuple[str, str | Content]] = [
        (name, "" if value is None else f"{value:.0f} {unit}") for name, value, unit in figures
    ]
    return [*told, ("read", time_text(sample.at, utc=utc))]


def describe_instance(
    row: Instance, processes: Sequence[GpuProcess] = (), *, utc: bool = False, billed: bool = False
) -> list[Content]:
    """Describe an instance: state, shape, how to reach it, what it runs on the GPUs."""
    if row.ssh is not None:
        whose = f"{row.ssh.user}@" if row.ssh.user else ""
        ssh = f"ssh -p {row.ssh.port} {whose}{row.ssh.host}" + ("" if whose else "   as the user it was made with")
    else:
        ssh = "no port 22 is mapped" if row.parent is None else "no address now"
    lines = told_lines(
        [
            ("name", Content.styled(row.name, "bold")),
            ("ref", str(row.ref)),
            ("state", _state(row.phase, row.status)),
            ("deployment", str(row.parent) if row.parent else ""),
            ("version", row.version),
            ("problem", Content.styled(row.problem, "$text-error") if row.problem else ""),
            ("image", row.image or ""),
            ("gpus", gpu_text(row)),
            ("gpu memory", format_bytes(row.gpu_memory)),
            ("memory limit", format_bytes(row.memory_limit) or "unknown"),
            ("shared memory", format_bytes(row.shm_size)),
            ("disk", format_bytes(row.disk_size)),
            ("cpus", "" if row.cpu_count is None else str(row.cpu_count)),
            ("spot", "" if row.spot is None else "yes: it may be taken away at any time" if row.spot else "no"),
            ("host", row.host or ""),
            ("region", row.region or ""),
            ("ports", ports_text(row)),
            ("networks", ", ".join(row.networks)),
            ("container", row.container_id or ""),
            ("ssh", ssh),
            *((f"port {service.port}", service.url) for service in row.services),
            ("price", price_sentence(row, billed=billed)),
            ("created", time_text(row.created_at, utc=utc)),
            ("started", time_text(row.started_at, utc=utc)),
            ("stopped", time_text(row.stopped_at, utc=utc)),
            ("changed", time_text(row.updated_at, utc=utc)),
        ]
    )
    if processes:
        lines += [Content(""), Content.styled("On the GPUs", "bold $text-accent")]
        lines += [_process_line(process) for process in processes]
    return lines


def _process_line(process: GpuProcess) -> Content:
    gpu = "?" if process.gpu_index is None else process.gpu_index
    if process.processes is None:
        return Content.assemble(
            f"  GPU {gpu}  ", ("processes unknown", "$text-warning"), f": {process.problem or ''}"
        )
    return Content(
        f"  GPU {gpu}  {process.pid or '?':>8}  {format_bytes(process.gpu_memory_used) or '?':>7}"
        f"  {format_duration(process.uptime):>9}  {process.command}"
    )


def describe_deployment(row: Deployment, *, utc: bool = False) -> list[Content]:
    """Describe a deployment: how far it is, what it costs, and the whole template of its instances."""
    most = most_per_hour(row)
    counts = {"wanted": row.desired, "at a time": row.parallelism if shape(row) is Shape.JOB else None}
    counts |= {"starting": row.starting, "running": row.running, "finished": row.finished}
    reuse = "" if row.reuse is None else "yes" if row.reuse else "no"
    return grouped_lines(
        [
            (
                "",
                [
                    ("name", Content.styled(row.name, "bold")),
                    ("ref", str(row.ref)),
                    ("type", row.type),
                    ("state", _state(row.phase, row.status)),
                    ("owner", row.owner),
                    ("webhook", row.webhook),
                    *((f"port {service.port}", service.url) for service in row.services),
                    ("problem", Content.styled(row.problem, "$text-error") if row.problem else ""),
                ],
            ),
            (
                "Instances",
                [
                    ("now", counts_sentence(row)),
                    *((label, "" if count is None else str(count)) for label, count in counts.items()),
                ],
            ),
            (
                "Price",
                [
                    ("each", f"{each} an hour" if (each := price_range(row.price_from, row.price_to)) else ""),
                    ("estimate", f"{format_money(row.price_estimate)} an hour" if row.price_estimate else ""),
                    ("now", price_sentence(row, billed=False)),
                    ("at most", f"{format_money(most)} an hour" if most else ""),
                ],
            ),
            (
                "Template",
                [
                    ("gpus", gpus_text(row)),
                    ("regions", ", ".join(row.regions)),
                    ("cuda", cuda_range(row)),
                    ("cpus", range_text(*("" if n is None else str(n) for n in (row.cpu_from, row.cpu_to)))),
                    ("memory", range_text(format_bytes(row.memory_from), format_bytes(row.memory_to))),
                    ("image", row.image or ""),
                    *((f"port {port}", protocol) for port, protocol in row.ports),
                    ("reuse stopped ones", f"{reuse}, {row.reuse_scope}" if reuse and row.reuse_scope else reuse),
                ],
            ),
            ("Command", [("", part) for part in row.command.splitlines()]),
            ("Command before the end", [("", part) for part in row.shutdown_command.splitlines()]),
            (
                "Times",
                [
                    ("created", time_text(row.created_at, utc=utc)),
                    ("changed", time_text(row.updated_at, utc=utc)),
                    ("stopped", time_text(row.stopped_at, utc=utc)),
                ],
            ),
        ]
    )


def _offer(row: Offer) -> list[Content]:
    idle = "" if row.idle is None else str(row.idle) if row.total is None else f"{row.idle} of {row.total}"
    if row.idle is None and row.available is not None:
        idle = "some" if row.available else "none"
    return told_lines(
        [
            ("gpu", row.gpu_model),
            ("vendor's name", row.vendor_name if row.vendor_name != row.gpu_model else ""),
            ("account", row.ref.account),
            ("region", f"{row.region} ({row.region_name})" if row.region_name else row.region),
            ("idle", idle),
            ("note", "counts single GPUs, possibly on different machines" if (row.idle or 0) > 1 else ""),
            ("memory", format_bytes(row.gpu_memory)),
            ("price", f"{price} an hour" if (price := price_range(row.price_from, row.price_to)) else ""),
            ("problem", Content.styled(row.problem, "$text-error") if row.problem else ""),
        ]
    )


def _block(row: Block, *, utc: bool) -> list[Content]:
    left = ""
    if row.until is not None:
        minutes = int((row.until - datetime.now(UTC)).total_seconds()) // 60
        left = f"{format_minutes(minutes)} left" if minutes > 0 else "over"
    extended = row.updated_at if row.created_at and row.updated_at and row.updated_at > row.created_at else None
    return told_lines(
        [
            ("host", Content.styled(row.host, "bold")),
            ("account", row.ref.account),
            ("region", row.region),
            ("until", f"{time_text(row.until, utc=utc)}   {left}" if row.until else "not reported"),
            ("why", row.comment),
            ("since", time_text(row.created_at, utc=utc)),
            ("extended", time_text(extended, utc=utc)),
        ]
    )


def _volume(row: Volume, *, utc: bool) -> list[Content]:
    mounts = "nothing" if row.mounts == 0 else f"{row.mounts} instance{'' if row.mounts == 1 else 's'}"
    bytes_ = "" if row.size is None else f"  ({row.size:,} bytes)"
    return told_lines(
        [
            ("name", Content.styled(row.name, "bold")),
            ("ref", str(row.ref)),
            ("state", _state(row.phase, row.status)),
            ("problem", Content.styled(row.problem, "$text-error") if row.problem else ""),
            ("storage", row.type),
            ("on", row.medium),
            ("size", f"{size_text(row)}{bytes_}"),
            ("region", row.region),
            ("mounted by", "" if row.mounts is None else mounts),
            ("price", price_sentence(row)),
            ("created", time_text(row.created_at, utc=utc)),
        ]
    )


def _credential(row: RegistryCredential, *, utc: bool) -> list[Content]:
    word = "" if registry_text(row) == row.type else f"  ({row.type})"
    return told_lines(
        [
            ("name", Content.styled(row.name, "bold")),
            ("ref", str(row.ref)),
            ("registry", f"{registry_text(row)}{word}" if row.type else ""),
            ("problem", Content.styled(row.problem, "$text-error") if row.problem else ""),
            ("user and password", Content.styled("never reported by the server", "$muted")),
            ("created", time_text(row.created_at, utc=utc)),
        ]
    )


def _task(row: Task, *, utc: bool) -> list[Content]:
    """Describe a task; what went in and came out as JSON, not folded."""
    named: list[tuple[str, str | Content]] = [("task", Content.styled(row.name, "bold")), ("ref", str(row.ref))]
    lines = told_lines(
        [*named, *((fact.label, Content.styled(fact.text, fact.style)) for fact in facts(row, utc=utc))]
    )
    for section in sections(row):
        if section.text:
            lines += [Content(""), Content.styled(section.name.capitalize(), "bold $text-accent")]
            parts = describe_json(section.text)
            lines += [Content(f"  {part.plain}") for part in parts[:_MOST_LINES]]
            if (left := len(parts) - _MOST_LINES) > 0:
                lines.append(Content.styled(f"  … {left:,} lines more: enter on the task folds them", "$muted"))
    return lines


def _queue(row: TaskQueue) -> list[Content]:
    return told_lines(
        [
            ("queue", Content.styled(row.name, "bold")),
            ("of", str(row.deployment)),
            ("processing", "" if row.processing is None else f"{row.processing:,}"),
            ("tasks", "" if row.total is None else f"{row.total:,}"),
            ("read of them", f"{row.read:,}"),
            ("problem", Content.styled(row.problem, "$text-error") if row.problem else ""),
        ]
    )


def _package(row: Package) -> list[Content]:
    def hours(seconds: int | None) -> str:
        return "" if seconds is None else f"{seconds / 3600:,.1f} GPU hours  ({seconds:,} s)"

    share = f"{row.balance / row.total:.0%}" if row.balance is not None and row.total else ""
    return told_lines(
        [
            ("gpu", Content.styled(row.gpu_model, "bold")),
            ("problem", Content.styled(row.problem, "$text-error") if row.problem else ""),
            ("vendor's name", row.vendor_name if row.vendor_name != row.gpu_model else ""),
            ("account", row.ref.account),
            ("regions", ", ".join(row.regions)),
            ("total", hours(row.total)),
            ("left", hours(row.balance)),
            ("left of all", share),
        ]
    )


_WITH_TIMES: Mapping[type, Callable[..., list[Content]]] = {
    Volume: _volume,
    RegistryCredential: _credential,
    Task: _task,
    Block: _block,
}
_WITHOUT_TIMES: Mapping[type, Callable[..., list[Content]]] = {
    TaskQueue: _queue,
    Offer: _offer,
    Package: _package,
}
