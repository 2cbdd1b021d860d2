"""The commands of the command line beside `wikitopics run`, see cli."""
