"""All settings, read from the environment and a `.env` file. No other package reads product settings."""

from imageferry.settings.settings import Settings

__all__ = ["Settings"]
