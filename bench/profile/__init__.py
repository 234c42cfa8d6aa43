"""How near the work of a network and a method comes to what the machine can do, and where the time of a grid goes."""
