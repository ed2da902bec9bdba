"""The API's view of strategy versions, deployments and signals."""
