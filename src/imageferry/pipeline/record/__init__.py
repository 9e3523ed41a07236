"""The record stage: write the outcomes of transfers."""
