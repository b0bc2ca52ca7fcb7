"""What a check says: how results compare, what a difference looks like, and the case as code."""
