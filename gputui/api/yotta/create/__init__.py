"""The create forms of Yotta and their requests."""
