"""Image data sets as the Hugging Face Hub has them, in a folder: shards of Parquet, or files and a table."""
