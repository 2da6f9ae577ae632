"""The fleet as metrics: what is known now. A figure that is not known, or no longer current, has no sample."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING

from gputui import __version__
from gputui.agent.exposition import Family
from gputui.analytics import cost
from gputui.analytics.spend import SpendReport
from gputui.models import (
    Balance,
    Deployment,
    FeedState,
    GpuDevice,
    HealthState,
    Instance,
    Offer,
    Phase,
    Ref,
    Resource,
    Row,
)
from gputui.models.periods import Period
from gputui.models.rules import RuleState, RuleStatus

if TYPE_CHECKING:
    from gputui.fleet import Fleet

METERED = (
    Resource.INSTANCES,
    Resource.DEPLOYMENTS,
    Resource.VOLUMES,
    Resource.BALANCES,
    Resource.GPUS,
    Resource.STOCK,
)
"""The lists that metrics are made from."""
_UP = {HealthState.UNKNOWN: None, HealthState.DOWN: 0.0}
_PERCENT = 100.0
_RULES = ("watch", "grab", "lease")


def families(
    fleet: Fleet,
    rules: Iterable[RuleStatus] | None = None,
    spending: Mapping[Period, SpendReport] | None = None,
) -> list[Family]:
    """Return the metrics of a fleet that polls, of rules, and of what was spent by account in some periods.

    ``rules`` and ``spending`` are None where they cannot be read. Only lists that are current have samples: of the
    others ``gputui_list_age_seconds`` says how old they are.
    """
    of_fleet = [*_about_lists(fleet), *_instances(fleet), *_gpus(fleet), *_money(fleet), *_stock(fleet)]
    return [*of_fleet, *_spending(spending or {}), *_rules(rules)]


def current(fleet: Fleet, resource: Resource) -> Iterator[tuple[str, Mapping[Ref, Row]]]:
    """Yield the accounts whose list was read and is still what the server has, with the rows."""
    for name in fleet.accounts:
        if fleet.supports(name, resource) and fleet.coverage(name, (resource,)).is_current:
            yield name, fleet.rows(resource, name)


def _about_lists(fleet: Fleet) -> list[Family]:
    info = Family("gputui_build_info", "The release of gputui.")
    info.add(1, version=__version__)
    up = Family("gputui_account_up", "1 where the account's server answers, 0 where it does not.")
    age = Family("gputui_list_age_seconds", "The time since a list was last read.")
    failing = Family("gputui_list_failing", "1 where the last request for a list failed, 0 where it was answered.")
    partial = Family(
        "gputui_list_incomplete",
        "1 where a current list lacks rows that its server has, or all but the names of some.",
    )
    now = fleet.now()
    for name, health in fleet.health().items():
        vendor = fleet.accounts[name].kind
        up.add(_UP.get(health.state, 1.0), account=name, vendor=vendor)
        for resource in METERED:
            if not fleet.supports(name, resource):
                continue
            feed = fleet.feed(name, resource)
            if feed.fetched_at is not None:
                age.add(max(0.0, (now - feed.fetched_at).total_seconds()), account=name, list=resource.value)
            if feed.state is not FeedState.LOADING:
                failing.add(float(feed.error is not None), account=name, list=resource.value)
            if feed.coverage.is_current:
                partial.add(float(not feed.coverage.is_complete), account=name, list=resource.value)
    return [info, up, age, failing, partial]


def _instances(fleet: Fleet) -> list[Family]:
    instances = Family("gputui_instances", "Instances by phase.")
    wanted = Family("gputui_deployment_desired_instances", "The instances that a deployment is to have.")
    running = Family("gputui_deployment_running_instances", "The instances of a deployment that run.")
    for name, rows in current(fleet, Resource.INSTANCES):
        found = Counter(row.phase for row in rows.values() if isinstance(row, Instance))
        for phase in Phase:
            instances.add(found[phase], account=name, phase=phase.value)
    for name, rows in current(fleet, Resource.DEPLOYMENTS):
        for row in rows.values():
            if isinstance(row, Deployment) and row.phase is not Phase.STOPPED:
                labels = {"account": name, "deployment": row.ref.id, "name": row.name}
                wanted.add(row.desired, **labels)
                running.add(row.running, **labels)
    return [instances, wanted, running]


def _gpus(fleet: Fleet) -> list[Family]:
    load = Family("gputui_gpu_utilization_ratio", "The utilization of a GPU, 0 to 1.")
    used = Family("gputui_gpu_memory_used_bytes", "The memory in use on a GPU.")
    total = Family("gputui_gpu_memory_total_bytes", "The memory of a GPU.")
    heat = Family("gputui_gpu_temperature_celsius", "The temperature of a GPU.")
    power = Family("gputui_gpu_power_watts", "The power that a GPU draws.")
    ecc = Family(
        "gputui_gpu_ecc_uncorrected_errors", "Uncorrected memory errors of a GPU since its driver was loaded."
    )
    for name, rows in current(fleet, Resource.GPUS):
        for row in rows.values():
            if not isinstance(row, GpuDevice) or row.problem is not None:
                continue
            labels = {"account": name, "host": row.host, "gpu": row.ref.id, "model": row.model or ""}
            total.add(row.memory_total, **labels)
            used.add(row.memory_used, **labels)
            ecc.add(row.ecc_errors, **labels)
            if (sample := row.sample) is None:
                continue
            load.add(None if sample.utilization is None else sample.utilization / _PERCENT, **labels)
            heat.add(sample.temperature, **labels)
            power.add(sample.power, **labels)
    return [load, used, total, heat, power, ecc]


def _money(fleet: Fleet) -> list[Family]:
    hourly = Family("gputui_cost_per_hour", "The cost of an hour of all that runs, as far as prices are known.")
    unpriced = Family("gputui_cost_unpriced", "Instances and volumes whose price is not known: not in the cost.")
    balance = Family("gputui_balance", "The money left in an account.")
    for name in fleet.accounts:
        lists = [one for one in cost.COSTING if fleet.supports(name, one)]
        if not lists or not fleet.coverage(name, lists).is_current:
            continue
        rows = [row for one in lists for row in fleet.rows(one, name).values()]
        bills = fleet.runtime(name).bills
        sums = cost.by_account(rows).get(name, cost.Total())
        if not (bills or sums.priced or sums.amounts):
            continue  # nothing here is known to cost anything
        for currency, money in sums.amounts.items():
            hourly.add(float(money.amount), account=name, currency=currency)
        unpriced.add(sums.lacking + len(cost.not_read(rows)), account=name)
    for name, balances in current(fleet, Resource.BALANCES):
        for row in balances.values():
            if isinstance(row, Balance):
                balance.add(float(row.available.amount), account=name, currency=row.available.currency)
    return [hourly, unpriced, balance]


def _spending(reports: Mapping[Period, SpendReport]) -> list[Family]:
    spent = Family("gputui_spend", "Money spent since the period began, as far as it was observed at a known price.")
    gaps = Family("gputui_spend_unobserved_seconds", "The time of the period in which an account was not observed.")
    unpriced = Family("gputui_spend_unpriced_seconds", "The time of instances in the period at an unknown price.")
    for period, report in reports.items():
        for line in report.lines:
            (account,) = line.accounts
            if line.spent is not None:
                spent.add(
                    float(line.spent.amount), account=account, currency=line.spent.currency, period=period.value
                )
            unpriced.add(line.unpriced, account=account, period=period.value)
        for account, one in report.unobserved.items():
            late = max(0.0, (one.begun - report.window.since).total_seconds())
            gaps.add(one.seconds + late, account=account, period=period.value)
    return [spent, gaps, unpriced]


def _stock(fleet: Fleet) -> list[Family]:
    idle = Family("gputui_stock_idle_gpus", "Idle GPUs that can be rented, by model and region.")
    offered = Family("gputui_stock_available", "1 where GPUs can be rented, for servers that say only yes or no.")
    price = Family("gputui_stock_price_per_hour", "The least price of one GPU for an hour.")
    for name, rows in current(fleet, Resource.STOCK):
        for row in rows.values():
            if not isinstance(row, Offer) or row.problem is not None or not row.gpu_model:
                continue
            labels = {"account": name, "model": row.gpu_model, "region": row.region}
            idle.add(row.idle, **labels)
            if row.available is not None:
                offered.keep(max, float(row.available), **labels)
            if row.price_from is not None:
                price.keep(min, float(row.price_from.amount), **labels, currency=row.price_from.currency)
    return [idle, offered, price]


def _rules(rules: Iterable[RuleStatus] | None) -> list[Family]:
    states = Family("gputui_rules", "Rules of the agent by kind and state.")
    if rules is not None:
        for kind, state in itertools.product(_RULES, RuleState):
            states.add(0, kind=kind, state=state.value)
        for rule in rules:
            states.add(1, kind=rule.kind, state=rule.state.value)
    return [states]
