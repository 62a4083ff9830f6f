"""A small app for testing evidence: installed in the tests only."""
