"""GPUs and processes of an instance from nvidia-smi over SSH."""
