"""Unit tests of pipeline/crawl."""
