"""Tests of the gateway's rooms, each apart."""
