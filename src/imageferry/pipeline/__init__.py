"""The stages of the flow, each an async generator from one message to the messages that follow it."""
