"""The back ends: one file each, behind one registry."""
