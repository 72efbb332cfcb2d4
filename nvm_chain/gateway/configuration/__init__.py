"""The configuration file of a gateway: its tables as typed values, and the file to start from."""
