"""The details of a row: a pane next to the list, and the same as a text to read."""
