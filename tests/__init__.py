"""Tests by what they need: unit nothing, contract and integration servers and processes, e2e a browser."""
