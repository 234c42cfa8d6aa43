"""How near the work of a network and a method comes to what the machine can do."""
