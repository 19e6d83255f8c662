"""What a demonstration or a test of a virtual board needs from the machine: rights, namespaces, real clients."""
