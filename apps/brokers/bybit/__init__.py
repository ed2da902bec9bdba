"""Bybit behind the broker port: linear perpetuals and spot, through pybit."""
