"""The columns of each kind of row: one definition for screens, tables of the command line, and filters."""
