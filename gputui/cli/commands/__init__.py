"""The commands of the command line, one module for each or for a few that belong together.

A module has for ``run`` a function ``add_arguments``, for another such as ``rename`` ``add_rename_arguments``. It is
imported when its command is chosen: that keeps every other command light.
"""

from __future__ import annotations

from collections.abc import Mapping

from gputui.actions import ACTIONS
from gputui.models import Action

COMMANDS: Mapping[str, tuple[str, str]] = {
    "get": ("get:run", "list the resources of the accounts"),
    "wait": ("wait:run", "wait until an instance or deployment has a state, or until GPUs are idle in the stock"),
    "describe": ("describe:run", "show details of one row or account"),
    "explain": ("explain:run", "say why a deployment runs fewer instances than it should"),
    **{action.value: ("lifecycle:run", spec.cli_help) for action, spec in ACTIONS.items() if spec.cli_help},
    "start": ("lifecycle:start", ACTIONS[Action.START].cli_help),
    "stop": ("stop:run", ACTIONS[Action.STOP].cli_help),
    "delete": ("lifecycle:delete", ACTIONS[Action.DELETE].cli_help),
    "release": ("lifecycle:delete", "delete instances permanently, with their disks"),
    "scale": ("scale:run", "change the number of instances of a deployment"),
    "block": ("block:run", "block instances' hosts for a time"),
    "watch": ("watch:run", "wait for GPUs while no terminal is open, be notified, or create something with them"),
    "rules": ("rules:run", "list, show, edit, pause and delete watches, grabs and leases"),
    "lease": ("lease:run", "stop or release instances and deployments by themselves, after a time or once idle"),
    "commit": ("lifecycle:commit", "save an instance as an image"),
    "exec": ("exec:run", "run a command in instances, over SSH or through the API"),
    "kill": ("kill:run", "end GPU processes of an instance, over SSH"),
    "ssh": ("ssh:run", "log into an instance"),
    "ssh-config": ("ssh_config:run", "print a configuration with which ssh, scp, rsync and editors reach instances"),
    "cp": ("cp:run", "copy files to and from instances"),
    "forward": ("forward:run", "forward local ports to an instance, until Ctrl+C"),
    "create": ("create:run", "create something"),
    "pull": ("create:pull", "pull an image onto a host"),
    "update": ("update:run", "change the settings of something"),
    "rename": ("update:rename", "rename a VM, a volume or another row whose name can be changed"),
    "resize": ("update:resize", "change the size of a volume"),
    "passwd": ("passwd:run", "change an account's password on its server"),
    "logs": ("logs:run", "show and follow the log of an instance"),
    "agent": ("agent:run", "run the agent, which works while no terminal is open; or show, follow and stop it"),
    "mcp": ("mcp:run", "serve the Model Context Protocol, for programs that use language models"),
    "timeline": ("timeline:run", "show what happened in a time: events, changes, rules, stock, GPU load"),
    "audit": ("audit:run", "show the audit log: who changed what, when, and the outcome"),
    "init": ("init:run", "create a configuration, or add an account to it, interactively"),
    "config": ("config:run", "show where the configuration is, or test it"),
    "demo": ("tui:demo", "try the full-screen program on a built-in simulator; touches nothing of yours"),
    "sim": ("sim:run", "run the simulator alone"),
    "completion": ("completion:run", "print a completion script for a shell"),
}
"""Module and function of each command, and its line of help."""
