"""The view of files of an instance and of this machine."""
