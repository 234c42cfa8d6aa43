"""Measure how close a network and a method come to the machine's peak, and where the time of a grid goes."""
