"""The commands: their flags and the calls they make. A module is one command, or several that share an object."""
