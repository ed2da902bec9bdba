"""The API's view of limits, trading states and risk decisions."""
