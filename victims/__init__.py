"""What learns from the images: timm networks with a stem policy, training recipes, evaluation."""
