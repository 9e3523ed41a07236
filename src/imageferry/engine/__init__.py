"""Engines: what delivers messages to the stages, on one machine or over a broker."""
