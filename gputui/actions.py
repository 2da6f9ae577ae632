"""Everything that is known of an action, in one place: its words, its effects, what it ends and where it shows.

The screens, the command line, the registry of commands and the fleet read it from here. Which back end has a call for
an action, and for which rows, is the back end's own knowledge.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from gputui.late_dataclasses import dataclass
from gputui.models import AccountInfo, Action, Deployment, Image, RegistryCredential, Resource, Row, Volume

Effect = tuple[str, str]
"""The effect on one row, and on several; '' for several where the words for one fit them too."""


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action.

    ``progress`` is the state of a row meanwhile; ``progress_of`` precedes the name of the row where it differs.
    ``done`` is the outcome. ``button`` asks for it: ``Save x?``. ``verb`` completes ``lab cannot …`` and ``passive``
    completes ``only …`` where these are not the action's name and ``can be`` with ``done``; both have ``{}`` in the
    place of the plural of the rows' kind.
    """

    progress: str
    done: str = ""
    verb: str = ""
    passive: str = ""
    progress_of: str = ""
    button: str = ""
    # The effects.
    effect: Effect = ("", "")
    effects: Mapping[type[Row], Effect] = field(default_factory=dict)
    """Of kinds of things for which it means something else than for an instance."""
    mutates: bool = True
    """Whether it changes something on the back end: then it falls under confirmation, audit and read-only."""
    ends_work: bool = False
    """Whether it ends what runs in an instance."""
    ends_spending: bool = False
    begins_spending: bool = False
    # The way it is requested.
    has_form: bool = False
    """Whether it asks for values in a form of its own."""
    for_several: bool = False
    """Whether it acts on all marked rows."""
    for_some: bool = False
    """Whether marked rows that do not permit it are left out, instead of being the reason for a refusal."""
    blocks_others: bool = True
    """Whether nothing else may be done to the thing meanwhile."""
    needs_running: bool = False
    needs_stopped: bool = False
    resources: tuple[Resource, ...] = (Resource.INSTANCES,)
    """The lists of what it applies to."""
    shows_in: Resource | None = None
    """The list in which its effect shows, where that is not the thing's own."""
    # As a command of the screens, which it is with an explanation: title where it is not the action's name, key,
    # explanation, and rank and word in the footer.
    title: str = ""
    key: str = ""
    tooltip: str = ""
    footer: int = 0
    short: str = ""
    aliases: tuple[str, ...] = ()
    optional: bool = False
    """Whether menus leave it out where it is not possible: whole back ends lack it."""
    cli_help: str = ""
    """The help of ``gputui ACTION REF…``; '' where its command takes more than REFs."""


_CHANGEABLE = (Resource.INSTANCES, Resource.DEPLOYMENTS, Resource.VOLUMES, Resource.CREDENTIALS)

ACTIONS: Mapping[Action, ActionSpec] = {
    Action.CREATE: ActionSpec("creating"),
    Action.START: ActionSpec(
        "starting",
        "started",
        effect=(
            "It gets its GPUs again. The SSH port may change.",
            "They get their GPUs again. Their SSH ports may change.",
        ),
        effects={
            Deployment: (
                "The desired number of instances starts. They cost money from then on.",
                "The desired number of instances of each starts. They cost money from then on.",
            )
        },
        begins_spending=True,
        for_several=True,
        resources=(Resource.INSTANCES, Resource.DEPLOYMENTS),
        key="S",
        tooltip="Start the selected or marked rows",
        footer=1,
        cli_help="start instances",
    ),
    Action.STOP: ActionSpec(
        "stopping",
        "stopped",
        effect=("All processes stop. The disk is kept.", "All processes in them stop. The disks are kept."),
        effects={
            Deployment: (
                "All its instances end, and every process in them. No new ones are started.",
                "All their instances end, and every process in them. No new ones are started.",
            )
        },
        ends_work=True,
        ends_spending=True,
        for_several=True,
        resources=(Resource.INSTANCES, Resource.DEPLOYMENTS),
        key="X",
        tooltip="Stop the selected or marked rows",
        footer=10,
        cli_help="stop instances or deployments",
    ),
    Action.RESTART: ActionSpec(
        "restarting",
        "restarted",
        effect=(
            "All processes stop, then it restarts. The SSH port may change.",
            "All processes in them stop, then they restart. Their SSH ports may change.",
        ),
        ends_work=True,
        for_several=True,
        needs_running=True,
        key="R",
        tooltip="Restart the selected or marked rows",
        footer=11,
        cli_help="restart instances",
    ),
    Action.DELETE: ActionSpec(
        "deleting",
        "deleted",
        effect=(
            "The disk is deleted with it. This cannot be undone.",
            "The disks are deleted with them. This cannot be undone.",
        ),
        effects={
            Deployment: (
                "All its instances, their disks and its settings are deleted. This cannot be undone.",
                "All their instances, their disks and their settings are deleted. This cannot be undone.",
            ),
            Image: (
                "The image is permanently deleted. Instances created from it are not affected.",
                "The images are permanently deleted. Instances created from them are not affected.",
            ),
            Volume: (
                "All data on it is permanently deleted. This cannot be undone.",
                "All data on them is permanently deleted. This cannot be undone.",
            ),
            RegistryCredential: (
                "Pods and endpoints that pull their image with it can start no new instances.",
                "Pods and endpoints that pull their images with them can start no new instances.",
            ),
        },
        ends_work=True,
        ends_spending=True,
        for_several=True,
        needs_stopped=True,
        resources=(
            Resource.INSTANCES,
            Resource.DEPLOYMENTS,
            Resource.IMAGES,
            Resource.VOLUMES,
            Resource.CREDENTIALS,
        ),
        key="D",
        aliases=("release",),
        tooltip="Delete the selected or marked rows permanently",
        footer=12,
        cli_help="delete instances, deployments, images, volumes or credentials permanently",
    ),
    Action.UPDATE: ActionSpec(
        "changing",
        "changed",
        verb="edit {}",
        passive="{} can be edited",
        button="Change",
        effect=("The settings change as shown; the cost may change.", ""),
        effects={
            Deployment: ("The new settings apply from its next start. The cost may change.", ""),
            RegistryCredential: ("The new settings apply from the next pull on.", ""),
            AccountInfo: ("The settings of the account change as shown.", ""),
        },
        has_form=True,
        needs_stopped=True,
        resources=_CHANGEABLE,
        title="Edit",
        key="E",
        tooltip="Edit its settings",
        footer=9,
        optional=True,
        aliases=("edit",),
    ),
    Action.RENAME: ActionSpec(
        "renaming",
        "renamed",
        effect=("Only its name changes.", ""),
        has_form=True,
        needs_stopped=True,
        resources=_CHANGEABLE,
        key="N",
        tooltip="Change the name",
        footer=9,
        optional=True,
    ),
    Action.RESIZE: ActionSpec(
        "resizing",
        "resized",
        effect=("The cost may change with the size.", ""),
        has_form=True,
        needs_stopped=True,
        resources=_CHANGEABLE,
        key="Z",
        tooltip="Change the size",
        footer=9,
        optional=True,
    ),
    Action.EXEC: ActionSpec(
        "running a command",
        verb="run commands in {}",
        passive="{} can run commands",
        progress_of="running a command in",
        effect=("The command runs without a terminal and without input.", ""),
        for_several=True,
        for_some=True,
        title="Run a command",
        key="x",
        tooltip="Run a shell command (marked: in all of them)",
        footer=6,
        short="run",
        aliases=("run",),
        blocks_others=False,  # a command that runs in an instance must not keep it from being stopped
        needs_running=True,
    ),
    Action.COMMIT: ActionSpec(
        "saving",
        "saved",
        verb="save {} as images",
        passive="{} can be saved as images",
        button="Save",
        effect=(
            "The disk is saved as an image of yours. It may be paused meanwhile.",
            "The disks are saved as images of yours. They may be paused meanwhile.",
        ),
        needs_running=True,
        needs_stopped=True,
        shows_in=Resource.IMAGES,
        title="Save as image",
        tooltip="Save it as an image of yours",
    ),
    Action.SCALE: ActionSpec(
        "scaling",
        "scaled",
        effect=("Instances are started or ended until there are as many.", ""),
        resources=(Resource.DEPLOYMENTS,),
    ),
    Action.BLOCK: ActionSpec(
        "blocking its host",
        "host blocked",
        verb="block the hosts of {}",
        passive="the hosts of {} can be blocked",
        progress_of="blocking the host of",
        effect=(
            "Your new instances avoid it until then. Running ones are not affected.",
            "Your new instances avoid them until then. Running ones are not affected.",
        ),
        for_several=True,
        shows_in=Resource.BLACKLIST,
        title="Block the host",
        key="b",
        tooltip="Block its host for a while",
        footer=9,
        short="block host",
        optional=True,
    ),
    Action.SSH: ActionSpec(
        "",
        verb="open shells in {}",
        passive="{} can be logged into",
        mutates=False,
        needs_running=True,
        title="SSH",
        key="s",
        tooltip="Log into the instance",
        footer=1,
    ),
    Action.CHANGE_PASSWORD: ActionSpec("changing the password of", verb="change the passwords of {}"),
}
"""Every action there is, in the order in which menus and helps show them."""
