"""The simulated shell: sshd, terminal and programs."""
