"""The crawl stage: list folders page by page and write what they hold."""
