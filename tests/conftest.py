"""Services as fixtures: started or found once a run, skipped with a reason where they are missing."""

pytest_plugins = ["tests.services.blender", "tests.services.devnet", "tests.services.kubo"]
