"""Periods of spending, and the groups by which it is added up: their names on the command line and in JSON."""

from __future__ import annotations

from enum import StrEnum


class Period(StrEnum):
    """The periods that begin and end with the calendar; weeks begin on Monday."""

    TODAY = "today"
    WEEK = "week"
    MONTH = "month"


class By(StrEnum):
    """The things by which spending is added up. Owners and labels are the same over all accounts."""

    ACCOUNT = "account"
    DEPLOYMENT = "deployment"
    LABEL = "label"
    OWNER = "owner"
    INSTANCE = "instance"
