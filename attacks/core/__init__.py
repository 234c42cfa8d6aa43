"""The common base of attacks, victims and bench: errors, files, settings, state, runtime, optimiser."""
