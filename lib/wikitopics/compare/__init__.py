"""Evaluations side by side: what runs that differ in one setting tell, and what they do not."""
