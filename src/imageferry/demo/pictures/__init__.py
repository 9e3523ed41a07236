"""Images for the test Drive server: generated ones, or those of a local folder."""
