"""The language of the shell: scripts as a tree, and the expansion of its words."""
