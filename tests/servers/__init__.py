"""Servers that tests start or reach on loopback: databases, brokers, object stores and HTTP servers."""
