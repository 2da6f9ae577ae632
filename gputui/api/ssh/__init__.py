"""SSH: hosts of one's own, without any vendor's API."""
