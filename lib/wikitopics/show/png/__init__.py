"""The static twin of a plotly figure, drawn with matplotlib."""
