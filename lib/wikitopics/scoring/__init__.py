"""Topics for any picture: a trained model applied to files, streamed, resumable, with its own thresholds."""
