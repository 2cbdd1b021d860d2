"""Where files and their descriptions come from."""
