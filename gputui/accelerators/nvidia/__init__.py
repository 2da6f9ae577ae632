"""GPUs and processes from the output of nvidia-smi."""
