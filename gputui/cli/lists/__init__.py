"""Lists of `gputui get` that are more than rows: sums, events, tasks, probes over SSH, watching."""
