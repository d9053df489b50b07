"""What runs at its own pace: sweeping, flushing, following the catalog."""
