"""The totals in headings, which catch up with changes: the same as those that are made of all rows."""

from __future__ import annotations

from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from gputui.models import Deployment, GpuDevice, GpuProcess, GpuSample, Instance, Machine, Money, Phase, Ref, Row
from gputui.presentation.columns.column import Cell, plain_text, spans_of
from gputui.presentation.columns.context import Context
from gputui.presentation.groups.instances import instance_groupings
from gputui.widgets.table.model import TableModel
from tests.presentation.groups.test_groupings import AT

PARENT = Ref("hub", "deployment", "serve")
REFS = [Ref("hub", "container", str(number)) for number in range(12)]
PRICES = st.builds(
    Money,
    st.sampled_from([Decimal(0), Decimal("0.61"), Decimal("1.80")]),
    st.sampled_from(["USD", "CNY"]),
    st.booleans(),
)


class World(Context):
    """Some GPUs whose readings change, processes, and a deployment with a price."""

    def __init__(self) -> None:
        super().__init__()
        self.loads: dict[int, float | None] = {}
        self.used: dict[Ref, int | None] = {}
        self.running = 2

    def get(self, ref: Ref) -> Row | None:
        price = Money(Decimal(4), "USD")
        return Deployment(ref, "serve", "ENDPOINT", Phase.RUNNING, "running", running=self.running, price=price)

    def gpus(self, instance: Instance) -> list[GpuDevice]:
        return [
            GpuDevice(
                Ref("hub", "gpu", str(index)),
                "h07",
                index,
                sample=GpuSample(AT, self.loads.get(index), 2**30 * index),
            )
            for index in instance.gpu_indices or ()
        ]

    def processes(self, instance: Instance) -> list[GpuProcess]:
        if instance.ref not in self.used:
            return []
        return [GpuProcess(Ref("hub", "process", "1"), "h07", 1, 1, "train", gpu_memory_used=self.used[instance.ref])]


@st.composite
def instances(draw: st.DrawFn) -> Instance:
    indices = draw(st.one_of(st.none(), st.lists(st.integers(0, 3), max_size=3, unique=True).map(tuple)))
    return Instance(
        draw(st.sampled_from(REFS)),
        "one",
        draw(st.sampled_from(Phase)),
        "",
        parent=draw(st.sampled_from([None, PARENT, *REFS[:3]])),
        gpu_count=draw(st.one_of(st.none(), st.integers(0, 4))),
        gpu_indices=indices,
        gpu_all=draw(st.booleans()),
        host=draw(st.sampled_from([None, "h07", "h08"])),
        region=draw(st.sampled_from([None, "sgp1", "lon1"])),
        machine=draw(st.sampled_from([None, None, Machine(True)])),
        price=draw(st.one_of(st.none(), PRICES)),
    )


def fail(error: Exception) -> None:
    raise error


def shown(cell: Cell) -> tuple[str, set[str]]:
    return plain_text(cell), {style for text, style in spans_of(cell) if text}


@settings(max_examples=50, deadline=None)
@given(
    st.sampled_from(["account", "deployment", "host", "region"]),
    st.lists(instances(), max_size=40),
    st.lists(
        st.tuples(st.lists(instances(), max_size=3), st.sets(st.sampled_from(REFS), max_size=2), st.booleans()),
        max_size=6,
    ),
    st.data(),
)
def test_totals_after_any_changes_are_those_of_all_rows(
    by: str,
    first: list[Instance],
    changes: list[tuple[list[Instance], set[Ref], bool]],
    data: st.DataObject,
) -> None:
    world = World()
    grouping = next(each for each in instance_groupings(world) if each.key == by)
    model: TableModel[Instance] = TableModel(fail)
    # So many others that a change of a few is one.
    others = [Instance(Ref("lab", "container", str(number)), "other", Phase.RUNNING, "") for number in range(100)]
    model.replace([*others, *first])
    model.set_sort(lambda row: row.region)
    model.group_by(grouping)
    for rows, gone, looks in [([], set[Ref](), True), *changes, ([], set[Ref](), True)]:
        # Readings of GPUs and processes change, and the rows with them are made again, as the view does.
        index = data.draw(st.integers(0, 3))
        world.loads[index] = data.draw(st.one_of(st.none(), st.just(50.0)))
        world.used[data.draw(st.sampled_from(REFS))] = data.draw(st.one_of(st.none(), st.just(2**30)))
        world.running = data.draw(st.integers(0, 4))
        again = [row for row in model.rows.values() if row.ref in REFS]
        model.change([], [*again, *rows], gone)
        if data.draw(st.booleans()):
            model.set_sort(lambda row: row.region, descending=data.draw(st.booleans()))
        groups = model.groups
        assert groups is not None
        for key in groups.keys if looks else ():
            of_group = [model.rows[ref] for ref in groups.refs(key)]
            for name, total in grouping.totals.items():
                assert shown(groups.total(key, total)) == shown(total.over(of_group)), (key, name)
