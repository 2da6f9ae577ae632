"""Offers in words: where they are, and how many GPUs are idle there. Pure."""

from __future__ import annotations

from gputui.formatting import counted
from gputui.models import Offer


def place_name(account: str, region: str) -> str:
    """Return the name of a place: ``hub · sgp1``, and a host by its account alone."""
    return account if region == account else f"{account} · {region}"


def where(offer: Offer) -> str:
    """Return the name of the place an offer is in."""
    return place_name(offer.ref.account, offer.region)


def idle_words(offer: Offer) -> str:
    """Return how many are available: ``12 idle of 64 GPUs``."""
    if offer.idle is None:
        return "available" if offer.available else "not available now"
    if offer.total is None:
        return f"{offer.idle} idle"
    return f"{offer.idle} idle of {counted(offer.total, 'GPU')}"
