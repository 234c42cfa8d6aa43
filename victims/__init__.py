"""The victims: timm networks with a stem policy, training recipes, countermeasures and evaluation."""
