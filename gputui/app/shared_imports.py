"""The modules that a session and its agent both need, imported before the agent begins as a copy of the session.

Each is imported once for both. Modules that draw are not among them, as the agent would wait for them; those that ask
servers are not, as the session would.
"""

# ruff: noqa: F401

from __future__ import annotations

# Modules that Textual imports, and pydantic or httpx.
import concurrent.futures.thread
import csv
import fractions
import mimetypes
import pickle
import platform
import uuid

import typing_extensions

import gputui.agent.link
import gputui.agent.rows
import gputui.agent.start
import gputui.analytics.run_out
import gputui.analytics.startup_times
import gputui.config.keymap
import gputui.config.paths
import gputui.config.preview
import gputui.fleet
import gputui.history.history
import gputui.models.custom_commands
import gputui.models.explanations
import gputui.presentation.spend
