"""What Bybit's adapter stands: streams that break all the time, and orders whose answers are lost.

``torture`` breaks streams, ``faulted`` sends orders through a wire that fails on request.
"""
