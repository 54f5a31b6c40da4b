"""Small parts that more than one method uses."""
