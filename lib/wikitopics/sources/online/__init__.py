"""Asking Wikimedia over the network, politely: the Action API, topics of articles, pictures."""
