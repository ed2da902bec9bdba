"""The API's view of the audit trail."""
