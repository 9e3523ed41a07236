"""What a process tells of its work: logs, metrics, traces."""
