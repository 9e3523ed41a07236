"""Use cases on top of the wired components, without printing or signal handling: the CLI and the gateway call them."""
