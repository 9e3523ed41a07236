"""The pages that Drive shows to anyone who has a link."""
