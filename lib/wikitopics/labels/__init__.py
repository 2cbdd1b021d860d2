"""From categories, topics of articles, tables or people to the labels of files, with reasons."""
