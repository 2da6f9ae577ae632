"""pody: pods on a lab's own GPU server."""
