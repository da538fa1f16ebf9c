"""The whole system on one machine: processes, ports, passwords, logs, and the demonstration of the loop."""
