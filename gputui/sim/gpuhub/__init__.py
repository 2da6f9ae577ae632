"""The simulated GPUhub and AutoDL."""
