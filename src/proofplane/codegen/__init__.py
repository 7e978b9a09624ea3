"""Service contracts turned into types, clients and servers in five languages."""
