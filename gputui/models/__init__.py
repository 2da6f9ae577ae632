"""The domain: frozen objects in the field's own words, shared by every back end, screen and command.

Times are aware datetimes in UTC, sizes are bytes, durations are seconds. ``None`` means the back end does not
say. Every text from a back end has been through :func:`gputui.text.clean` before it becomes part of a model.
Standard library only: the first frame is drawn from these.
"""

from __future__ import annotations

from gputui.models.accounts import AccountInfo, Image, QuotaLine
from gputui.models.deployments import LONGEST_BLOCK, Balance, Block, Deployment, Package
from gputui.models.feeds import Change, Coverage, FeedState, Health, HealthState, Missing, PartialRows, Pending, Row
from gputui.models.forms import (
    REQUIRED,
    ActionResult,
    ExecResult,
    FieldKind,
    Form,
    FormField,
    PreparedRequest,
    RemoteOutput,
    Role,
)
from gputui.models.gpu_names import gpu_label, gpu_matches, gpu_memory
from gputui.models.gpus import GpuDevice, GpuProcess, GpuReading, GpuSample, HostInfo, Offer
from gputui.models.instances import (
    Event,
    EventSource,
    Instance,
    Machine,
    PortMapping,
    Service,
    SSHLogin,
    SSHTarget,
    Usage,
    parse_host,
)
from gputui.models.limits import Kind, Never
from gputui.models.logs import (
    API_LOG,
    LogFile,
    LogFiles,
    LogKind,
    LogLine,
    LogPage,
    LogPosition,
    LogQuery,
    LogSeverity,
    LogSource,
)
from gputui.models.resources import LIBRARY, NAMED, RESOURCES, Resource
from gputui.models.runs import MOVING, EndedBy, RunResult, RunRow, RunState, Way
from gputui.models.storage import RegistryCredential, Volume
from gputui.models.tasks import Task, TaskQueue
from gputui.models.transfers import FileRow, TransferRow
from gputui.models.values import Action, Money, Outcome, Phase, Ref, Secret
