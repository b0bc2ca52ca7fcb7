"""Settings of all tests."""

import hypothesis

# The machine that runs the tests may be busy; the examples are the same in every run.
hypothesis.settings.register_profile("funcnet", deadline=None, derandomize=True)
hypothesis.settings.load_profile("funcnet")
