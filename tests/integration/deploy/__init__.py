"""Tests of what deploys imageferry."""
