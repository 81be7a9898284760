"""Read models: views folded from the events, rebuildable at any time."""
