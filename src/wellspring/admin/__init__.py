"""What administrators do: people, roles, who supervises."""
