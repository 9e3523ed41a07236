"""The version, in a module without imports, so that every layer can import it."""

__version__ = "0.1.0"
