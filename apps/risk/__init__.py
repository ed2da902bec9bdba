"""What may pass: limits, trading state, sizing and the recorded decisions."""
