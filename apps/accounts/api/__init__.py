"""The API's view of trading accounts, and the rule of who sees which."""
