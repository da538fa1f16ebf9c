"""From a snapshot to a packaged, judged and promoted model: features, heads, evaluation, gate, tracking, jobs."""
