"""Proofs that have a command each, and a short form in the suite; docs/proofs.md quotes them."""
