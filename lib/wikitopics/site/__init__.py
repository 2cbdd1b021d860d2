"""The executed notebooks as a static site without scripts of others: pages, figures, links."""
