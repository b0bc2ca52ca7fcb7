"""Reports of checks: comparisons of results, guesses at the mistake, and the case as code."""
