"""The catalog: jobs and their progress, stored images, and events, in an SQL database."""
