"""From GPUs in stock to the values of a form that creates something on them."""

from __future__ import annotations

from decimal import Decimal

from gputui.models import Money, Offer


def values_for(offer: Offer) -> dict[str, str]:
    """Return what the fields of a create form hold to start there; a form may lack some of these fields.

    Prices are for an hour, in the currency of the offer's account, as they are written in the form.
    """
    # A cloud that tells its stock as a whole names no region in which to create.
    region = offer.region if offer.region != offer.ref.account else ""
    model = offer.vendor_name or offer.gpu_model
    values = {
        "dc_list": region,
        "gpu_name_set": model,
        "price_from": _written(offer.price_from),
        "price_to": _written(offer.price_to),
    }
    if offer.available is not None:
        # Where only yes or no is told, the parameters of what can be created have other names.
        values |= {"regions": region, "region": region, "gpuType": model, "resources": f"{region} {model}"}
        values["vmTypeId"] = offer.type_id
    return {name: value for name, value in values.items() if value}


def _written(price: Money | None) -> str:
    """Write an amount with two decimals, or as many as it has."""
    if price is None:
        return ""
    cents = f"{price.amount:.2f}"
    return cents if Decimal(cents) == price.amount else f"{price.amount.normalize():f}"
