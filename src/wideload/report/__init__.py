"""Any stage's values as text, JSON and HTML. Knows values and nothing else."""
