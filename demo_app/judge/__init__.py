"""The judge: runs any job queue with real processes, and tries to make it lose jobs."""
