"""Everything that is out of date, made: which runs, in which order, each in a process of its own."""
