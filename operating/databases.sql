-- The two databases of a gateway: its books, and its index of the chain.
CREATE DATABASE meter;
CREATE DATABASE index;
