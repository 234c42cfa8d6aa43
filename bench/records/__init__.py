"""Records: what finished and failed cells leave behind."""
