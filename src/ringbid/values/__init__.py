"""The immutable words of the field: money, ids, phone numbers, clocks, reasons, verdicts. Standard library only."""
