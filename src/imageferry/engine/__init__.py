"""What carries messages between the stages."""
