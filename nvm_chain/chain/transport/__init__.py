"""How requests get to a node and answers back: http, IPC and WebSocket, within limits of time and size."""
