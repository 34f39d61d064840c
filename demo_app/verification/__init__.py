"""What proves that no job is lost: fault campaigns, the conformance suite, the demo."""
