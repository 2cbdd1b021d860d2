"""Topics for Wikimedia images: a thin library under numbered notebooks."""

__version__ = "0.1.0"
