"""The bars of every view: header, title, footer, entry bar."""
