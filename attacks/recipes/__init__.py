"""The algorithms that make noise, as frozen specs: one file per recipe."""
