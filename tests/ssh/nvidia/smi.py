"""Recorded answers of nvidia-smi, of several driver generations and failures, and a program that replays them."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from gputui.models import Instance, Phase, Ref

RECORDED = Path(__file__).parent / "recorded"
AT = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
TRAIN = Instance(Ref("hub", "container", "53a-f9-1"), "train-1", Phase.RUNNING, "running")
_BUSYBOX = (
    "ps: unrecognized option: p\nBusyBox v1.36.1 (2024-06-10 07:11:47 UTC) multi-call binary.\n\nUsage: ps [-o]\n"
)


@dataclass(frozen=True)
class Machine:
    """One machine's nvidia-smi, with ``status``: ``recorded/NAME.gpus.txt`` and ``.apps.txt``.

    ``unknown`` are fields it does not know: it then says so and nothing else. ``ps`` is ``ps``, ``busybox`` or
    ``none``; ``processes`` have age in seconds, resident KiB and command. ``first`` are lines of shell before all
    else in its program; ``makers`` are programs of other makers' accelerators.
    """

    name: str
    status: int = 0
    unknown: tuple[str, ...] = ()
    ps: str = "ps"
    processes: dict[int, tuple[int, int, str]] = field(default_factory=dict)
    apps_status: int | None = None
    first: str = ""
    makers: tuple[str, ...] = ()

    def recorded(self, kind: str) -> str:
        """Return a recorded output; '' where there is none."""
        path = RECORDED / f"{self.name}.{kind}.txt"
        return path.read_text() if path.exists() else ""

    def install(self, place: Path) -> None:
        """Put ``nvidia-smi`` and ``ps`` into a directory; each call of them adds a line to ``calls`` there."""
        place.mkdir(exist_ok=True)
        (place / "calls").touch()
        for kind in ("gpus", "apps", "listed", "xml"):
            (place / kind).write_text(self.recorded(kind))
        refusals = "".join(
            f'case "$1" in *{name}*) echo \'Field "{name}" is not a valid field to query.\'; echo; exit 2;; esac\n'
            for name in self.unknown
        )
        here = shlex.quote(str(place))
        apps_status = self.status if self.apps_status is None else self.apps_status
        _program(
            place / "nvidia-smi",
            f"cd {here}; echo nvidia-smi $* >> calls\n{self.first}\n{refusals}case $1 in\n"
            f"--query-gpu=*) cat gpus; exit {self.status};;\n"
            f"--query-compute-apps=*) cat apps; exit {apps_status};;\n"
            "-L) cat listed;;\n-q) cat xml;;\n*) exit 99;;\nesac\n",
        )
        for maker in self.makers:
            _program(place / maker, "exit 0\n")
        _program(place / "ps", f"cd {here}; echo ps >> calls\n{self._ps()}")

    def _ps(self) -> str:
        if self.ps == "busybox":
            return f"printf %s {shlex.quote(_BUSYBOX)} >&2; exit 1\n"
        if self.ps == "none":
            return "exit 127\n"
        lines = "".join(
            f"case ,$last, in *,{pid},*) found=0; echo {shlex.quote(f'{pid:>7} {age:>7} {kib:>5} {args}')};; esac\n"
            for pid, (age, kib, args) in self.processes.items()
        )
        return f"found=1\nfor last; do :; done\n{lines}exit $found\n"


def _program(path: Path, text: str) -> None:
    path.write_text(f"#!/bin/sh\n{text}")
    path.chmod(0o755)


_MIG_MODE = "mig.mode.current"

# Driver 418.87: it does not know MIG yet. Driver 390 calls the memory of a process otherwise.
V100_418 = Machine(
    "v100-418",
    unknown=(_MIG_MODE,),
    processes={28114: (93784, 4120332, "python train.py --config configs/base.yaml")},
)
K80_390 = Machine("k80-390", unknown=(_MIG_MODE, "used_gpu_memory"))
RTX_470 = Machine(
    "rtx-470",
    processes={
        5120: (812, 3670016, "python3.9 -m vllm.entrypoints.api_server"),
        5188: (3, 102400, "python3.9 -c x"),
    },
)
LAPTOP_525 = Machine("laptop-525")
HOPPER_550 = Machine(
    "hopper-550",
    processes={4000 + index: (7200, 2**20, f"/usr/bin/python3 torchrun --local-rank {index}") for index in range(7)},
)
A100_MIG = Machine(
    "a100-mig",
    processes={3007: (61, 2048, "python serve.py"), 3011: (3600, 4096, "tritonserver --model-repository=/m")},
)
BLACKWELL_570 = Machine("blackwell-570", ps="none")
IN_CONTAINER = Machine("in-container")
"""It may not see the host's process ids: nothing is reported of what works there."""
WSL = Machine("wsl")
BROKEN = Machine("broken", status=255)
OLD_CARD = Machine("old-card")
CORRUPT_ROM = Machine("corrupt-rom", status=14)

NO_DEVICES = Machine("no-devices", status=6)
NO_DRIVER = Machine("no-driver", status=9)
MISMATCH = Machine("mismatch", status=18)
NO_CGROUP = Machine("no-cgroup", status=255)
NO_RIGHTS = Machine("no-rights", status=4)
NO_LIBRARY = Machine("no-library", status=12)
LOST = Machine("lost", status=15)
NO_LINE_END = Machine("no-line-end", first="printf 'no nvidia gpu here'; exit 3")
BUSY_UNSEEN = Machine("busy-unseen")
ONE_OF_EIGHT_LOST = Machine("one-of-eight-lost", status=15, apps_status=0)
NO_FIGURES = Machine("no-figures")
NOT_PERMITTED = Machine("not-permitted")
SPARK_580 = Machine(
    "spark-580", processes={3100: (90, 2048, "/usr/lib/xorg/Xorg :0"), 3110: (91, 4096, "python3 train.py")}
)
"""Its GPU works in the memory of the machine."""
H100_MIG_SHARED = Machine("h100-mig-shared")
"""Two compute instances in one GPU instance, with one process on both."""
SILENT = Machine("silent", status=3)
STRANGE = Machine("strange", status=137)
