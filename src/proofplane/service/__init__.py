"""How long-running parts are run: services with inputs and status, commit subscriptions, commands, supervision, retries."""
