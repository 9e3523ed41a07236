"""The work of the commands that do more than one call to a client; each module is named like its command."""
