"""Where orders go: the adapters behind the broker port."""
