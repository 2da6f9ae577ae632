"""Personal accounts and private clouds, over HTTP against the simulator."""

from __future__ import annotations

import pytest

from gputui.errors import AccountDeniedError
from gputui.models import Action, Resource
from gputui.sim.gpuhub.default_world import CLOUD_SETS
from tests.api.creating import filter_problems
from tests.api.gpuhub.test_simulator import VALUES, cloud

PERSONAL = CLOUD_SETS["personal"]
DENIED = (Resource.DEPLOYMENTS, Resource.EVENTS, Resource.BLACKLIST, Resource.PACKAGES)


async def test_a_personal_account_is_denied_deployments_once_and_has_the_rest() -> None:
    async with cloud("personal", clouds=PERSONAL) as world:
        backend = world.backend
        assert [backend.denial(resource) for resource in Resource] == [None] * len(Resource)
        for resource in DENIED:
            with pytest.raises(AccountDeniedError) as caught:
                await backend.listers[resource]()
        assert (
            "deployments need a company-verified account (AutoDL); instances, stock, images and balance work"
            in str(caught.value)
        )
        assert "无当前资源访问权限" in str(caught.value)
        assert "vendor" not in str(caught.value)
        assert {resource for resource in Resource if backend.denial(resource)} == set(DENIED)
        offers = await backend.stock()
        assert offers
        assert [backend.actions(offer) for offer in offers[:1]] == [frozenset({Action.CREATE})]
        assert {offer.type_id for offer in offers if offer.vendor_name == "RTX 5090"} == {"5090-p"}
        assert {offer.type_id for offer in offers if offer.vendor_name == "RTX 4090"} == {""}
        assert all("promises no instance" in offer.remark for offer in offers)
        assert await backend.images()
        assert await backend.balances()
        info = await backend.account_info()
        assert [name for name, _ in info.usage][:3] == ["balance", "assets", "blocked_asset"]


async def test_a_denial_is_not_asked_for_again_before_a_refresh() -> None:
    async with cloud("personal", clouds=PERSONAL) as world:
        backend = world.backend
        messages = []
        for refreshed in (False, False, True):
            if refreshed:
                backend.forget()
            with pytest.raises(AccountDeniedError) as caught:
                await backend.deployments()
            messages.append(caught.value.request_id)
        assert messages[0] == messages[1] != messages[2]


async def test_the_token_of_a_personal_account_is_proven_by_what_it_may() -> None:
    async with cloud("personal", clouds=PERSONAL) as world:
        info = await world.backend.identify()
        assert any(problem.startswith("deployments need a company-verified account") for problem in info.problems)


async def test_a_form_that_cannot_succeed_is_not_offered() -> None:
    async with cloud("personal", clouds=PERSONAL) as world:
        with pytest.raises(AccountDeniedError):
            await world.backend.creators["deployment"].form()


async def test_a_private_cloud_takes_its_own_create_call() -> None:
    async with cloud("private", clouds=CLOUD_SETS["private"]) as world:
        form = await world.backend.creators["deployment"].form()
        names = {field.name for field in form.fields}
        values = {name: value for name, value in VALUES.items() if name in names} | {"cuda_v": "0"}
        made = (await world.backend.creators["deployment"].prepare(values).send()).created
        assert made is not None
        assert (await world.deployment(made)).name == VALUES["name"]


async def test_images_have_their_names_in_every_list_without_the_library() -> None:
    async with cloud() as world:
        made = (await world.backend.creators["deployment"].prepare(VALUES).send()).created
        row = next(row for row in await world.backend.deployments() if row.ref == made)
        assert row.image == "lab-base"
        images = {row.image for row in await world.backend.deployments()}
        images |= {row.image for row in await world.backend.instances()}
        assert not [image for image in images if image and image.startswith(("image-", "base-image-"))]


async def test_private_images_are_ones_own() -> None:
    async with cloud() as world:
        own = {image.ref.id.partition("-")[0]: image.own for image in await world.backend.images()}
        assert own == {"image": True, "base": False}


async def test_the_stock_of_a_private_cloud_is_filtered_by_model_and_refuses_the_rest() -> None:
    async with cloud("private", clouds=CLOUD_SETS["private"]) as world:
        backend = world.backend
        problems = filter_problems(backend, Resource.STOCK, {"cuda_v_from": "12.2", "price_to": "1"})
        assert set(problems) == {"cuda_v_from", "price_to"}
        backend.filters.prepare(Resource.STOCK, {"gpu_name_set": "RTX 4090"})()
        assert {offer.vendor_name for offer in await backend.stock()} == {"RTX 4090"}
        backend.filters.prepare(Resource.STOCK, {})()
        assert len(await backend.stock()) > 1
