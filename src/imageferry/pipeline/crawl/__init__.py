"""The crawl stage: lists folders page by page and writes what they contain."""
