"""gputui: one terminal window over GPUs rented and run in several places."""

__version__ = "0.1.0"
