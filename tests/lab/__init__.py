"""A laboratory for network tests: namespaces, wires, servers, clients, captures.

Everything here is made for one test and gone after it: names are unique to the test process, only processes that the
lab started are stopped, and nothing of the host's own network, resolver or lease files is touched. Tests need root;
without it, or without a tool, they skip and say which one is missing.
"""
