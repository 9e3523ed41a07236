"""HTTP mechanics shared by the routes: errors, cursors, ranges, streaming, timeouts and concurrency limits."""
