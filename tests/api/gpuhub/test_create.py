"""Creating a deployment on GPUhub: what the form asks, what it refuses, what is sent."""

from __future__ import annotations

import json
import re
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gputui.api.gpuhub.create import DeploymentCreator, DeploymentForm, Dialect
from gputui.api.gpuhub.images import PUBLIC_IMAGES, public_images
from gputui.errors import InvalidError
from gputui.models import FieldKind, FormField, Image, PreparedRequest, Ref
from gputui.text import clean
from tests.api.gpuhub.server import gpuhub_account

HUB = DeploymentForm("hub", ("sgp1", "Singapore-A"), "USD")
OWN = Image(Ref("hub", "image", "image-db8346e037"), "trainer")

VALUES = {
    "name": "train-a",
    "deployment_type": "ReplicaSet",
    "replica_num": "2",
    "reuse_container": "true",
    "reuse_container_scope": "deployment",
    "service_6006_port_protocol": "http",
    "service_6008_port_protocol": "tcp",
    "dc_list": "sgp1, Singapore-A",
    "gpu_name_set": "RTX 5090,RTX Pro 6000",
    "gpu_num": "1",
    "cuda_v_from": "11.8",
    "cuda_v_to": "122",
    "cpu_num_from": "1",
    "cpu_num_to": "100",
    "memory_size_from": "1",
    "memory_size_to": "256",
    "price_from": "0.10",
    "price_to": "9",
    "image_uuid": "base-image-l2t43iu6uk",
    "cmd": "cd /root\npython train.py",
    "cmd_before_shutdown": "sync",
}
TEMPLATE = {
    "dc_list": ["sgp1", "Singapore-A"],
    "gpu_name_set": ["RTX 5090", "RTX Pro 6000"],
    "gpu_num": 1,
    "cuda_v_from": 118,
    "cuda_v_to": 122,
    "cpu_num_from": 1,
    "cpu_num_to": 100,
    "memory_size_from": 1,
    "memory_size_to": 256,
    "price_from": 100,
    "price_to": 9000,
    "image_uuid": "base-image-l2t43iu6uk",
    "cmd": "cd /root\npython train.py",
    "cmd_before_shutdown": "sync",
}
OPTIONAL = {
    "cuda_v_to",
    "reuse_container",
    "reuse_container_scope",
    "service_6006_port_protocol",
    "service_6008_port_protocol",
    "cmd_before_shutdown",
}


def field(name: str) -> FormField:
    form = HUB.form(gpu_models=["RTX 5090"], images=[OWN])
    return next(field for field in form.fields if field.name == name)


def body(**changes: str) -> dict[str, object]:
    """Return what is sent for values in which nothing is wrong."""
    values = {**VALUES, **changes}
    assert HUB.read(values).problems == {}
    return dict(HUB.body(HUB.read(values)))


def test_a_replica_set_is_sent_as_the_document_has_it() -> None:
    assert body() == {
        "name": "train-a",
        "deployment_type": "ReplicaSet",
        "replica_num": 2,
        "reuse_container": True,
        "reuse_container_scope": "deployment",
        "service_6006_port_protocol": "http",
        "service_6008_port_protocol": "tcp",
        "container_template": TEMPLATE,
    }


def test_a_job_also_says_how_many_run_at_a_time() -> None:
    sent = body(deployment_type="Job", replica_num="8", parallelism_num="3")
    assert (sent["replica_num"], sent["parallelism_num"]) == (8, 3)


def test_a_container_has_no_replicas() -> None:
    sent = body(deployment_type="Container", replica_num="")
    assert not sent.keys() & {"replica_num", "parallelism_num"}


@pytest.mark.parametrize(
    ("changes", "name", "cause"),
    [
        ({"deployment_type": "Container"}, "replica_num", "has no effect with deployment_type=Container"),
        ({"parallelism_num": "1"}, "parallelism_num", "has no effect with deployment_type=ReplicaSet"),
        ({"reuse_container": "false"}, "reuse_container_scope", "has no effect with reuse_container=false"),
        ({"reuse_container": ""}, "reuse_container_scope", "has no effect without reuse_container"),
    ],
)
def test_a_field_without_effect_is_refused(changes: dict[str, str], name: str, cause: str) -> None:
    problems = HUB.read({**VALUES, **changes}).problems
    assert list(problems) == [name]
    assert problems[name].startswith(cause)


def test_without_an_upper_end_no_driver_is_too_new() -> None:
    template = body(cuda_v_to="")["container_template"]
    assert isinstance(template, dict)
    assert template["cuda_v_to"] == 999
    assert field("cuda_v_to").default == ""


AUTODL = DeploymentForm("autodl", ("westDC2",), "CNY", Dialect.AUTODL)
PRIVATE = DeploymentForm("own", (), "CNY", Dialect.PRIVATE)
PORTS = {"service_6006_port_protocol": "http", "service_6008_port_protocol": "tcp"}
RANGE = ("cuda_v_from", "cuda_v_to")


def template_of(form: DeploymentForm, values: dict[str, str]) -> dict[str, object]:
    """Return the template that is sent for values in which nothing is wrong."""
    assert form.read(values).problems == {}
    template = form.body(form.read(values))["container_template"]
    assert isinstance(template, dict)
    return template


def test_autodl_has_the_protocols_of_ports_in_the_template_as_well() -> None:
    values = {**VALUES, "dc_list": "westDC2"}
    assert template_of(AUTODL, values) == TEMPLATE | {"dc_list": ["westDC2"]} | PORTS
    assert AUTODL.body(AUTODL.read(values)).items() >= PORTS.items()


def test_a_container_of_autodl_has_one_cuda_version() -> None:
    values = {**VALUES, "dc_list": "westDC2", "deployment_type": "Container", "replica_num": "", "cuda_v": "11.8"}
    assert set(AUTODL.read(values).problems) == set(RANGE)
    values = {name: value for name, value in values.items() if name not in RANGE}
    template = template_of(AUTODL, values)
    assert template["cuda_v"] == 118
    assert not template.keys() & set(RANGE)
    assert AUTODL.read({**values, "cuda_v": ""}).problems == {"cuda_v": "required"}


def test_a_private_cloud_has_one_cuda_version_and_no_regions() -> None:
    values = {name: value for name, value in VALUES.items() if name not in ("dc_list", *RANGE)}
    template = template_of(PRIVATE, {**values, "cuda_v": "0"})
    assert template["cuda_v"] == 0
    assert not template.keys() & {"dc_list", *RANGE}
    refused = PRIVATE.read({**values, "cuda_v": "11.8", "dc_list": "sgp1", "cuda_v_from": "11.8"}).problems
    assert set(refused) == {"dc_list", "cuda_v_from"}
    assert all(problem.startswith("has no effect") for problem in refused.values())


def test_any_version_is_for_private_clouds_alone() -> None:
    values = {name: value for name, value in VALUES.items() if name not in ("replica_num", *RANGE)}
    container = {**values, "dc_list": "westDC2", "deployment_type": "Container", "cuda_v": "0"}
    assert "CUDA version" in AUTODL.read(container).problems["cuda_v"]


def test_optional_values_that_are_not_given_are_not_sent() -> None:
    sent = body(**dict.fromkeys(OPTIONAL, ""))
    assert sent.keys() == {"name", "deployment_type", "replica_num", "container_template"}
    rest = {key: TEMPLATE[key] for key in TEMPLATE if key != "cmd_before_shutdown"}
    assert sent["container_template"] == rest | {"cuda_v_to": 999}


def test_without_reuse_its_scope_is_not_sent() -> None:
    sent = body(reuse_container="false", reuse_container_scope="")
    assert sent["reuse_container"] is False
    assert "reuse_container_scope" not in sent


@pytest.mark.parametrize("name", sorted(set(VALUES) - OPTIONAL - {"parallelism_num"}))
def test_what_is_required_is_missed_at_its_field(name: str) -> None:
    assert HUB.read({**VALUES, name: " "}).problems[name] == "required"
    assert "required" in HUB.read({key: value for key, value in VALUES.items() if key != name}).problems[name]


@pytest.mark.parametrize(
    ("changes", "name", "problem"),
    [
        ({"name": "a\x1b[31m"}, "name", "control characters"),
        ({"deployment_type": "Pod"}, "deployment_type", "ReplicaSet, Job, Container"),
        ({"replica_num": "0"}, "replica_num", "at least 1"),
        ({"replica_num": "two"}, "replica_num", "whole number"),
        ({"replica_num": "99999999999"}, "replica_num", "too large"),
        ({"deployment_type": "Job", "parallelism_num": ""}, "parallelism_num", "required"),
        ({"deployment_type": "Job", "parallelism_num": "3"}, "parallelism_num", "more than there are replicas (2)"),
        ({"reuse_container": "maybe"}, "reuse_container", "true or false"),
        ({"reuse_container_scope": "mine"}, "reuse_container_scope", "all, deployment"),
        ({"service_6006_port_protocol": "udp"}, "service_6006_port_protocol", "http, tcp"),
        ({"dc_list": ","}, "dc_list", "at least one region"),
        ({"dc_list": "sgp1,mars,venus"}, "dc_list", "mars, venus are not among the regions of this account: sgp1"),
        ({"gpu_name_set": " , "}, "gpu_name_set", "at least one GPU model"),
        ({"gpu_num": "0"}, "gpu_num", "at least 1"),
        ({"cuda_v_from": "eleven"}, "cuda_v_from", "such as 11.8"),
        ({"cuda_v_from": "12.2", "cuda_v_to": "11.8"}, "cuda_v_to", "less than CUDA from (12.2)"),
        ({"cpu_num_from": "9", "cpu_num_to": "8"}, "cpu_num_to", "less than CPU cores from (9)"),
        ({"memory_size_from": "9", "memory_size_to": "8"}, "memory_size_to", "less than Memory from (9)"),
        ({"memory_size_from": "-1"}, "memory_size_from", "negative"),
        ({"price_from": "1.5", "price_to": "1.49"}, "price_to", "less than Price from (1.5)"),
        ({"price_from": "0", "price_to": "0"}, "price_to", "more than 0"),
        ({"price_to": "1.2345"}, "price_to", "three decimals"),
        ({"price_to": "inf"}, "price_to", "price for an hour"),
        ({"image_uuid": "my image"}, "image_uuid", "uuid"),
        ({"replicas": "2"}, "replicas", "no parameter"),
    ],
)
def test_what_is_wrong_is_reported_at_its_field(changes: dict[str, str], name: str, problem: str) -> None:
    problems = HUB.read({**VALUES, **changes}).problems
    assert list(problems) == [name]
    assert problem in problems[name]


@pytest.mark.parametrize(("written", "sent"), [("11.8", 118), ("118", 118), ("12", 120), ("9.0", 90), ("13.0", 130)])
def test_cuda_versions_are_written_either_way(written: str, sent: int) -> None:
    template = body(cuda_v_from=written, cuda_v_to="13.9")["container_template"]
    assert isinstance(template, dict)
    assert template["cuda_v_from"] == sent


def test_the_form_has_a_field_for_every_parameter_and_its_defaults_are_right() -> None:
    form = HUB.form()
    assert {each.name for each in form.fields} == {*VALUES, "parallelism_num"}
    assert {each.name for each in form.fields if not each.required} == OPTIONAL
    values = {each.name: each.default for each in form.fields}
    # What a deployment is called, runs and may cost is for the user to say; the models are known from the stock.
    shown = {each.name: values[each.name] for each in form.fields if each.shown_with(values)}
    assert set(HUB.read(shown).problems) == {"name", "gpu_name_set", "image_uuid", "cmd", "price_to"}


def test_replicas_are_asked_for_where_the_type_has_them() -> None:
    shown = {
        kind: [
            name for name in ("replica_num", "parallelism_num") if field(name).shown_with({"deployment_type": kind})
        ]
        for kind in field("deployment_type").choices
    }
    assert shown == {"ReplicaSet": ["replica_num"], "Job": ["replica_num", "parallelism_num"], "Container": []}


def test_ones_own_images_come_before_the_public_ones() -> None:
    image = field("image_uuid")
    assert image.choices[:2] == (OWN.ref.id, "base-image-12be412037")
    assert image.labels[:2] == ("trainer", "PyTorch: CUDA 11.1 · torch 1.9.0 · Ubuntu 18.04")
    assert len(image.choices) == len(image.labels) == 1 + len(PUBLIC_IMAGES)
    assert image.default == ""
    assert image.required
    assert image.open_choices


def test_prices_are_asked_for_in_the_currency_of_the_account() -> None:
    form = DeploymentForm("autodl", ("westDC2",), "CNY").form()
    units = {each.name: each.unit for each in form.fields if each.unit}
    assert units == {
        "price_from": "CNY/h",
        "price_to": "CNY/h",
        "memory_size_from": "GB",
        "memory_size_to": "GB",
    }


def test_an_image_listed_twice_is_one_with_both_descriptions() -> None:
    assert len(PUBLIC_IMAGES) == len({image.uuid for image in PUBLIC_IMAGES}) == 16
    double = next(image for image in PUBLIC_IMAGES if image.uuid == "base-image-l2t43iu6uk")
    assert double.framework == "PyTorch, TensorRT"
    assert "(recommended)" in double.description
    assert "+ TensorRT" in double.description
    assert all(re.fullmatch(r"base-image-[0-9a-z]{10}", image.uuid) for image in PUBLIC_IMAGES)
    assert [image.ref.id for image in public_images("hub")] == [image.uuid for image in PUBLIC_IMAGES]


def test_every_choice_has_its_label_and_the_lists_of_the_account_are_offered() -> None:
    form = HUB.form(gpu_models=["RTX 5090"], images=[OWN])
    assert all(len(each.labels) in {0, len(each.choices)} for each in form.fields)
    assert field("dc_list").choices == HUB.regions
    assert (field("gpu_name_set").choices, field("gpu_name_set").open_choices) == (("RTX 5090",), True)
    assert field("cmd").kind is FieldKind.LINES


def shown(values: dict[str, str]) -> PreparedRequest:
    """Return the request of a deployment as a dry run shows it."""
    creator = DeploymentCreator(gpuhub_account("https://api.gpuhub.com"), *(cast("Any", None) for _ in range(3)))
    request = creator.prepare(values).request
    assert request is not None
    return request()


def test_a_dry_run_shows_the_request() -> None:
    request = shown(VALUES)
    assert (request.method, request.url) == ("POST", "https://api.gpuhub.com/api/v1/dev/deployment")
    assert json.loads(request.body) == HUB.body(HUB.read(VALUES))
    assert request.body.splitlines()[1] == '  "name": "train-a",'


def test_what_is_wrong_is_not_shown_as_a_request() -> None:
    with pytest.raises(InvalidError, match="gpu_num: must be at least 1") as caught:
        HUB.read({**VALUES, "gpu_num": "0"}).require("hub")
    assert caught.value.fields == {"gpu_num": "must be at least 1"}


@given(st.text(min_size=1).filter(str.strip))
def test_a_dry_run_is_exact_and_safe_to_look_at(command: str) -> None:
    request = shown({**VALUES, "cmd": command})
    assert json.loads(request.body)["container_template"]["cmd"] == command
    assert clean(request.body, multiline=True) == request.body
