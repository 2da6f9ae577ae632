"""The marker that identifies gputui's commands, in their output and among the processes of the remote machine."""

MARK = "@gputui shell"
"""The first words that a command prints, before the process id of its shell."""
