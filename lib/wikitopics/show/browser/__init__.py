"""Browsers in a notebook: of mistakes, of scored pictures, of a map, and the page where people judge."""
