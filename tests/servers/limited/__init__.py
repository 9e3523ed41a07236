"""Servers in front of emulators that refuse what an account may not do."""
