"""How good a network's scores are: against labels and people, with intervals; and where it fails."""
