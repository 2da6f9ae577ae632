"""The user's agent: a process that outlives the terminal, one for each state directory, and how sessions reach it."""
