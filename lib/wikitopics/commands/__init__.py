"""The commands of `wikitopics`: each module has `add_parser(commands)` and what its command does."""
