"""Unit tests of gateway/event_stream."""
