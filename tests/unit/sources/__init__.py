"""The sources and what is wrapped around them."""
