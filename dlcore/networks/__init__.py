"""Part II: differentiation, networks, their training."""
