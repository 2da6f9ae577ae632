"""The machines of a simulated cloud: candidates for a container, and the stock."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .entities import ANYTHING, Machine, Span, Template


@dataclass(frozen=True)
class StockFilter:
    """Which machines a question about stock is about. ``memory`` in bytes, ``price`` per GPU."""

    cuda: Span = ANYTHING
    cpus: Span = ANYTHING
    memory: Span = ANYTHING
    price: Span = ANYTHING
    models: frozenset[str] = frozenset()

    def admits(self, machine: Machine) -> bool:
        """Whether a container of some size on the machine would fit the filter."""
        if (self.models and machine.model.name not in self.models) or machine.cuda not in self.cuda:
            return False
        return machine.price in self.price and any(
            machine.cpus * count in self.cpus and machine.memory * count in self.memory
            for count in range(1, machine.gpus + 1)
        )


class Market:
    """All machines of a cloud, found by region and GPU model."""

    def __init__(self) -> None:
        self.machines: dict[str, Machine] = {}
        self.flickers = False
        """Idle GPUs appear and disappear by a plan: the use by other customers does not drift."""
        self._places: dict[str, dict[str, list[Machine]]] = {}

    def cells(self) -> dict[str, list[Machine]]:
        """The machines of each GPU model in each region, by a name for both."""
        return {
            f"{region} {model}": machines
            for region, models in self._places.items()
            for model, machines in models.items()
        }

    def add(self, machine: Machine) -> None:
        """A machine to rent from."""
        self.machines[machine.id] = machine
        self._places.setdefault(machine.region, {}).setdefault(machine.model.name, []).append(machine)

    def remove(self, machine: Machine) -> None:
        """Take a machine nothing runs on off the market."""
        del self.machines[machine.id]
        models = self._places[machine.region]
        models[machine.model.name].remove(machine)
        if not models[machine.model.name]:
            del models[machine.model.name]

    def candidates(self, template: Template, blocked: set[str]) -> list[Machine]:
        """Machines that suit the template, are not blocked and have enough idle GPUs."""
        return [
            machine
            for region in dict.fromkeys(template.regions)
            for name in dict.fromkeys(template.models)
            for machine in self._places.get(region, {}).get(name, ())
            if machine.idle >= template.gpu_num and machine.id not in blocked and machine.suits(template)
        ]

    def stock(self, region: str, wanted: StockFilter) -> dict[str, tuple[int, int]]:
        """Idle and total GPUs of each model in a region, as far as a filter admits their machines."""
        stock: dict[str, tuple[int, int]] = {}
        for name, machines in self._places.get(region, {}).items():
            admitted = [machine for machine in machines if wanted.admits(machine)]
            if admitted:
                stock[name] = (sum(one.idle for one in admitted), sum(one.gpus for one in admitted))
        return stock


def set_idle(machines: Iterable[Machine], count: int) -> None:
    """Leave so many GPUs of some machines idle, on as few of them as possible; other customers have the rest."""
    for machine in machines:
        free = machine.gpus - len(machine.ours)
        given = min(free, count)
        machine.others = free - given
        count -= given


def set_price(machines: Iterable[Machine], multiple: float) -> None:
    """Set the price of machines to a multiple of that of their GPU model, for containers from now on."""
    for machine in machines:
        machine.price = round(machine.model.price * multiple / 10) * 10
