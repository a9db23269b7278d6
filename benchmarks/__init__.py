"""What the system does under load, beside a limit measured in the same run on the same machine. Never a pass condition."""
