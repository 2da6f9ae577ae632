"""The line by which a command of ours is known again, in its output and on the machine where it runs."""

MARK = "@gputui shell"
"""The first words that a command prints; the process id of its shell is behind them."""
