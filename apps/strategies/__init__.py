"""What decides: strategy code, its versions, deployments and signals."""
