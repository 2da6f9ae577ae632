"""The ways in which gputui is distributed: pages of the wheel, the archive, the binary. Used by builds alone."""
