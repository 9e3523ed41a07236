"""The commands, a module each or a few that belong together: their flags, and what they hand them to."""
