"""The command sets that views have in common."""

from __future__ import annotations

from gputui.screens.commands.access import AccessCommands, AddressCommands
from gputui.screens.commands.accounts import AccountCommands
from gputui.screens.commands.block_host import BlockCommands
from gputui.screens.commands.command_set import CommandSet
from gputui.screens.commands.copy import CopyCommands
from gputui.screens.commands.create import CreateCommands
from gputui.screens.commands.custom import CustomCommands
from gputui.screens.commands.edit import EditCommands
from gputui.screens.commands.explain import ExplainCommands
from gputui.screens.commands.favourites import FavouriteCommands
from gputui.screens.commands.global_commands import GlobalCommands
from gputui.screens.commands.inspect import InspectCommands
from gputui.screens.commands.leases import LeaseCommands
from gputui.screens.commands.lifecycle import LifecycleCommands
from gputui.screens.commands.server_filters import ServerFilterCommands

CommandSets = tuple[type[CommandSet], ...]

SHARED_SETS: CommandSets = (
    LifecycleCommands,
    CreateCommands,
    ServerFilterCommands,
    FavouriteCommands,
    AccountCommands,
    GlobalCommands,
)
"""The sets of every view."""

ROW_SETS: CommandSets = (
    InspectCommands,
    ExplainCommands,
    CopyCommands,
    CustomCommands,
    AddressCommands,
    AccessCommands,
    BlockCommands,
    EditCommands,
    LeaseCommands,
    *SHARED_SETS,
)
"""The sets of views whose rows are things of a back end."""
