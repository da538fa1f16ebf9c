"""What Airflow loads: wiring only, safe to parse often; the work happens in job processes."""
