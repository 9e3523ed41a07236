"""The Drive v3 API, as far as reading goes."""
