"""The API's view of reconciliation runs and breaks."""
