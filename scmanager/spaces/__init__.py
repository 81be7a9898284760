"""A space as this node holds it: entries opened, judged, ordered and folded."""
