"""``gputui wait``: waiting for the state of rows, or for stock, with an exit status for each outcome."""
