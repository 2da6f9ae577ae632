"""The base of every view, and the session that views share."""
