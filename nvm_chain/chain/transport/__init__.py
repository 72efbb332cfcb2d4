"""Transports to a node: http, IPC and WebSocket, with limits of time and size."""
