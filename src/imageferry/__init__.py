"""imageferry carries the images of a Drive folder into an object store, verified, with a catalog in SQL."""

__version__ = "0.1.0"
