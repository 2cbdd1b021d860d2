"""What was found in scored pictures: how much of each topic, with what certainty, and where it lacks."""
