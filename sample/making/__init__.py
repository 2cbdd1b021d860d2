"""What build.py is made of: reading the packages, the three views, the planted copies and hostile files."""
