"""The tests, by what they lean on: unit on nothing, contract on ports, integration on servers and processes."""
