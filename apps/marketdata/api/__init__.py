"""The API's view of instruments and candles."""
