"""Everything known about a thing, as lines of label and value. Pure: models in, lines out."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from gputui.models import (
    AccountInfo,
    Event,
    ExecResult,
    GpuDevice,
    GpuProcess,
    Health,
    Image,
    Instance,
    Offer,
    Row,
)
from gputui.text import format_bytes, format_duration, format_money, format_time
from gputui.widgets.glyphs import HEALTH_STYLES, PHASE_GLYPHS, PHASE_STYLES
from gputui.wording import gpu_text, ports_text, quota_text

if TYPE_CHECKING:
    from gputui.history import AuditEntry

LABEL_WIDTH = 21


def line(label: str, value: str | Content, style: str = "") -> Content:
    """Return one line: the label right-aligned and quiet, the value behind it."""
    shown = value if isinstance(value, Content) else Content.styled(value, style) if style else Content(value)
    return Content.assemble((f"{label:>{LABEL_WIDTH}}  ", "$muted"), shown)


def _lines(pairs: Iterable[tuple[str, str | Content]]) -> list[Content]:
    return [line(label, value) for label, value in pairs if (value.plain if isinstance(value, Content) else value)]


def describe(row: Row, *, processes: Sequence[GpuProcess] = (), utc: bool = False) -> list[Content]:
    """Describe a row of any kind."""
    if isinstance(row, Instance):
        return describe_instance(row, processes, utc=utc)
    if isinstance(row, GpuProcess):
        return _lines(
            [
                ("host", row.host),
                ("gpu", str(row.gpu_index)),
                ("pid", str(row.pid)),
                ("instance", row.instance_name or "a process of the host itself"),
                ("uptime", format_duration(row.uptime)),
                ("memory", format_bytes(row.memory_used)),
                ("gpu memory", format_bytes(row.gpu_memory_used)),
                ("command", row.command),
            ]
        )
    if isinstance(row, GpuDevice):
        return _lines(
            [
                ("host", row.host),
                ("gpu", str(row.index)),
                ("model", row.model or "not told by this back end"),
                ("memory", format_bytes(row.memory_total)),
                ("held", format_bytes(row.memory_used)),
                ("processes", "" if row.process_count is None else str(row.process_count)),
                ("instances", ", ".join(row.instances)),
            ]
        )
    if isinstance(row, Image):
        return _lines(
            [
                ("name", row.name),
                ("account", row.ref.account),
                ("tag", row.tag or ""),
                ("digest", row.digest or ""),
                ("size", format_bytes(row.size)),
                ("created", format_time(row.created_at, utc=utc) if row.created_at else ""),
                ("about", row.description),
                ("yours", "yes: you can delete it" if row.own else "no: the server's"),
            ]
        )
    if isinstance(row, Offer):
        return _lines(
            [
                ("gpu", row.gpu_model),
                ("account", row.ref.account),
                ("region", row.region),
                ("idle", "" if row.idle is None else f"{row.idle} of {row.total}"),
                ("memory", format_bytes(row.gpu_memory)),
                ("price", format_money(row.price_from)),
            ]
        )
    if isinstance(row, Event):
        return _lines(
            [
                ("at", format_time(row.at, utc=utc)),
                ("instance", f"{row.name}  ({row.instance})"),
                ("from", row.before or "nothing"),
                ("to", row.status),
                ("after", format_duration(row.after_seconds)),
                ("source", str(row.source)),
            ]
        )
    return [line("ref", str(row.ref))]


def describe_instance(row: Instance, processes: Sequence[GpuProcess] = (), *, utc: bool = False) -> list[Content]:
    """Describe an instance: state, shape, how to reach it, what it runs on the GPUs."""
    raw = "" if row.status.lower() == row.phase else f"  ({row.status})"
    state = Content.assemble((f"{PHASE_GLYPHS[row.phase]} {row.phase}", PHASE_STYLES[row.phase]), raw)
    ssh = f"ssh -p {row.ssh.port} {row.ssh.user}@{row.ssh.host}" if row.ssh else "no port 22 is mapped"
    lines = _lines(
        [
            ("name", Content.styled(row.name, "bold")),
            ("ref", str(row.ref)),
            ("state", state),
            ("problem", Content.styled(row.problem, "$text-error") if row.problem else ""),
            ("image", row.image or ""),
            ("gpus", gpu_text(row)),
            ("memory limit", format_bytes(row.memory_limit) or "none"),
            ("shared memory", format_bytes(row.shm_size)),
            ("cpus", "" if row.cpu_count is None else str(row.cpu_count)),
            ("host", row.host or ""),
            ("region", row.region or ""),
            ("ports", ports_text(row)),
            ("networks", ", ".join(row.networks)),
            ("container", row.container_id or ""),
            ("ssh", ssh),
            ("price", format_money(row.price)),
            ("created", format_time(row.created_at, utc=utc) if row.created_at else ""),
            ("started", format_time(row.started_at, utc=utc) if row.started_at else ""),
            ("stopped", format_time(row.stopped_at, utc=utc) if row.stopped_at else ""),
        ]
    )
    if processes:
        lines += [Content(""), Content.styled("On the GPUs", "bold $text-accent")]
        lines += [
            Content(
                f"  GPU {process.gpu_index}  {process.pid:>8}  {format_bytes(process.gpu_memory_used):>7}"
                f"  {format_duration(process.uptime):>9}  {process.command}"
            )
            for process in processes
        ]
    return lines


def describe_account(info: AccountInfo, health: Health) -> list[Content]:
    """Describe an account: who one is there, quota with its use, other users, the host."""
    lines = _lines(
        [
            ("server", f"{info.backend} {info.version}".strip()),
            ("address", info.base_url),
            ("user", info.user + (" (administrator)" if info.is_admin else "")),
            ("state", Content.styled(f"{health.state} {health.message}".strip(), HEALTH_STYLES[health.state])),
        ]
    )
    if info.quota:
        lines += [Content(""), Content.styled("Quota", "bold $text-accent")]
        lines += [line(quota.name, quota_text(quota)) for quota in info.quota]
    if info.host_spec:
        lines += [Content(""), Content.styled("Host", "bold $text-accent")]
        lines += [line(name, value) for name, value in info.host_spec]
    if info.usage:
        lines += [Content(""), Content.styled("Use", "bold $text-accent")]
        lines += [line(name, value) for name, value in info.usage]
    if info.users:
        lines += [Content(""), Content.styled("Users", "bold $text-accent")]
        lines += [Content(f"  {user}{'  (you)' if user == info.user else ''}") for user in info.users]
    lines += [line("not told", Content.styled(problem, "$text-warning")) for problem in info.problems]
    return lines


def describe_json(raw: str) -> list[Content]:
    """Lay out a back end's JSON; what is not JSON stays as it is."""
    try:
        text = json.dumps(json.loads(raw), indent=2, ensure_ascii=False)
    except ValueError:
        text = raw
    return [Content(part) for part in text.splitlines()]


def describe_exec(name: str, command: str, result: ExecResult) -> list[Content]:
    """Lay out the end of a command: how it ended first, then what it wrote."""
    if result.timed_out:
        end = Content.styled("ended by the time limit", "$text-warning")
    else:
        style = "$text-success" if result.exit_code == 0 else "$text-error"
        end = Content.styled(f"exit code {result.exit_code}", style)
    return [
        Content.assemble((name, "bold"), "  $ ", command),
        end,
        Content(""),
        *(Content(part) for part in result.output.splitlines()),
    ]


def describe_audit(entries: Sequence[AuditEntry], *, utc: bool = False) -> list[Content]:
    """Lay out the audit log, a line an entry."""
    if not entries:
        return [Content("Nothing has been changed from here yet.")]
    styles = {"done": "$text-success", "failed": "$text-error", "unknown": "$text-warning"}
    return [
        Content.assemble(
            (f"{format_time(entry.at, utc=utc):<20}", "$muted"),
            f"{entry.user:<10} ",
            (f"{entry.action:<8} ", "bold"),
            f"{entry.ref:<32} ",
            (f"{entry.outcome:<9}", styles.get(entry.outcome, "$text-warning")),
            f" {entry.summary}",
            (f"  {entry.detail}" if entry.detail else "", "$muted"),
        )
        for entry in entries
    ]
