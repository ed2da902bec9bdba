"""The API's view of orders and fills."""
