"""Websockets of services: each is paid for by a session, message by message or minute by minute."""
