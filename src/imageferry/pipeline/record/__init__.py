"""The record stage: writes the outcomes of transfers."""
