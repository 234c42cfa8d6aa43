"""What all of attacks, victims and bench stand on: errors, files, settings, state, runtime, optimiser."""
